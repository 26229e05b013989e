"""The engine: one asyncio task owns the device and is the only caller of the model.

Its loop: schedule (admit, pause), dispatch (hand work to free workers), wait, postprocess. The scheduler, the queue
and the memory gate decide; this file carries out their plan and never blocks the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.accounting import Clock, Meter, Totals
from engine.cache import ByteLRU, picture_key
from engine.events import Action, Event, LogObserver, Observer, Phase
from engine.executor import Lane, Outcome
from engine.job import Job
from engine.memory import MemoryGate, Mode
from engine.oom import Remedy, next_remedy
from engine.profile import Predictor
from engine.queue import FairQueue, LaneTerms
from engine.request import (
    Cancelled,
    Draining,
    DrawFailed,
    Drawing,
    DrawRequest,
    EngineError,
    JobState,
    OutOfMemory,
    Progress,
    StepTimeout,
    TooLarge,
    Usage,
)
from engine.scheduler import Scheduler, Work
from engine.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from PIL.Image import Image

    from engine.accounting import Spent
    from engine.model import Canvas, Caption, DeviceMemory, Model

REMEMBERED = 1024
"""How many jobs that are over can still be asked about."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How the device is shared. Bytes, seconds."""

    lanes: Mapping[str, LaneTerms] = field(default_factory=dict)
    max_active: int = 3
    max_waiting: int | None = None
    memory_budget_bytes: int = 1 << 40
    memory_mode: Mode = Mode.HIGH
    step_lanes: int = 1
    """Worker threads for steps: one on a GPU, one a core on a CPU."""
    decoder_lane: bool = False
    """The VAE has a worker of its own; for CPUs."""
    step_timeout_s: float = 120.0
    embedding_cache_bytes: int = 64 << 20
    result_cache_bytes: int = 128 << 20
    recover_after_s: float = 60.0
    """After an out-of-memory, how long until one more place is tried."""


@dataclass(frozen=True, slots=True)
class EngineSnapshot:
    """The engine at one moment."""

    waiting: Mapping[str, int]
    """Jobs in the queue, by lane."""
    active: int
    """Jobs that hold a place."""
    paused: int
    decoding: int
    max_active: int
    cap: int
    """Places in use at most now; below max_active after an out-of-memory."""
    totals: Totals
    memory_mode: Mode
    memory_budget_bytes: int
    resident_bytes: int
    memory: DeviceMemory | None
    done: int
    failed: int
    cancelled: int
    out_of_memory: int
    timeouts: int
    embedding_hits: int
    embedding_misses: int
    result_hits: int
    admission_paused: bool
    draining: bool
    oldest_wait_s: float


@dataclass(slots=True)
class _Flight:
    """Work in a worker's hands."""

    lane: Lane
    work: Work
    began: float
    deadline: float
    predicted_s: float
    billed: Mapping[str, float] = field(default_factory=dict)
    """Device seconds by job, once it has landed."""


class Engine:
    def __init__(
        self,
        *,
        model: Model,
        config: EngineConfig | None = None,
        clock: Clock = time.monotonic,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._model = model
        self._config = config = config or EngineConfig()
        self._clock = clock
        self._observers = (LogObserver(), *observers)
        self._queue: FairQueue[Job] = FairQueue(config.lanes, max_waiting=config.max_waiting)
        self._predictor = Predictor(model.profile)
        self._gate = MemoryGate(model.profile, config.memory_budget_bytes, config.memory_mode)
        self._scheduler = Scheduler(self._queue, self._gate, self._predictor, max_active=config.max_active)
        self._meter = Meter(clock)
        self._embeddings: ByteLRU[str, Caption] = ByteLRU(config.embedding_cache_bytes)
        self._results: ByteLRU[object, tuple[Image, bool]] = ByteLRU(config.result_cache_bytes)

        self._jobs: dict[str, Job] = {}
        self._tickets: dict[str, Ticket] = {}
        self._over: OrderedDict[str, Progress] = OrderedDict()
        self._flights: dict[Lane, _Flight] = {}
        self._lanes: list[Lane] = []
        self._decoder: Lane | None = None
        self._landed: deque[tuple[_Flight, Outcome]] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._admitting = True
        self._draining = False
        self._counts = {Action.DONE: 0, Action.FAILED: 0, Action.CANCELLED: 0}
        self._ooms = 0
        self._timeouts = 0
        self._cap_recovers_at: float | None = None

    # The outside

    async def start(self) -> None:
        """Load the model and begin to draw. Raises what loading raises."""
        self._open_lanes()
        outcome = await self._overhead(self._model.load)
        if outcome.failed:
            await self._close_lanes()
            raise RuntimeError(f"the model did not load: {outcome.error}\n{outcome.trace}")
        self._task = asyncio.create_task(self._run(), name="engine")
        self._tell(Action.STARTED, model=self._model.name)

    async def stop(self, drain_timeout_s: float = 30.0) -> tuple[str, ...]:
        """Let the active jobs finish within the time given. Returns the ids still open, oldest first.

        Tickets of those raise Draining: they were accepted and are to be submitted again by the next process.
        """
        self._draining = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=drain_timeout_s)
            if not self._task.done():
                self._task.cancel()
                await asyncio.wait([self._task])
            error = None if self._task.cancelled() else self._task.exception()
            self._task = None
            if error is not None:
                raise error
        left = sorted(self._jobs.values(), key=lambda job: job.arrived_at)
        for job in left:
            self._settle(job, Draining("the engine is shutting down", self._usage(job)), JobState.QUEUED)
        await self._close_lanes()
        self._model.close()
        self._tell(Action.STOPPED, left=len(left))
        return tuple(job.job_id for job in left)

    async def __aenter__(self) -> Engine:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(0.0)

    def submit(self, request: DrawRequest, *, accepted_before: bool = False) -> Ticket:
        """Queue a job. Raises QueueFull, TooLarge, Draining; ValueError for what no model could draw.

        `accepted_before`: taken on by an earlier life of the process; the backlog caps let it pass.
        """
        if self._draining:
            raise Draining("the engine is shutting down")
        if request.job_id in self._jobs:
            raise ValueError(f"job {request.job_id} is here already")
        profile = self._model.profile
        if not profile.fits_grid(request.width, request.height) or request.steps < 1:
            raise ValueError(f"{request.width}x{request.height} in {request.steps} steps cannot be drawn")
        job = Job(request, self._clock(), self._predictor.job_s(request))
        if not self._gate.ever_fits(job.need):
            raise TooLarge(f"{request.width}x{request.height} does not fit the memory budget")
        if not accepted_before:
            self._queue.check(request.lane, request.flow)
        ticket = Ticket(request, self)
        if (held := self._results.get(picture_key(self._model.name, request))) is not None:
            image, truncated = held
            drawing = Drawing(request, image.copy(), Usage(queue_s=request.waited_s, cached=True), truncated)
            self._remember(request.job_id, last := Progress(JobState.DONE, request.steps, request.steps, 0.0))
            ticket.settle(drawing, last)
            return ticket
        self._jobs[job.job_id] = job
        self._tickets[job.job_id] = ticket
        job.waiting_since = job.submitted_at
        self._queue.push(job)
        self._tell(Action.SUBMITTED, job.job_id, lane=request.lane)
        self._wake.set()
        return ticket

    def progress(self, job_id: str) -> Progress:
        """Where a job stands. O(log n). Raises KeyError for a job not known, or long over."""
        job = self._jobs.get(job_id)
        if job is None:
            return self._over[job_id]
        position, ahead_s = 0, 0.0
        if job_id in self._queue:
            position, ahead_s = self._queue.ahead(job)
        left_s = self._predictor.job_s(job.request, job.step, encoded=bool(job.captions))
        if job_id in self._scheduler.active:
            left_s *= max(1, len(self._scheduler.active))  # the places step in turn
        return Progress(job.state, job.step, job.request.steps, ahead_s + left_s, position, job.preview)

    def cancel(self, job_id: str) -> bool:
        """Stop a job at its next step boundary. False where it is over, or not known."""
        job = self._jobs.get(job_id)
        if job is None or job.cancelling:
            return False
        if job.in_flight:
            job.cancelling = True
        else:
            self._end(job, Cancelled("cancelled", self._usage(job)), JobState.CANCELLED)
        self._wake.set()
        return True

    def pause_admission(self) -> None:
        """Take jobs into the queue, but start none."""
        self._admitting = False

    def resume_admission(self) -> None:
        self._admitting = True
        self._wake.set()

    def snapshot(self) -> EngineSnapshot:
        now = self._clock()
        waiting = list(self._queue.waiting())
        return EngineSnapshot(
            waiting=self._queue.depths(),
            active=len(self._scheduler.active),
            paused=sum(1 for job in waiting if job.state is JobState.PAUSED),
            decoding=len(self._scheduler.decoding),
            max_active=self._config.max_active,
            cap=self._scheduler.cap,
            totals=self._meter.totals(),
            memory_mode=self._gate.mode,
            memory_budget_bytes=self._gate.budget_bytes,
            resident_bytes=self._gate.resident_bytes,
            memory=self._model.memory(),
            done=self._counts[Action.DONE],
            failed=self._counts[Action.FAILED],
            cancelled=self._counts[Action.CANCELLED],
            out_of_memory=self._ooms,
            timeouts=self._timeouts,
            embedding_hits=self._embeddings.hits,
            embedding_misses=self._embeddings.misses,
            result_hits=self._results.hits,
            admission_paused=not self._admitting,
            draining=self._draining,
            oldest_wait_s=max((now - job.arrived_at for job in waiting), default=0.0),
        )

    # The loop

    async def _run(self) -> None:
        while not (self._draining and not len(self._scheduler)):
            self._schedule()
            self._dispatch()
            for flight, outcome in await self._landings():
                self._postprocess(flight, outcome)

    def _schedule(self) -> None:
        now = self._clock()
        self._recover_cap(now)
        if not self._admitting or self._draining:
            return
        changes = self._scheduler.admit(now)
        for job in changes.paused:
            self._tell(Action.PAUSED, job.job_id)
            self._tickets[job.job_id].touch()
        for job in changes.admitted:
            self._tell(Action.RESUMED if job.step else Action.ADMITTED, job.job_id)
            self._tickets[job.job_id].touch()

    def _dispatch(self) -> None:
        free = [lane for lane in self._lanes if not lane.busy]
        decoder = self._decoder or (free[0] if free else None)
        for work in self._scheduler.pick(len(free), decoder=decoder is not None and not decoder.busy):
            if work.phase is Phase.DECODE and self._decoder is not None:
                self._launch(self._decoder, work)
            elif free:
                self._launch(free.pop(0), work)

    def _launch(self, lane: Lane, work: Work) -> None:
        now = self._clock()
        predicted_s = self._predicted_s(work)
        flight = _Flight(lane, work, now, now + self._config.step_timeout_s, predicted_s)
        self._flights[lane] = flight
        for job in work.jobs:
            job.in_flight = True
        call = self._call_for(work)
        tokens = {job.job_id: job.tokens for job in work.jobs}

        def metered() -> object:
            self._meter.begin(lane, work.phase, tokens)
            try:
                return call()
            finally:
                flight.billed = self._meter.end(lane)

        lane.run(metered, lambda outcome: self._land(flight, outcome))

    def _land(self, flight: _Flight, outcome: Outcome) -> None:
        self._landed.append((flight, outcome))
        self._wake.set()

    async def _landings(self) -> list[tuple[_Flight, Outcome]]:
        """Wait until work comes back, a job arrives or goes, or a step has hung; return what came back."""
        try:
            async with asyncio.timeout(self._patience_s()):
                await self._wake.wait()
        except TimeoutError:
            await self._abandon_hung()
        self._wake.clear()
        landed = list(self._landed)
        self._landed.clear()
        return landed

    def _patience_s(self) -> float | None:
        times = [flight.deadline for flight in self._flights.values()]
        if self._cap_recovers_at is not None and len(self._queue):
            times.append(self._cap_recovers_at)
        return max(0.0, min(times) - self._clock()) if times else None

    def _postprocess(self, flight: _Flight, outcome: Outcome) -> None:
        if self._flights.get(flight.lane) is not flight:
            return  # given up on before
        del self._flights[flight.lane]
        work = flight.work
        now = self._clock()
        for job in work.jobs:
            job.in_flight = False
            job.stepped_at = now
            self._queue.served(job, flight.billed.get(job.job_id, 0.0))
        if outcome.out_of_memory:
            self._ran_out(work, outcome)
        elif outcome.failed:
            for job in work.jobs:
                self._end(
                    job, DrawFailed(outcome.error or "", self._usage(job)), JobState.FAILED, outcome.trace
                )
        else:
            self._learn(flight)
            self._take_up(work, outcome.value)
        for job in work.jobs:
            self._at_boundary(job, now)

    def _take_up(self, work: Work, value: object) -> None:
        """Give the jobs what the worker made for them."""
        if work.phase is Phase.ENCODE:
            (job,) = work.jobs
            assert isinstance(value, _Begun)
            for prompt, caption in zip(_prompts(job.request), value.captions, strict=True):
                self._embeddings.put(prompt, caption, caption.nbytes)
            job.captions, job.canvas = value.captions, value.canvas
            job.state = JobState.RUNNING
        elif work.phase is Phase.DENOISE:
            assert isinstance(value, dict)
            for job in work.jobs:
                job.step += 1
                job.preview = value.get(job.job_id, job.preview)
                if not job.steps_left:
                    job.pausing = False
                    self._scheduler.finish_steps(job)
        else:
            (job,) = work.jobs
            if not job.cancelling:
                self._finish(job, value)  # type: ignore[arg-type]

    def _at_boundary(self, job: Job, now: float) -> None:
        """Between two pieces of work a job may be cancelled, paused, looked at."""
        if job.state.final:
            return
        if job.cancelling:
            self._end(job, Cancelled("cancelled", self._usage(job)), JobState.CANCELLED)
        elif job.pausing:
            self._scheduler.park(job, now)
        self._tickets[job.job_id].touch() if job.job_id in self._tickets else None

    def _finish(self, job: Job, image: Image) -> None:
        usage = self._usage(job)
        truncated = any(caption.truncated for caption in job.captions)
        size = image.width * image.height * len(image.getbands())
        self._results.put(picture_key(self._model.name, job.request), (image, truncated), size)
        self._scheduler.drop(job)
        self._counts[Action.DONE] += 1
        self._tell(Action.DONE, job.job_id, gpu_s=usage.gpu_s, queue_s=usage.queue_s)
        self._settle(job, Drawing(job.request, image.copy(), usage, truncated), JobState.DONE)

    def _end(self, job: Job, error: EngineError, state: JobState, trace: str = "") -> None:
        """The job ends without a picture."""
        self._scheduler.drop(job)
        action = Action.CANCELLED if state is JobState.CANCELLED else Action.FAILED
        self._counts[action] += 1
        fields = {"reason": str(error), "trace": trace} if trace else {"reason": str(error)}
        self._tell(action, job.job_id, gpu_s=error.usage.gpu_s, **fields)
        self._settle(job, error, state)

    def _settle(self, job: Job, outcome: Drawing | EngineError, state: JobState) -> None:
        job.state = state
        job.captions, job.canvas = (), None
        self._meter.close(job.job_id)
        del self._jobs[job.job_id]
        last = Progress(state, job.step, job.request.steps, 0.0)
        self._remember(job.job_id, last)
        self._tickets.pop(job.job_id).settle(outcome, last)

    def _remember(self, job_id: str, last: Progress) -> None:
        self._over[job_id] = last
        while len(self._over) > REMEMBERED:
            self._over.popitem(last=False)

    def _usage(self, job: Job) -> Usage:
        waited = job.waited_s + (self._clock() - job.waiting_since if job.waiting_since is not None else 0.0)
        spent: Spent = self._meter.spent(job.job_id)
        return Usage(
            queue_s=job.request.waited_s + waited,
            encode_s=spent.encode_s,
            denoise_s=spent.denoise_s,
            decode_s=spent.decode_s,
            gpu_s=spent.gpu_s,
            energy_j=spent.energy_j,
        )

    # Work for the threads. Each closure gets what it needs; jobs are the event loop's alone.

    def _call_for(self, work: Work) -> Callable[[], object]:
        model = self._model
        if work.phase is Phase.DENOISE:
            canvases = [job.canvas for job in work.jobs if job.canvas is not None]
            due = {
                job.job_id: job.canvas for job in work.jobs if job.canvas is not None and _preview_due(job)
            }

            def step() -> object:
                model.step(canvases)
                return {job_id: model.preview(canvas) for job_id, canvas in due.items()}

            return step
        (job,) = work.jobs
        if work.phase is Phase.ENCODE:
            request = job.request
            known = {prompt: self._embeddings.get(prompt) for prompt in _prompts(request)}

            def encode() -> object:
                missing = [prompt for prompt, caption in known.items() if caption is None]
                known.update(zip(missing, model.encode(missing), strict=True) if missing else ())
                captions = tuple(caption for p in _prompts(request) if (caption := known[p]) is not None)
                return _Begun(captions, model.begin(request, captions))

            return encode
        canvas, tiled = job.canvas, job.tiled or job.pixels > model.profile.tile_above_pixels
        assert canvas is not None
        return lambda: model.decode(canvas, tiled=tiled)

    def _predicted_s(self, work: Work) -> float:
        if work.phase is Phase.DENOISE:
            return sum(self._predictor.step_s(job.pixels, job.request.captions) for job in work.jobs)
        (job,) = work.jobs
        if work.phase is Phase.ENCODE:
            return self._predictor.encode_s(job.request.captions)
        return self._predictor.decode_s(job.pixels)

    def _learn(self, flight: _Flight) -> None:
        work = flight.work
        for job in work.jobs:
            billed = flight.billed.get(job.job_id, 0.0)
            if work.phase is Phase.DENOISE:
                self._predictor.learn_step(job.pixels, job.request.captions, billed)
            elif work.phase is Phase.ENCODE:
                self._predictor.learn_encode(job.request.captions, billed)
            else:
                self._predictor.learn_decode(job.pixels, billed)

    # When things go wrong

    def _ran_out(self, work: Work, outcome: Outcome) -> None:
        """One rung down the ladder; the worker has left its `except` block long ago."""
        self._ooms += 1
        first = work.jobs[0]
        remedy = next_remedy(work.phase, group=len(work.jobs), tiled=first.tiled, alone=first.alone)
        self._scheduler.cap = max(1, min(self._scheduler.cap, len(self._scheduler)) - 1)
        self._cap_recovers_at = self._clock() + self._config.recover_after_s
        self._tell(
            Action.OUT_OF_MEMORY,
            first.job_id,
            phase=work.phase.value,
            jobs=len(work.jobs),
            remedy=remedy.value,
            cap=self._scheduler.cap,
            reason=outcome.error,
        )
        self._model.release()
        for job in work.jobs:
            if remedy is Remedy.HALVE:
                job.max_group = len(work.jobs) // 2
            elif remedy is Remedy.TILE:
                job.tiled = True
            elif remedy is Remedy.ALONE:
                job.alone = True
            else:
                self._end(job, OutOfMemory(outcome.error or "", self._usage(job)), JobState.FAILED)

    def _recover_cap(self, now: float) -> None:
        if self._cap_recovers_at is None or now < self._cap_recovers_at:
            return
        self._scheduler.cap += 1
        whole = self._scheduler.cap >= self._config.max_active
        self._cap_recovers_at = None if whole else now + self._config.recover_after_s
        self._tell(Action.CAP_RAISED, cap=self._scheduler.cap)

    async def _abandon_hung(self) -> None:
        """A worker has not come back in time: its jobs fail, its thread is given up, the model is loaded anew."""
        now = self._clock()
        hung = [flight for flight in self._flights.values() if now >= flight.deadline]
        if not hung:
            return
        for flight in hung:
            self._timeouts += 1
            del self._flights[flight.lane]
            flight.billed = self._meter.end(flight.lane)
            self._tell(Action.STEP_TIMEOUT, phase=flight.work.phase.value, jobs=len(flight.work.jobs))
            for job in flight.work.jobs:
                job.in_flight = False
                self._end(job, StepTimeout("a step hung", self._usage(job)), JobState.FAILED)
            self._replace(flight.lane)
        outcome = await self._overhead(self._model.load)
        self._tell(Action.RELOAD_FAILED if outcome.failed else Action.RELOADED, reason=outcome.error)

    # Workers

    def _open_lanes(self) -> None:
        names = [f"draw-{n}" for n in range(self._config.step_lanes)]
        self._lanes = [Lane(name, self._model.prepare_thread) for name in names]
        self._decoder = Lane("decode", self._model.prepare_thread) if self._config.decoder_lane else None

    def _replace(self, lane: Lane) -> None:
        lane.close()
        fresh = Lane(lane.name, self._model.prepare_thread)
        if lane is self._decoder:
            self._decoder = fresh
        else:
            self._lanes[self._lanes.index(lane)] = fresh

    async def _overhead(self, call: Callable[[], object]) -> Outcome:
        """Work for nobody's picture, on a free worker, in the account of overhead."""
        lane = next(lane for lane in self._lanes if not lane.busy)

        def metered() -> object:
            self._meter.begin(lane, Phase.DENOISE, {})
            try:
                return call()
            finally:
                self._meter.end(lane)

        return await lane.call(metered)

    async def _close_lanes(self) -> None:
        for lane in (*self._lanes, self._decoder):
            if lane is not None:
                lane.close()

    def _tell(self, action: Action, job_id: str | None = None, **fields: object) -> None:
        event = Event(action, job_id, fields)
        for observer in self._observers:
            observer.on_event(event)


@dataclass(frozen=True, slots=True)
class _Begun:
    captions: tuple[Caption, ...]
    canvas: Canvas


def _prompts(request: DrawRequest) -> tuple[str, ...]:
    if request.captions == 2:
        return request.prompt, request.negative_prompt
    return (request.prompt,)


def _preview_due(job: Job) -> bool:
    every = job.request.preview_every
    return every > 0 and (job.step + 1) % every == 0 and job.steps_left > 1
