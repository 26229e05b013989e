"""Worker threads, and the work in their hands.

On a CPU several lanes step groups of different shape side by side, one torch thread each; where a core is
to spare, the decoder may have a lane of its own. On a GPU there is one lane, and groups take turns. A lane
carries out one call of the model at a time; the meter runs while it does; what came of it lands on the event
loop.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.events import Phase
from engine.worker.oom import is_out_of_memory

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

    @property
    def failed(self) -> bool:
        return self.error is not None


@dataclass(frozen=True, slots=True)
class Landing:
    """Work that is out of a worker's hands again."""

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

    def run(self, call: Call, done: Callable[[Outcome], None]) -> None:
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

    def close(self) -> None:
        """Let the thread end once its present call is over."""
        self._calls.put(None)

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _work(self) -> None:
        attempt(self._prepare)
        while (call := self._calls.get()) is not None:
            call()
            del call  # or the last call's tensors would live until the next


@dataclass(slots=True, eq=False)
class _Flight:
    work: Work
    began: float
    deadline: float
    landed: bool = False
    billed: Mapping[str, float] = field(default_factory=dict)


class Executor:
    """The lanes of one engine. Used from its event loop only."""

    LEAVE_S = 5.0
    """How long closing waits for threads that still work: torch must not be torn down below them."""

    def __init__(
        self, meter: Meter, clock: Clock, prepare: Callable[[], None], *, step_lanes: int, decoder_lane: bool
    ) -> None:
        self._meter = meter
        self._clock = clock
        self._prepare = prepare
        self._lanes = [Lane(f"draw-{n}", prepare) for n in range(step_lanes)]
        self._decoder = Lane("decode", prepare) if decoder_lane else None
        self._flights: dict[Lane, _Flight] = {}
        self._landed: list[Landing] = []
        self._wake = asyncio.Event()

    @property
    def free_lanes(self) -> int:
        return sum(not lane.busy for lane in self._lanes)

    @property
    def decoder_free(self) -> bool:
        return not self._decoder.busy if self._decoder is not None else self.free_lanes > 0

    @property
    def decoder_apart(self) -> bool:
        """True where decoding takes no place from steps."""
        return self._decoder is not None

    @property
    def in_flight(self) -> int:
        return len(self._flights)

    def launch(self, work: Work, call: Callable[[], Made], *, deadline_s: float) -> None:
        """Give work to a free lane. It lands within `deadline_s`, or counts as hung."""
        decoding = work.phase is Phase.DECODE and self._decoder is not None
        lane = self._decoder if decoding else next(lane for lane in self._lanes if not lane.busy)
        assert lane is not None
        now = self._clock()
        flight = self._flights[lane] = _Flight(work, now, now + deadline_s)
        tokens = {job.job_id: job.tokens for job in work.jobs}

        def metered() -> Made:
            device_s = None
            self._meter.begin(flight, work.phase, tokens)
            try:
                made = call()
                device_s = made.measurement.device_s
                return made
            finally:
                flight.billed = self._meter.end(flight, device_s)

        lane.run(metered, lambda outcome: self._land(lane, flight, outcome))

    async def overhead(self, call: Call, *, deadline_s: float | None = None) -> Outcome:
        """Work for nobody's picture, in the account of overhead. A lane must be free."""
        lane = next(lane for lane in self._lanes if not lane.busy)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        account = object()

        def metered() -> object:
            self._meter.begin(account, Phase.DENOISE, {})
            try:
                return call()
            finally:
                self._meter.end(account)

        lane.run(metered, lambda outcome: None if future.done() else future.set_result(outcome))
        try:
            async with asyncio.timeout(deadline_s):
                return await future
        except TimeoutError:
            self._meter.end(account)
            self._leave_behind(lane)
            return Outcome(error=f"no answer within {deadline_s:.0f} s")

    def poke(self) -> None:
        """End the present wait: something else happened."""
        self._wake.set()

    async def landings(self, patience_s: float | None) -> list[Landing]:
        """What came back, or hung; waits for something to happen, at most `patience_s`."""
        deadlines = [flight.deadline - self._clock() for flight in self._flights.values()]
        waits = [*deadlines, *([] if patience_s is None else [patience_s])]
        try:
            async with asyncio.timeout(max(0.0, min(waits)) if waits else None):
                await self._wake.wait()
        except TimeoutError:
            self._give_up_hung()
        self._wake.clear()
        landed, self._landed = self._landed, []
        return landed

    async def close(self) -> None:
        """Let the threads end; those that hang are left behind."""
        lanes = [*self._lanes, *([self._decoder] if self._decoder is not None else [])]
        for lane in lanes:
            lane.close()
        until = self._clock() + self.LEAVE_S

        def join() -> None:
            for lane in lanes:
                lane.join(max(0.0, until - self._clock()))

        await asyncio.to_thread(join)

    def _land(self, lane: Lane, flight: _Flight, outcome: Outcome) -> None:
        if flight.landed:
            return  # given up on before
        flight.landed = True
        del self._flights[lane]
        self._landed.append(Landing(flight.work, outcome, flight.billed, self._clock() - flight.began))
        self._wake.set()

    def _give_up_hung(self) -> None:
        now = self._clock()
        for lane, flight in [(lane, f) for lane, f in self._flights.items() if now >= f.deadline]:
            billed = self._meter.end(flight)
            outcome = Outcome(error=f"no answer within {now - flight.began:.0f} s")
            flight.landed = True
            del self._flights[lane]
            self._landed.append(Landing(flight.work, outcome, billed, now - flight.began, hung=True))
            self._leave_behind(lane)

    def _leave_behind(self, lane: Lane) -> None:
        """A hung call cannot be stopped: its thread is left to it, and the lane gets a fresh one."""
        lane.close()
        fresh = Lane(lane.name, self._prepare)
        if lane is self._decoder:
            self._decoder = fresh
        else:
            self._lanes[self._lanes.index(lane)] = fresh
