"""A caller's handle on one job."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from engine.request import Drawing, DrawRequest, EngineError, Progress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Desk(Protocol):
    """The engine, as far as a ticket needs it."""

    def progress(self, job_id: str) -> Progress: ...

    def cancel(self, job_id: str) -> bool: ...


class Ticket:
    REFRESH_S = 1.0
    """How often a waiting job's position and ETA are looked at again."""

    def __init__(self, request: DrawRequest, desk: Desk) -> None:
        self.request = request
        self._desk = desk
        self._result: asyncio.Future[Drawing] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()
        self._last: Progress | None = None

    @property
    def job_id(self) -> str:
        return self.request.job_id

    @property
    def done(self) -> bool:
        return self._result.done()

    def progress(self) -> Progress:
        """The job as it stands now; after the end, as it ended."""
        return self._last if self._last is not None else self._desk.progress(self.job_id)

    def cancel(self) -> bool:
        """False where the job was over already."""
        return self._desk.cancel(self.job_id)

    async def result(self) -> Drawing:
        """The drawing. Raises the EngineError the job ended with. Cancelling the waiter cancels no job."""
        return await asyncio.shield(self._result)

    async def updates(self) -> AsyncIterator[Progress]:
        """The newest state whenever it changed; a slow reader misses some.

        The last is a final state, or the one in which a stopping engine handed the job back.
        """
        seen: Progress | None = None
        while True:
            changed = self._changed
            now = self.progress()
            if now != seen:
                seen = now
                yield now
            if self.done:
                return
            try:
                async with asyncio.timeout(self.REFRESH_S):
                    await changed.wait()
            except TimeoutError:
                continue

    def touch(self) -> None:
        """Wake whoever follows the job. For the engine."""
        self._changed.set()
        self._changed = asyncio.Event()

    def settle(self, outcome: Drawing | EngineError, last: Progress) -> None:
        """The job is over. For the engine."""
        self._last = last
        if isinstance(outcome, EngineError):
            self._result.set_exception(outcome)
            self._result.exception()  # read once, so that a result nobody asks for is not complained about
        else:
            self._result.set_result(outcome)
        self.touch()
