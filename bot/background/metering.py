"""Writes the engine's device time to the store, slice by slice: busy, overhead, and the idle rest.

Slices end every ten seconds and at each full hour: the rent of any whole hour is the sum of its slices.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from bot.background.task import BackgroundTask
from engine.worker.accounting import Totals
from storage.clock import HOUR_US, SECOND_US, utc_us
from storage.errors import StoreUnavailable
from storage.records.figures import MeterSlice

if TYPE_CHECKING:
    from engine.front import Front
    from storage.clock import Clock
    from storage.store import Store

log = structlog.get_logger(__name__)

SLICE_US = 10 * SECOND_US


@dataclass(frozen=True, slots=True)
class Booked:
    """Until when a device's time has been booked, and its totals at that moment."""

    at_us: int
    totals: Totals


class MeterWriter(BackgroundTask):
    """Books device time in slices. What cannot be written now becomes part of the next slice.

    The device of this very process has no name; a cluster's have theirs, each its own slices.
    """

    def __init__(self, engine: Front, store: Store, clock: Clock = utc_us) -> None:
        super().__init__()
        self._engine = engine
        self._store = store
        self._clock = clock
        at_us = clock()
        self._booked = {device: Booked(at_us, totals) for device, totals in self._devices().items()}

    async def stop(self) -> None:
        """End, and book the last slice."""
        started = self._task is not None
        await super().stop()
        if started:
            await self.book()

    async def book(self) -> None:
        """Write the time since the last slices. A device that left is booked no more, one that came is."""
        now_us, devices = self._clock(), self._devices()
        try:
            for device in [device for device in self._booked if device not in devices]:
                await self._store.meter.device_left(device)
                del self._booked[device]
            for device, totals in devices.items():
                booked = self._booked.setdefault(device, Booked(now_us, totals))
                if _seconds(totals) < _seconds(booked.totals):  # another process, under the same name
                    booked = Booked(booked.at_us, Totals(0.0, 0.0, 0.0))
                if now_us > booked.at_us:
                    await self._store.meter.book(_slice(device, booked, now_us, totals))
                    self._booked[device] = Booked(now_us, totals)
        except StoreUnavailable as error:
            log.warning("meter.not_written", reason=str(error))

    def _devices(self) -> dict[str, Totals]:
        """What each device did since its start."""
        state = self._engine.snapshot()
        if not state.clustered:
            return {"": state.totals}
        return {worker.device_name: worker.totals for worker in state.workers if worker.totals}

    async def _run(self) -> None:
        while True:
            now_us = self._clock()
            edge_us = min(now_us + SLICE_US, (now_us // HOUR_US + 1) * HOUR_US)
            await asyncio.sleep((edge_us - now_us) / 1e6)
            await self.book()


def _seconds(totals: Totals) -> float:
    return totals.busy_s + totals.overhead_s + totals.idle_s


def _slice(device: str, booked: Booked, now_us: int, totals: Totals) -> MeterSlice:
    length_us = now_us - booked.at_us
    busy_us = min(round((totals.busy_s - booked.totals.busy_s) * 1e6), length_us)
    overhead_us = min(round((totals.overhead_s - booked.totals.overhead_s) * 1e6), length_us - busy_us)
    return MeterSlice(booked.at_us, now_us, busy_us, overhead_us, device)
