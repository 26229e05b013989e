"""The world's event loop: one callback at a time, in virtual time, and mortal between any two of them."""

from __future__ import annotations

import asyncio
import gc
import heapq
import itertools
import sys
import warnings
from typing import TYPE_CHECKING, Any

from tests.world.machine import MACHINE, Killed, current_thread

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Callable, Coroutine


class WorldLoop(asyncio.BaseEventLoop):
    """Time passes only when nothing is left to do at this moment. There are no sockets.

    `kill_at`: the callback before which the process dies: since each runs from one await to the next, it can
    die at any of them.
    """

    _ready: Any

    def __init__(self, now: float) -> None:
        super().__init__()
        self._now = now
        self.steps = 0
        self.kill_at: int | None = None
        self.set_task_factory(self._task)
        self._numbers = itertools.count()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []

    def time(self) -> float:
        return self._now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def create_future(self) -> asyncio.Future[Any]:
        return _Future(loop=self, number=next(self._numbers))

    def run_in_executor(  # type: ignore[override]
        self, executor: None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """A thread for one call: it does not wait, so it needs no thread to wait in."""
        answer = self.create_future()

        def call() -> None:
            try:
                with MACHINE.disk():
                    value = func(*args)
            except Exception as error:
                self.call_later(MACHINE.latency_s(), _settle, answer, None, error)
            else:
                self.call_later(MACHINE.latency_s(), _settle, answer, value, None)

        self.call_later(MACHINE.latency_s(), call)
        return answer

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        thread = current_thread()
        if thread is None:  # a generator's end
            return self.call_soon(callback, *args, context=context)
        return self.call_at(thread.answer_at(self._now), callback, *args, context=context)

    def bury(self) -> None:
        """Nothing of this process happens any more: its tasks are dropped, not cancelled."""
        self._ready.clear()
        self._timers.clear()
        tasks = asyncio.all_tasks(self)
        for task in tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        self.set_exception_handler(lambda *_: None)
        self.close()

    def _task(self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **more: Any) -> _Task:
        return _Task(coro, loop=loop, number=next(self._numbers), **more)

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers
        while not ready:
            assert timers, "everybody waits, and nothing will ever happen"
            when, _, timer = heapq.heappop(timers)
            if not timer.cancelled():
                self._now = max(self._now, when)
                ready.append(timer)
        self.steps += 1
        if self.steps == self.kill_at:
            raise Killed
        handle = ready.popleft()
        if not handle.cancelled():
            handle._run()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is skipped once its time has come."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector."""

    def _process_events(self, event_list: object) -> None:
        """There are none."""


class _Task(asyncio.Task[Any]):
    """Sets of tasks are in the order of their making, not of their addresses."""

    def __init__(self, *args: Any, number: int, **more: Any) -> None:
        self._number = number
        super().__init__(*args, **more)

    def __hash__(self) -> int:
        return self._number


class _Future(asyncio.Future[Any]):
    """As `_Task`."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop, number: int) -> None:
        self._number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


def _settle(answer: asyncio.Future[Any], value: object, error: Exception | None) -> None:
    if answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(value)


def forget_the_dead() -> None:
    """Destroy what a killed process left in memory; what its coroutines say about that is not heard."""
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
    finally:
        sys.unraisablehook = hook
