"""How late the event loop is: a timer is set twice a second, and what it oversleeps is the lag."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from prometheus_client import Histogram

EVERY_S = 0.5


class LoopLag:
    """One task. `clock` and `pause` are handed in by tests."""

    def __init__(
        self,
        histogram: Histogram,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._histogram = histogram
        self._clock = clock
        self._pause = pause
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="loop-lag")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            due_s = self._clock() + EVERY_S
            await self._pause(EVERY_S)
            self._histogram.observe(max(0.0, self._clock() - due_s))
