"""Blocking calls that may never come back, kept off the event loop and off everybody else's threads."""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

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
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[[], T], *, timeout_s: float) -> T:
        """What `call` returns. Raises TimeoutError; it is left behind then, and so are later calls."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def settle(value: Any, error: BaseException | None) -> None:
            if result.done():
                return
            if error is not None:
                result.set_exception(error)
            else:
                result.set_result(value)

        def work() -> None:
            value, error = None, None
            try:
                value = call()
            except BaseException as raised:
                error = raised
            try:
                loop.call_soon_threadsafe(settle, value, error)
            except RuntimeError:  # the loop closed meanwhile: nobody is left to tell
                return

        self._calls.put(work)
        async with asyncio.timeout(timeout_s):
            return await result

    def close(self) -> None:
        """Let it end once its present call is over."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


async def in_thread(call: Callable[[], T], *, timeout_s: float) -> T:
    """Run `call` in a thread of its own. Raises TimeoutError; the thread is left behind then."""
    thread = LastingThread()
    try:
        return await thread.run(call, timeout_s=timeout_s)
    finally:
        thread.close()
