"""Where workers come from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from engine.worker.protocol import Worker


class Fleet(Protocol):
    """Where workers come from, and how many there shall be."""

    def arrivals(self) -> AsyncIterator[Worker]:
        """Workers as they come, each to be started; for as long as the front runs."""

    def refill(self, worker: Worker) -> None:
        """The worker is gone and stopped: its place may be filled again, by one of the same name."""

    def want(self, count: int) -> None:
        """How many there shall be from now on. A fleet of a fixed size takes no notice."""

    async def close(self) -> None:
        """Let go of everything."""


async def nothing() -> None:
    """There is nothing to be done."""


class FixedFleet:
    """A fleet of a fixed size: a worker that is gone is started again, after a while."""

    def __init__(
        self,
        workers: Sequence[Worker],
        *,
        again_after_s: float = 5.0,
        on_close: Callable[[], Awaitable[None]] = nothing,
    ) -> None:
        self._again_after_s = again_after_s
        self._on_close = on_close
        self._coming: asyncio.Queue[Worker] = asyncio.Queue()
        for worker in workers:
            self._coming.put_nowait(worker)

    async def arrivals(self) -> AsyncIterator[Worker]:
        while True:
            yield await self._coming.get()

    def refill(self, worker: Worker) -> None:
        asyncio.get_running_loop().call_later(self._again_after_s, self._coming.put_nowait, worker)

    def want(self, count: int) -> None:
        """There are as many as there are."""

    async def close(self) -> None:
        await self._on_close()
