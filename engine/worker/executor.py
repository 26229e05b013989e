"""The threads that call the model, and the calls they are busy with.

On a CPU several threads step groups of different shape side by side, one torch thread each. On a GPU there
is one, and groups take turns. A thread carries out one call of the model at a time; the meter runs while it
does; what came of it is handed to the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from engine.events import Phase
from engine.threads import LastingThread
from engine.worker.errors import is_device_lost, is_out_of_memory

if TYPE_CHECKING:
    from engine.worker.accounting import Clock, Meter
    from engine.worker.calls import Made
    from engine.worker.scheduler import Work

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended. An exception is kept as text: the object would pin every tensor on its way."""

    value: object = None
    error: str | None = None
    trace: str = ""
    out_of_memory: bool = False
    device_lost: bool = False
    """Whatever is asked of the device from now on fails as well."""

    @property
    def failed(self) -> bool:
        return self.error is not None


@dataclass(frozen=True, slots=True)
class Result:
    """Work that is out of a thread's hands again."""

    work: Work
    outcome: Outcome
    billed: Mapping[str, float]
    """Device seconds by job."""
    wall_s: float
    hung: bool = False
    """It did not come back; whatever it still does is nobody's any more."""


def attempt(call: Call) -> Outcome:
    """Run `call`; whatever it raises is read, then let go of."""
    try:
        return Outcome(call())
    except BaseException as error:
        return Outcome(
            error=f"{type(error).__name__}: {error}",
            trace="".join(traceback.format_exception(error)),
            out_of_memory=is_out_of_memory(error),
            device_lost=is_device_lost(error),
        )


class DrawThread(LastingThread):
    """Calls the model, `prepare` before anything else."""

    def __init__(self, name: str, prepare: Callable[[], None]) -> None:
        super().__init__(name)
        self.busy = False
        self._prepared = self.submit(partial(attempt, prepare))

    def start(self, call: Call) -> asyncio.Future[Outcome]:
        """How the call ends; the thread is free again by then."""
        assert not self.busy, "the thread is busy"
        self.busy = True
        outcome = asyncio.wrap_future(self.submit(partial(self._attempt, call)))
        outcome.add_done_callback(self._free)
        return outcome

    def _attempt(self, call: Call) -> Outcome:
        prepared = self._prepared.result()
        return prepared if prepared.failed else attempt(call)

    def _free(self, _: object) -> None:
        self.busy = False


@dataclass(slots=True, eq=False)
class _Running:
    work: Work
    began: float
    deadline: float
    billed: Mapping[str, float] = field(default_factory=dict)


class Executor:
    """The threads of one worker. Used from its event loop only."""

    LEAVE_S = 5.0
    """How long closing waits for threads that still work: torch must not be torn down below them."""

    def __init__(self, meter: Meter, clock: Clock, prepare: Callable[[], None], *, threads: int) -> None:
        self._meter = meter
        self._clock = clock
        self._threads = [DrawThread(f"draw-{n}", prepare) for n in range(threads)]
        self._running: dict[DrawThread, _Running] = {}
        self._results: list[Result] = []
        self._wake = asyncio.Event()

    @property
    def free(self) -> int:
        return sum(not thread.busy for thread in self._threads)

    @property
    def in_flight(self) -> int:
        return len(self._running)

    def launch(self, work: Work, call: Callable[[], Made], *, deadline_s: float) -> None:
        """Give work to a free thread. It comes back within `deadline_s`, or counts as hung."""
        thread, now = self._free_thread(), self._clock()
        running = self._running[thread] = _Running(work, now, now + deadline_s)
        tokens = {job.job_id: job.tokens for job in work.jobs}

        def metered() -> Made:
            device_s = None
            self._meter.begin(running, work.phase, tokens)
            try:
                made = call()
                device_s = made.measurement.device_s
                return made
            finally:
                running.billed = self._meter.end(running, device_s)

        ending = thread.start(metered)
        ending.add_done_callback(lambda ended: self._come_back(thread, running, ended.result()))

    async def overhead(self, call: Call, *, deadline_s: float | None = None) -> Outcome:
        """Work for nobody's picture, in the account of overhead. A thread must be free."""
        thread, account = self._free_thread(), object()

        def metered() -> object:
            self._meter.begin(account, Phase.DENOISE, {})
            try:
                return call()
            finally:
                self._meter.end(account)

        try:
            async with asyncio.timeout(deadline_s):
                return await thread.start(metered)
        except TimeoutError:
            self._meter.end(account)
            self._leave_behind(thread)
            return Outcome(error=f"no answer within {deadline_s:.0f} s", device_lost=True)

    def poke(self) -> None:
        """End the present wait: something else happened."""
        self._wake.set()

    async def results(self, patience_s: float) -> list[Result]:
        """What came back, or hung; waits for something to happen, at most `patience_s`."""
        deadlines = [running.deadline - self._clock() for running in self._running.values()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min([*deadlines, patience_s]))):
                await self._wake.wait()
        self._give_up_hung()
        self._wake.clear()
        results, self._results = self._results, []
        return results

    async def close(self) -> None:
        """Let the threads end; those that hang were left behind."""
        for thread in self._threads:
            thread.close()
        until = self._clock() + self.LEAVE_S

        def join() -> None:
            for thread in self._threads:
                thread.join(max(0.0, until - self._clock()))

        await asyncio.to_thread(join)

    def _come_back(self, thread: DrawThread, running: _Running, outcome: Outcome) -> None:
        if self._running.get(thread) is running:  # it was not given up on before
            self._end(thread, Result(running.work, outcome, running.billed, self._clock() - running.began))

    def _give_up_hung(self) -> None:
        now = self._clock()
        for thread, running in [entry for entry in self._running.items() if now >= entry[1].deadline]:
            billed = self._meter.end(running)
            wall_s = now - running.began
            outcome = Outcome(error=f"no answer within {wall_s:.0f} s")
            self._end(thread, Result(running.work, outcome, billed, wall_s, hung=True))
            self._leave_behind(thread)

    def _end(self, thread: DrawThread, result: Result) -> None:
        del self._running[thread]
        self._results.append(result)
        self._wake.set()

    def _free_thread(self) -> DrawThread:
        return next(thread for thread in self._threads if not thread.busy)

    def _leave_behind(self, thread: DrawThread) -> None:
        """A hung call cannot be stopped: its thread is left to it."""
        thread.close()
        self._threads.remove(thread)
