"""The engine: one asyncio task owns the device and is the only caller of the model.

Its loop: schedule (admit, pause), dispatch (work to the free workers), wait, postprocess. The scheduler, the
queue and the memory gate decide; this file carries out their plan and never blocks the event loop.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from typing import TYPE_CHECKING

from engine.cache import ByteLRU, Pictures
from engine.desk import Desk
from engine.events import Action, Announcer, Phase, TimeSlice, Worked
from engine.queue import FairQueue
from engine.request import (
    Cancelled,
    Draining,
    DrawFailed,
    Drawing,
    DrawRequest,
    EngineError,
    JobState,
    ModelLost,
    OutOfMemory,
    Progress,
    StepTimeout,
    TooLarge,
)
from engine.settings import EngineConfig
from engine.snapshot import EngineSnapshot
from engine.ticket import Ticket
from engine.worker.accounting import Meter
from engine.worker.calls import Begun, Calls, Made, prompts
from engine.worker.executor import Executor
from engine.worker.experience import Experience
from engine.worker.job import Job
from engine.worker.memory import MemoryGate, Mode
from engine.worker.oom import Ladder, Remedy
from engine.worker.scheduler import Scheduler
from engine.worker.telemetry import NoTelemetry
from engine.worker.watchdog import Cause, Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from PIL.Image import Image

    from engine.events import Observer
    from engine.families.model import Caption, DeviceMemory, Model
    from engine.families.profile import Profile
    from engine.worker.accounting import Clock, Totals
    from engine.worker.executor import Landing, Outcome
    from engine.worker.scheduler import Work
    from engine.worker.telemetry import Telemetry

UNBOUNDED_BYTES = 1 << 60
STALE_S = 5.0
"""What the device had left so long ago says nothing of now."""
LOOK_AGAIN_S = 1.0
"""How soon a job that waits only for memory in other hands is looked at again."""


class Engine:
    """Draws. `start`, `submit`, `stop`; all on one event loop."""

    def __init__(
        self,
        *,
        model: Model,
        config: EngineConfig | None = None,
        clock: Clock = time.monotonic,
        telemetry: Telemetry | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._config = config = config or EngineConfig()
        self._model = model
        self._clock = clock
        self._telemetry = telemetry or NoTelemetry()
        self._says = Announcer(observers)
        self._watchdog = Watchdog(
            config.watchdog,
            clock=clock,
            on_alert=self._says.alert,
            offloading=config.memory_mode is not Mode.HIGH,
        )
        self._gate = MemoryGate(
            model.profile, config.memory_budget_bytes or UNBOUNDED_BYTES, config.memory_mode
        )
        self._experience = Experience(
            model.profile,
            self._gate,
            key=f"{model.name} on {config.device_name}, {config.lessons_key}",
            path=config.learned_path,
        )
        self._predictor = self._experience.predictor
        self._queue: FairQueue[Job] = FairQueue(config.lanes, max_waiting=config.max_waiting)
        self._scheduler = Scheduler(
            self._queue,
            self._gate,
            self._predictor,
            max_active=config.max_active,
            available_bytes=self._available_bytes,
        )
        self._ladder = Ladder(self._scheduler, recover_after_s=config.recover_after_s)
        self._meter = Meter(clock, self._telemetry.joules)
        self._desk = Desk(self._meter, clock)
        self._embeddings: ByteLRU[str, Caption] = ByteLRU(config.embedding_cache_bytes)
        self._pictures = Pictures(model.name, config.result_cache_bytes)
        self._calls = Calls(model, self._embeddings)
        self._executor: Executor | None = None
        self._task: asyncio.Task[None] | None = None
        self._memory: DeviceMemory | None = None
        self._memory_at = clock()
        self._admitting = True
        self._draining = False
        self._reload_due = False
        self._busy_at: float | None = None
        self._reported: tuple[float, Totals] = (clock(), self._meter.totals())

    # The outside

    @property
    def profile(self) -> Profile:
        """What is known of the model on this device."""
        return self._model.profile

    @property
    def config(self) -> EngineConfig:
        return self._config

    async def start(self) -> None:
        """Load the model, warm it up, begin to draw. Raises ModelLost where that fails."""
        config = self._config
        self._executor = Executor(
            self._meter,
            self._clock,
            self._model.prepare_thread,
            step_lanes=config.step_lanes,
            decoder_lane=config.decoder_lane,
        )
        try:
            await self._telemetry.start()
            await self._experience.recall()
            await self._load()
            await self._calibrate()
        except BaseException:
            await self._close()
            raise
        self._task = asyncio.create_task(self._run(), name="engine")
        self._says.tell(Action.STARTED, model=self._model.name, mode=self._gate.mode.value)

    async def stop(self, drain_timeout_s: float = 30.0) -> tuple[str, ...]:
        """Let the active jobs finish within the time given. Returns the ids still open, oldest first.

        The tickets of those raise Draining: they were accepted, and the next process is to be given them.
        Cancelling it ends the wait for the active jobs, and nothing else.
        """
        self._draining = True
        for job in self._scheduler.active.values():
            job.pausing = False
        self._poke()
        task, self._task = self._task, None
        try:
            if task is not None:
                await asyncio.wait([task], timeout=drain_timeout_s)
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)  # what it broke on was told when it did
            left = self._desk.let_go("the engine is shutting down")
            if self._executor is not None:
                await self._experience.save()
                await self._close()
            self._says.tell(Action.STOPPED, left=len(left))
        return left

    async def wait(self) -> None:
        """Return when the engine has stopped; raise what it broke on, if it broke."""
        if (task := self._task) is not None:
            await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

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
        if request.job_id in self._desk:
            raise ValueError(f"job {request.job_id} is here already")
        if not self._model.profile.fits_grid(request.width, request.height) or request.steps < 1:
            raise ValueError(f"{request.width}x{request.height} in {request.steps} steps cannot be drawn")
        job = Job(request, self._clock(), self._predictor.job_s(request))
        if not self._gate.ever_fits(job.need):
            raise TooLarge(f"{request.width}x{request.height} does not fit the memory budget")
        ticket = Ticket(request, self)
        if (drawing := self._pictures.again(request)) is not None:
            self._desk.answer(ticket, drawing)
            self._says.tell(Action.DONE, request.job_id, cached=True)
            return ticket
        if not accepted_before:
            self._queue.check(request.lane, request.flow)
        self._desk.open(job, ticket)
        self._queue.push(job)
        self._says.tell(Action.SUBMITTED, job.job_id, lane=request.lane)
        self._poke()
        return ticket

    def progress(self, job_id: str) -> Progress:
        """Where a job stands. O(log n). Raises KeyError for a job not known, or long over."""
        job = self._desk.job(job_id)
        if job is None:
            return self._desk.ended(job_id)
        position, ahead_s = 0, 0.0
        if job_id in self._queue:
            position, ahead_s = self._queue.ahead(job)
        left_s = self._predictor.job_s(job.request, job.step, encoded=bool(job.captions))
        if job_id in self._scheduler.active:
            left_s *= len(self._scheduler.active)  # the places step in turn
        return Progress(job.state, job.step, job.request.steps, ahead_s + left_s, position, job.preview)

    def cancel(self, job_id: str) -> bool:
        """Stop a job, at its next step boundary. False where it is over, or not known."""
        job = self._desk.job(job_id)
        if job is None or job.cancelling:
            return False
        job.cancelling = True
        if not job.in_flight:
            self._end(job, Cancelled("cancelled", self._desk.usage(job)))
        self._poke()
        return True

    def clear_caches(self) -> None:
        """Forget every kept caption and picture: somebody asked that nothing of them remains."""
        self._embeddings.clear()
        self._pictures.clear()

    def pause_admission(self) -> None:
        """Take jobs into the queue, but start none; those that run go on."""
        self._admitting = False

    def resume_admission(self) -> None:
        """Start jobs again."""
        self._admitting = True
        self._poke()

    def snapshot(self) -> EngineSnapshot:
        """The engine at this moment; O(n) in waiting jobs."""
        now = self._clock()
        waiting = list(self._queue.waiting())
        longest = self._queue.longest_waits(now)
        budget, counts = self._gate.budget_bytes, self._says.counts
        return EngineSnapshot(
            model=self._model.name,
            waiting=self._queue.depths(),
            oldest_wait_s=max(longest.values(), default=0.0),
            active=len(self._scheduler.active),
            paused=sum(job.state is JobState.PAUSED for job in waiting),
            decoding=len(self._scheduler.decoding),
            max_active=self._config.max_active,
            cap=self._scheduler.cap,
            queued_s=sum(job.cost_s for job in waiting),
            totals=self._meter.totals(),
            memory_mode=self._gate.mode,
            memory_budget_bytes=budget if budget < UNBOUNDED_BYTES else None,
            resident_bytes=self._gate.resident_bytes,
            memory=self._memory,
            gpu=self._telemetry.last,
            gpu_trouble=self._telemetry.trouble,
            slow=self._watchdog.slow,
            done=counts[Action.DONE],
            failed=counts[Action.FAILED],
            cancelled=counts[Action.CANCELLED],
            out_of_memory=counts[Action.OUT_OF_MEMORY],
            timeouts=counts[Action.STEP_TIMEOUT],
            embedding_hits=self._embeddings.hits,
            embedding_misses=self._embeddings.misses,
            result_hits=self._pictures.hits,
            admission_paused=not self._admitting,
            draining=self._draining,
            loaded=self._task is not None and not self._task.done() and not self._reload_due,
            oldest_wait_by_lane_s=longest,
        )

    # The loop

    async def _run(self) -> None:
        try:
            while not (self._draining and not len(self._scheduler)):
                await self._upkeep()
                self._schedule()
                self._dispatch()
                for landing in await self._crew.landings(self._patience_s()):
                    self._postprocess(landing)
        except Exception as error:
            # No job is lost with the engine: all are handed back, for the next process.
            self._draining = True
            reason, trace = f"{type(error).__name__}: {error}", traceback.format_exc()
            self._says.tell(Action.CRASHED, reason=reason, trace=trace)
            self._desk.let_go("the engine broke")
            raise

    def _schedule(self) -> None:
        if not self._admitting or self._draining or self._reload_due:
            return
        changes = self._scheduler.admit(self._clock())
        for job in changes.paused:
            self._says.tell(Action.PAUSED, job.job_id, step=job.step)
            self._desk.touch(job)
        for job in changes.admitted:
            action, waited_s = (
                Action.RESUMED if job.step else Action.ADMITTED,
                job.request.waited_s + job.waited_s,
            )
            self._says.tell(action, job.job_id, lane=job.lane, waited_s=waited_s)
            self._desk.touch(job)

    def _dispatch(self) -> None:
        crew = self._crew
        if self._reload_due:
            return
        picked = self._scheduler.pick(crew.free_lanes, decoder=crew.decoder_free, apart=crew.decoder_apart)
        cores = self._config.threads // max(1, crew.in_flight + len(picked))
        for work in (self._experience.with_threads(work, cores) for work in picked):
            for job in work.jobs:
                job.in_flight = True
            deadline_s = self._watchdog.step_deadline_s(
                self._experience.expected_s(work), first=self._experience.is_first(work)
            )
            crew.launch(work, self._calls.of(work), deadline_s=deadline_s)

    def _postprocess(self, landing: Landing) -> None:
        now = self._busy_at = self._clock()
        work, outcome = landing.work, landing.outcome
        for job in work.jobs:
            job.in_flight = False
            job.stepped_at = now
            self._queue.served(job, landing.billed.get(job.job_id, 0.0))
        if landing.hung:
            self._hung(landing)
        elif outcome.out_of_memory:
            self._ran_out(landing)
        elif outcome.failed:
            self._watchdog.failed(outcome.error or "")
            for job in work.jobs:
                self._end(job, DrawFailed(outcome.error or "", self._desk.usage(job)), trace=outcome.trace)
        else:
            assert isinstance(outcome.value, Made)
            request = work.jobs[0].request
            self._says.work(Worked(work.phase, landing.wall_s, len(work.jobs), request.width, request.height))
            self._learn(landing, outcome.value)
            self._take_up(work, outcome.value.value)
        for job in work.jobs:
            self._at_boundary(job, now)

    def _take_up(self, work: Work, value: object) -> None:
        """Give the jobs what was made for them."""
        if isinstance(value, Begun):
            (job,) = work.jobs
            for prompt, caption in zip(prompts(job.request), value.captions, strict=True):
                self._embeddings.put(prompt, caption, caption.nbytes)
            job.captions, job.canvas, job.state = value.captions, value.canvas, JobState.RUNNING
        elif isinstance(value, dict):
            for job in work.jobs:
                job.step += 1
                job.preview = value.get(job.job_id, job.preview)
                if not job.steps_left:
                    self._scheduler.finish_steps(job)
        elif not work.jobs[0].cancelling:
            self._finish(work.jobs[0], value)  # type: ignore[arg-type]

    def _learn(self, landing: Landing, made: Made) -> None:
        if made.measurement.memory is not None:
            self._memory, self._memory_at = made.measurement.memory, self._clock()
        if landing.work.phase is Phase.DENOISE:
            first = landing.work.jobs[0]
            expected_s = self._experience.expected_s(landing.work)
            self._watchdog.stepped(first.shape, expected_s, landing.wall_s, self._telemetry.last)
        self._experience.learn(landing, made.measurement)

    def _at_boundary(self, job: Job, now: float) -> None:
        """Between two pieces of work a job may be cancelled, paused, looked at."""
        if job.job_id not in self._desk:
            return
        if job.cancelling:
            self._end(job, Cancelled("cancelled", self._desk.usage(job)))
            return
        if job.pausing:
            self._scheduler.park(job, now)
        self._desk.touch(job)

    def _finish(self, job: Job, image: Image) -> None:
        usage = self._desk.usage(job, billable=True)
        truncated = any(caption.truncated for caption in job.captions)
        drawing = Drawing(job.request, image, usage, truncated)
        self._pictures.keep(drawing)
        self._scheduler.drop(job)
        self._says.tell(Action.DONE, job.job_id, gpu_s=usage.gpu_s, queue_s=usage.queue_s)
        self._desk.close(job, drawing, JobState.DONE)

    def _end(self, job: Job, error: EngineError, **fields: object) -> None:
        """The job ends without a picture."""
        cancelled = isinstance(error, Cancelled)
        self._scheduler.drop(job)
        action = Action.CANCELLED if cancelled else Action.FAILED
        self._says.tell(action, job.job_id, reason=str(error), gpu_s=error.usage.gpu_s, **fields)
        self._desk.close(job, error, JobState.CANCELLED if cancelled else JobState.FAILED)

    # When things go wrong

    def _ran_out(self, landing: Landing) -> None:
        """One rung down the ladder; the worker has left its `except` block long ago."""
        work, request = landing.work, landing.work.jobs[0].request
        remedy = self._ladder.ran_out(work, self._clock())
        self._calls.release_first = True
        fields: dict[str, object] = {
            "phase": work.phase.value,
            "jobs": len(work.jobs),
            "size": f"{request.width}x{request.height}",
            "remedy": remedy.value,
            "cap": self._scheduler.cap,
        }
        self._says.tell(Action.OUT_OF_MEMORY, request.job_id, **fields, reason=landing.outcome.error)
        self._watchdog.alert(
            Cause.OUT_OF_MEMORY,
            f"Out of memory in {fields['phase']} at {fields['size']}; next: {remedy.value}.",
            **fields,
        )
        if remedy is Remedy.FAIL:
            for job in work.jobs:
                self._end(job, OutOfMemory(landing.outcome.error or "", self._desk.usage(job)))

    def _hung(self, landing: Landing) -> None:
        phase = landing.work.phase.value
        self._reload_due = True
        self._says.tell(Action.STEP_TIMEOUT, phase=phase, jobs=len(landing.work.jobs))
        self._watchdog.alert(
            Cause.HUNG_STEP,
            f"No answer in {phase} for {landing.wall_s:.0f} s; the model is loaded anew.",
            phase=phase,
        )
        for job in landing.work.jobs:
            self._end(job, StepTimeout(landing.outcome.error or "", self._desk.usage(job)))

    # Upkeep

    async def _upkeep(self) -> None:
        """What is due between two steps: reload, heartbeat, one more place, the report of time."""
        now = self._clock()
        if self._idle and self._watchdog.heartbeat_due(now, self._busy_at):
            await self._keep_warm()
        if self._reload_due and not self._crew.in_flight:
            await self._load(self._watchdog.step_deadline_s(None, first=True))
            self._reload_due = False
            self._says.tell(Action.RELOADED)
        if self._ladder.recover(now):
            self._says.tell(Action.CAP_RAISED, cap=self._scheduler.cap)
        if now >= self._reported[0] + self._config.report_every_s:
            self._report_time()
            await self._experience.save()

    @property
    def _idle(self) -> bool:
        return not (self._crew.in_flight or len(self._scheduler) or len(self._queue))

    def _patience_s(self) -> float:
        """How long nothing needs to be done, if nothing happens."""
        now = self._clock()
        waits = [self._reported[0] + self._config.report_every_s - now]
        if self._ladder.rises_at is not None:
            waits.append(self._ladder.rises_at - now)
        if self._idle and (beat_s := self._watchdog.heartbeat_in_s(now, self._busy_at)) is not None:
            waits.append(beat_s)
        if len(self._queue) and not self._crew.in_flight:
            waits.append(LOOK_AGAIN_S)
        return max(0.0, min(waits))

    async def _load(self, deadline_s: float | None = None) -> None:
        """Load and warm up, as overhead. Raises ModelLost.

        A first start has no deadline: it may download the weights.
        """
        for call in (self._model.load, self._calls.warm_up(decode=True)):
            await self._prepare(call, deadline_s)
        self._busy_at = self._clock()

    async def _prepare(self, call: Callable[[], object], deadline_s: float | None = None) -> Outcome:
        """What has to go well before anything is drawn. Raises ModelLost."""
        outcome = await self._crew.overhead(call, deadline_s=deadline_s)
        if outcome.failed:
            self._says.tell(Action.LOAD_FAILED, reason=outcome.error)
            lost = ModelLost(outcome.error or "")
            lost.add_note(outcome.trace)
            raise lost
        return outcome

    async def _keep_warm(self) -> None:
        """The heartbeat. Where it fails the model is loaded anew, before anybody's picture would be lost."""
        expected_s = self._predictor.encode_s() + self._predictor.step_s(self._model.profile.min_pixels)
        deadline_s = self._watchdog.step_deadline_s(expected_s)
        outcome = await self._crew.overhead(self._calls.warm_up(decode=False), deadline_s=deadline_s)
        self._busy_at = self._clock()
        if outcome.out_of_memory:  # others hold it for now
            self._calls.release_first = True
            self._watchdog.alert(
                Cause.OUT_OF_MEMORY, "Out of memory in the heartbeat, while nothing was drawn."
            )
        elif outcome.failed:
            self._reload_due = True
            self._says.tell(Action.HEARTBEAT_FAILED, reason=outcome.error, trace=outcome.trace)
            self._watchdog.alert(
                Cause.HUNG_STEP, f"The heartbeat failed ({outcome.error}); the model is loaded anew."
            )
        else:
            self._says.tell(Action.WARMED)

    async def _calibrate(self) -> None:
        """Measure what the gate has to know and no earlier process has learned."""
        needs = [need for need in self._config.calibrate if not self._gate.knows(need)]
        if needs:
            outcome = await self._prepare(self._calls.calibrate(needs))
            assert isinstance(outcome.value, dict)
            for (phase, need), peak_bytes in outcome.value.items():
                self._experience.learn_peak(phase, need, peak_bytes)
            told = {f"{need} {phase.value}": peak for (phase, need), peak in outcome.value.items()}
            self._says.tell(Action.CALIBRATED, **told)

    def _report_time(self) -> None:
        (since, before), now, totals = self._reported, self._clock(), self._meter.totals()
        self._reported = now, totals
        busy_s, overhead_s = totals.busy_s - before.busy_s, totals.overhead_s - before.overhead_s
        self._says.time(TimeSlice(since, now, busy_s, overhead_s, totals.idle_s - before.idle_s))

    async def _close(self) -> None:
        await self._crew.close()
        await self._telemetry.stop()
        self._model.close()
        self._report_time()
        self._executor = None

    @property
    def _crew(self) -> Executor:
        assert self._executor is not None, "the engine is not started"
        return self._executor

    def _available_bytes(self) -> int | None:
        """The most this process could hold now: the driver's word, or the allocator's of the last call."""
        gpu = self._telemetry.last
        if gpu is not None and gpu.memory_free_bytes is not None and gpu.memory_ours_bytes is not None:
            return gpu.memory_free_bytes + gpu.memory_ours_bytes
        stale = self._clock() - self._memory_at > STALE_S
        return self._memory.available if self._memory is not None and not stale else None

    def _poke(self) -> None:
        if self._executor is not None:
            self._executor.poke()
