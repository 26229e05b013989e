"""Worker threads. A lane carries out one call of the model at a time and reports on the event loop.

On a CPU several lanes step groups of different shape side by side, one torch thread each, and the decoder has its
own. On a GPU there is one lane, and groups take turns.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.oom import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended. An exception is kept as text only: it would pin the tensors of every frame it passed."""

    value: object = None
    error: str | None = None
    trace: str = ""
    out_of_memory: bool = False

    @property
    def failed(self) -> bool:
        return self.error is not None


def attempt(call: Callable[[], object]) -> Outcome:
    """Run `call`; whatever it raises is read, then let go of."""
    try:
        return Outcome(call())
    except BaseException as error:
        return Outcome(
            error=f"{type(error).__name__}: {error}",
            trace="".join(traceback.format_exception(error)),
            out_of_memory=is_out_of_memory(error),
        )


class Lane:
    """One worker thread. A daemon: a call that hangs must not keep the process from leaving."""

    def __init__(self, name: str, prepare: Callable[[], None]) -> None:
        self.name = name
        self.busy = False
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._prepare = prepare
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, call: Callable[[], object], done: Callable[[Outcome], None]) -> None:
        """Start `call`; `done(outcome)` comes on the running event loop, with the lane free again."""
        assert not self.busy, f"{self.name} is busy"
        self.busy = True
        loop = asyncio.get_running_loop()

        def finish(outcome: Outcome) -> None:
            self.busy = False
            done(outcome)

        def work() -> None:
            outcome = attempt(call)
            try:
                loop.call_soon_threadsafe(finish, outcome)
            except RuntimeError:  # the loop closed meanwhile: nobody is left to tell
                return

        self._calls.put(work)

    async def call(self, call: Callable[[], object]) -> Outcome:
        """Run `call` and wait for it; cancelling the waiter does not stop the thread."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.run(call, lambda outcome: None if future.done() else future.set_result(outcome))
        return await future

    def close(self) -> None:
        """Let the thread end once its present call is over."""
        self._calls.put(None)

    def _work(self) -> None:
        attempt(self._prepare)
        while (call := self._calls.get()) is not None:
            call()
            del call  # or the last call's tensors would live until the next
