"""Writes the engine's device time to the store, slice by slice: busy, overhead, and the idle rest.

Slices end every ten seconds and at each full hour: the rent of any whole hour is the sum of its slices.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from bot.beside import Beside
from storage.clock import HOUR_US, SECOND_US, utc_us
from storage.errors import StoreUnavailable
from storage.records import MeterSlice

if TYPE_CHECKING:
    from engine.accounting import Totals
    from engine.backend import Backend
    from storage.clock import Clock
    from storage.store import Store

log = structlog.get_logger(__name__)

SLICE_US = 10 * SECOND_US


class MeterWriter(Beside):
    """One task that books slices; what cannot be written now is part of the next slice."""

    def __init__(self, engine: Backend, store: Store, clock: Clock = utc_us) -> None:
        super().__init__()
        self._engine = engine
        self._store = store
        self._clock = clock
        self._at_us = clock()
        self._booked = engine.snapshot().totals

    async def stop(self) -> None:
        """End, and book the last slice."""
        started = self._task is not None
        await super().stop()
        if started:
            await self.book()

    async def book(self) -> None:
        """Write the time since the last slice."""
        now_us, totals = self._clock(), self._engine.snapshot().totals
        if now_us <= self._at_us:
            return
        try:
            await self._store.book(self._slice(now_us, totals))
        except StoreUnavailable as error:
            log.warning("meter.not_written", reason=str(error))
        else:
            self._at_us, self._booked = now_us, totals

    async def _run(self) -> None:
        while True:
            now_us = self._clock()
            edge_us = min(now_us + SLICE_US, (now_us // HOUR_US + 1) * HOUR_US)
            await asyncio.sleep((edge_us - now_us) / 1e6)
            await self.book()

    def _slice(self, now_us: int, totals: Totals) -> MeterSlice:
        length_us = now_us - self._at_us
        busy_us = min(round((totals.busy_s - self._booked.busy_s) * 1e6), length_us)
        overhead_us = min(round((totals.overhead_s - self._booked.overhead_s) * 1e6), length_us - busy_us)
        return MeterSlice(self._at_us, now_us, busy_us, overhead_us)
