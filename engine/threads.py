"""Blocking calls that may never come back, kept off the event loop and off everybody else's threads."""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class LastingThread:
    """A daemon thread that makes one call after the other until it is closed.

    The loop's default threads are few, and waited for at the end of the process: a call that hangs must
    have none of them.
    """

    def __init__(self, name: str = "may-hang") -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Have it make this call next."""
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)

        self._calls.put(work)
        return future

    async def run(self, call: Callable[[], T], *, timeout_s: float | None) -> T:
        """What `call` returns. Raises TimeoutError; it is left behind then, and so are later calls."""
        async with asyncio.timeout(timeout_s):
            return await asyncio.wrap_future(self.submit(call))

    def close(self) -> None:
        """Let it end once its present call is over."""
        self._calls.put(None)

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call  # or what the last call held would live until the next


async def in_thread(call: Callable[[], T], *, timeout_s: float) -> T:
    """Run `call` in a thread of its own. Raises TimeoutError; the thread is left behind then."""
    thread = LastingThread()
    try:
        return await thread.run(call, timeout_s=timeout_s)
    finally:
        thread.close()
