"""Measures the event loop's lag: how late a timer fires that is set twice a second."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bot.background.task import BackgroundTask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from prometheus_client import Histogram

EVERY_S = 0.5


class LoopLag(BackgroundTask):
    """One task. `clock` and `pause` are handed in by tests."""

    def __init__(
        self,
        histogram: Histogram,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__()
        self._histogram = histogram
        self._clock = clock
        self._pause = pause

    async def _run(self) -> None:
        while True:
            due_s = self._clock() + EVERY_S
            await self._pause(EVERY_S)
            self._histogram.observe(max(0.0, self._clock() - due_s))
