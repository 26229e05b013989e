"""Blocking calls that may never come back, kept off the event loop and off everybody else's threads."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def in_thread(call: Callable[[], T], *, timeout_s: float) -> T:
    """Run `call` in a daemon thread of its own. Raises TimeoutError; the thread is left behind then.

    The loop's default threads are few, and waited for at the end of the process: a call that hangs must
    have none of them.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type]

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

    threading.Thread(target=work, name="may-hang", daemon=True).start()
    async with asyncio.timeout(timeout_s):
        return await result
