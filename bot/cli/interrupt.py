"""Ctrl-C: the first time everything is shut down in order, the second time the process ends at once.

Ending at once loses nothing. What was accepted is written down, and the next start goes on with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells expect it."""


async def interruptible(work: Callable[[], Coroutine[None, None, T]], *, farewell: str) -> T:
    """Await `work()` as a task that SIGINT and SIGTERM cancel.

    A second SIGINT prints `farewell` and ends the process with status 130, whatever is still running in its
    threads. Raises CancelledError after the first, once the cancelled task has ended.
    """
    task = asyncio.ensure_future(work())
    loop = asyncio.get_running_loop()

    def end_at_once(*_: object) -> None:
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), f"\n{farewell}\n".encode(sys.stderr.encoding, "replace"))
        os._exit(INTERRUPTED)

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        # Not the loop's: it also holds when the loop is closed and only threads are waited for.
        signal.signal(signal.SIGINT, end_at_once)
        task.cancel()

    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers on the loop
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        loop.add_signal_handler(signal.SIGINT, interrupt)
    return await task
