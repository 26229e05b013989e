"""The worker: one asyncio task owns the device and is the only caller of the model.

Its loop: pick what is due, give it to the free threads, wait, take up what came back. Jobs come from a front;
the scheduler and the memory gate decide which of them steps. Nothing here blocks the event loop.

A device that is lost or hangs cannot be cured from inside its process. Then every `draw` raises WorkerLost,
and whoever owns the process replaces it: the front that started it, or systemd.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.cache import ByteLRU
from engine.events import Action, Announcer, Phase, Worked
from engine.request import (
    Cancelled,
    Draining,
    DrawFailed,
    Drawing,
    DrawRequest,
    JobState,
    ModelLost,
    OutOfMemory,
    TooLarge,
    Usage,
)
from engine.settings import EngineConfig
from engine.shares import Shares
from engine.snapshot import DeviceSnapshot
from engine.worker.accounting import Meter
from engine.worker.calls import Begun, Calls, Made, prompts
from engine.worker.executor import Executor
from engine.worker.experience import Experience
from engine.worker.job import Job
from engine.worker.memory import MemoryGate, Mode
from engine.worker.oom import Ladder, Remedy
from engine.worker.protocol import Card, Health, Moved, WorkerLost
from engine.worker.scheduler import Scheduler
from engine.worker.telemetry import NoTelemetry
from engine.worker.watchdog import Cause, Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image

    from engine.events import Observer
    from engine.families.model import Caption, DeviceMemory, Model
    from engine.families.profile import Profile
    from engine.worker.accounting import Clock
    from engine.worker.executor import Outcome, Result
    from engine.worker.scheduler import Work
    from engine.worker.telemetry import Telemetry

UNBOUNDED_BYTES = 1 << 60
STALE_S = 5.0
"""What the device had left so long ago says nothing of now."""
LOOK_AGAIN_S = 1.0
"""How soon a job that waits only for memory in other hands is looked at again."""
STALLED_S = 30.0
"""Jobs wait and the device idles for so long: the owner hears of it."""
SAVE_EVERY_S = 60.0


@dataclass(slots=True, eq=False)
class Order:
    """A job, and who waits for it."""

    job: Job
    drawing: asyncio.Future[Drawing]
    hear: Callable[[Moved], None]
    told: tuple[JobState, int] = (JobState.QUEUED, 0)
    shown: Image | None = None
    waits_since: float | None = None
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class GateRoom:
    """What fits into this device's budget."""

    gate: MemoryGate

    def fits(self, request: DrawRequest) -> bool:
        return self.gate.ever_fits(Job(request, 0.0).need)


class StepLoop:
    """A worker with a device of its own. All of it on one event loop."""

    def __init__(
        self,
        name: str,
        *,
        model: Model,
        config: EngineConfig | None = None,
        fingerprint: Callable[[], str] = lambda: "",
        clock: Clock = time.monotonic,
        telemetry: Telemetry | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._name = name
        self._config = config = config or EngineConfig()
        self._fingerprint = fingerprint
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
        self._scheduler = Scheduler(
            Shares(config.lanes),
            self._gate,
            self._predictor,
            # offloading hooks keep state: one at a time
            max_active=1 if config.memory_mode is Mode.LOW else config.max_active,
            available_bytes=self._available_bytes,
        )
        self._ladder = Ladder(self._scheduler, recover_after_s=config.recover_after_s)
        self._meter = Meter(clock, self._telemetry.joules)
        self._embeddings: ByteLRU[str, Caption] = ByteLRU(config.embedding_cache_bytes)
        self._calls = Calls(model, self._embeddings)
        self._executor: Executor | None = None
        self._task: asyncio.Task[None] | None = None
        self._orders: dict[str, Order] = {}
        self._lost: WorkerLost | None = None
        self._memory: DeviceMemory | None = None
        self._memory_at = clock()
        self._busy_at: float | None = None
        self._stalled_at: float | None = None
        self._saved_at = clock()

    # The outside

    @property
    def name(self) -> str:
        return self._name

    @property
    def profile(self) -> Profile:
        """What is known of the model on this device."""
        return self._model.profile

    @property
    def gate(self) -> MemoryGate:
        """What fits, and what was learned of it."""
        return self._gate

    async def start(self) -> Card:
        """Load the model, warm it up, begin to draw. Raises ModelLost where that fails."""
        config = self._config
        self._executor = Executor(
            self._meter, self._clock, self._model.prepare_thread, threads=config.step_threads
        )
        try:
            await self._telemetry.start()
            await self._experience.recall()
            await self._load()
            await self._calibrate()
            fingerprint = await asyncio.to_thread(self._fingerprint)
        except BaseException:
            await self._close()
            raise
        self._task = asyncio.create_task(self._run(), name="step loop")
        profile = self._model.profile
        return Card(
            config.device_name, profile.name, fingerprint, profile, config.max_active, GateRoom(self._gate)
        )

    async def draw(
        self, request: DrawRequest, hear: Callable[[Moved], None], *, lead_s: float = 0.0
    ) -> Drawing:
        """Draw one image. Whoever stops listening wants no picture any more: the job is cancelled.

        Raises the EngineError it ended with; WorkerLost where the device is.
        """
        if self._lost is not None:
            raise self._lost
        if self._task is None:
            raise Draining("the worker is leaving")
        job = Job(request, self._clock())
        if not self._gate.ever_fits(job.need):
            raise TooLarge(f"{request.width}x{request.height} does not fit the memory budget")
        future: asyncio.Future[Drawing] = asyncio.get_running_loop().create_future()
        order = Order(job, future, hear, waits_since=job.arrived_at)
        self._orders[job.job_id] = order
        self._scheduler.add(job, lead_s)
        self.wake()
        try:
            return await order.drawing
        except asyncio.CancelledError:
            self._cancel(job)
            raise

    async def cancel(self, job_id: str) -> None:
        if (order := self._orders.get(job_id)) is not None:
            self._cancel(order.job)

    async def health(self) -> Health:
        """Raises WorkerLost where the device is."""
        if self._lost is not None:
            raise self._lost
        return Health(frozenset(self._orders), self.snapshot())

    async def clear_caches(self) -> None:
        self._embeddings.clear()

    async def stop(self) -> None:
        """Stop at once. Jobs that are left raise Draining: the next worker is to be given them."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)  # what it broke on was told when it did
        for order in list(self._orders.values()):
            self._end(order.job, Draining("the worker is leaving", self._usage(order.job)))
        if self._executor is not None:
            await self._experience.save()
            await self._close()

    def snapshot(self) -> DeviceSnapshot:
        """The device at this moment."""
        jobs = self._scheduler.jobs.values()
        budget, counts, gpu = self._gate.budget_bytes, self._says.counts, self._telemetry.last
        held_bytes = self._model.held_bytes()
        if gpu is not None and held_bytes is not None:
            gpu = dataclasses.replace(gpu, memory_ours_bytes=held_bytes)
        begun = [job for job in jobs if job.state in (JobState.ENCODING, JobState.RUNNING)]
        return DeviceSnapshot(
            totals=self._meter.totals(),
            active=len(begun),
            paused=sum(job.state is JobState.PAUSED for job in jobs),
            decoding=sum(job.state is JobState.DECODING for job in jobs),
            cap=self._scheduler.cap,
            memory_mode=self._gate.mode,
            memory_budget_bytes=budget if budget < UNBOUNDED_BYTES else None,
            resident_bytes=self._gate.resident_bytes,
            memory=self._memory,
            gpu=gpu,
            gpu_trouble=self._telemetry.trouble,
            slow=self._watchdog.slow,
            out_of_memory=counts[Action.OUT_OF_MEMORY],
            timeouts=counts[Action.STEP_TIMEOUT],
            embedding_hits=self._embeddings.hits,
            embedding_misses=self._embeddings.misses,
        )

    # The loop

    async def _run(self) -> None:
        try:
            while self._lost is None:
                await self._upkeep()
                self._dispatch()
                for result in await self._threads.results(self._patience_s()):
                    self._take_back(result)
        except Exception as error:
            reason, trace = f"{type(error).__name__}: {error}", traceback.format_exc()
            self._says.tell(Action.CRASHED, reason=reason, trace=trace)
            self._break(reason, Cause.WORKER_LOST)

    def _dispatch(self) -> None:
        threads = self._threads
        picked = self._scheduler.pick(threads.free)
        cores = self._config.threads // max(1, threads.in_flight + len(picked))
        for work in (self._experience.with_threads(work, cores) for work in picked):
            self._scheduler.begin(work)
            deadline_s = self._watchdog.step_deadline_s(
                self._experience.expected_s(work), first=self._experience.is_first(work)
            )
            threads.launch(work, self._calls.of(work), deadline_s=deadline_s)
        for order in self._orders.values():
            self._tell(order)

    def _take_back(self, result: Result) -> None:
        now = self._busy_at = self._clock()
        work, outcome = result.work, result.outcome
        for job in work.jobs:
            job.in_flight = False
            self._scheduler.served(job, result.billed.get(job.job_id, 0.0))
        if self._lost is not None:
            return
        if result.hung:
            phase = work.phase.value
            self._says.tell(Action.STEP_TIMEOUT, phase=phase, jobs=len(work.jobs))
            self._break(f"no answer in {phase} for {result.wall_s:.0f} s", Cause.HUNG_STEP)
        elif outcome.out_of_memory:
            self._ran_out(result)
        elif outcome.device_lost:
            self._break(outcome.error or "", Cause.GPU_LOST)
        elif outcome.failed:
            self._watchdog.failed(outcome.error or "")
            for job in work.jobs:
                self._end(job, DrawFailed(outcome.error or "", self._usage(job)), trace=outcome.trace)
        else:
            assert isinstance(outcome.value, Made)
            request = work.jobs[0].request
            self._says.work(Worked(work.phase, result.wall_s, len(work.jobs), request.width, request.height))
            self._learn(result, outcome.value)
            self._take_up(work, outcome.value.value)
        for job in work.jobs:
            if job.cancelling and job.job_id in self._orders:
                self._end(job, Cancelled("cancelled", self._usage(job)))
        self._stalled_at = now

    def _take_up(self, work: Work, value: object) -> None:
        """Give the jobs what was made for them."""
        if isinstance(value, Begun):
            (job,) = work.jobs
            for prompt, caption in zip(prompts(job.request), value.captions, strict=True):
                self._embeddings.put(prompt, caption, caption.nbytes)
            job.canvas = value.canvas
            self._scheduler.done(work.phase, job, value.captions)
        elif isinstance(value, dict):
            for job in work.jobs:
                job.preview = value.get(job.job_id, job.preview)
                self._scheduler.done(work.phase, job)
        elif not work.jobs[0].cancelling:
            self._finish(work.jobs[0], value)  # type: ignore[arg-type]

    def _learn(self, result: Result, made: Made) -> None:
        if made.measurement.memory is not None:
            self._memory, self._memory_at = made.measurement.memory, self._clock()
        if result.work.phase is Phase.DENOISE:
            expected_s = self._experience.expected_s(result.work)
            self._watchdog.stepped(result.work.jobs[0].shape, expected_s, result.wall_s, self._telemetry.last)
        self._experience.learn(result, made.measurement)

    # One job

    def _tell(self, order: Order) -> None:
        """Whoever waits hears of it where the job moved."""
        job = order.job
        if (job.state, job.step) != order.told or job.preview is not order.shown:
            waits = job.state in (JobState.QUEUED, JobState.PAUSED)
            if not waits and order.waits_since is not None:
                order.waited_s += self._clock() - order.waits_since
                order.waits_since = None
            elif waits and order.waits_since is None:
                order.waits_since = self._clock()
            preview = job.preview if job.preview is not order.shown else None
            order.told, order.shown = (job.state, job.step), job.preview
            order.hear(Moved(job.state, job.step, preview))

    def _cancel(self, job: Job) -> None:
        job.cancelling = True
        if not job.in_flight and job.job_id in self._orders:
            self._end(job, Cancelled("cancelled", self._usage(job)))
            self.wake()

    def _finish(self, job: Job, image: Image) -> None:
        truncated = any(caption.truncated for caption in job.captions)
        drawing = Drawing(job.request, image, self._usage(job, billable=True), truncated)
        self._scheduler.done(Phase.DECODE, job)
        future = self._close_order(job)
        if not future.done():
            future.set_result(drawing)

    def _end(self, job: Job, error: Exception, *, trace: str = "") -> None:
        """The job ends without a picture."""
        if trace:
            error.add_note(trace)
        self._scheduler.drop(job)
        future = self._close_order(job)
        if not future.done():
            future.set_exception(error)

    def _close_order(self, job: Job) -> asyncio.Future[Drawing]:
        job.captions, job.canvas, job.preview = (), None, None
        self._meter.close(job.job_id)
        return self._orders.pop(job.job_id).drawing

    def _usage(self, job: Job, *, billable: bool = False) -> Usage:
        """What the job took so far. Only a picture that is handed out is billable."""
        spent, order = self._meter.spent(job.job_id), self._orders[job.job_id]
        since = order.waits_since
        waited_s = order.waited_s + (self._clock() - since if since is not None else 0.0)
        return Usage(
            queue_s=job.request.waited_s + waited_s,
            encode_s=spent.encode_s,
            denoise_s=spent.denoise_s,
            decode_s=spent.decode_s,
            gpu_s=spent.gpu_s,
            energy_j=spent.energy_j,
            billable=billable,
        )

    # When things go wrong

    def _break(self, reason: str, cause: Cause) -> None:
        """Nothing can be drawn in this process any more: every job is handed back."""
        self._lost = WorkerLost(reason, cause)
        for order in list(self._orders.values()):
            self._end(order.job, WorkerLost(reason, cause))

    def _ran_out(self, result: Result) -> None:
        """One rung down the ladder; the thread has left its `except` block long ago."""
        work, request = result.work, result.work.jobs[0].request
        remedy = self._ladder.ran_out(work, self._clock())
        self._calls.release_first = True
        fields: dict[str, object] = {
            "phase": work.phase.value,
            "jobs": len(work.jobs),
            "size": f"{request.width}x{request.height}",
            "remedy": remedy.value,
            "cap": self._scheduler.cap,
        }
        self._says.tell(Action.OUT_OF_MEMORY, request.job_id, **fields, reason=result.outcome.error)
        self._watchdog.alert(
            Cause.OUT_OF_MEMORY,
            f"Out of memory in {fields['phase']} at {fields['size']}; next: {remedy.value}.",
            **fields,
        )
        if remedy is Remedy.FAIL:
            for job in work.jobs:
                self._end(job, OutOfMemory(result.outcome.error or "", self._usage(job)))

    def _look_for_stall(self, now: float) -> None:
        """Jobs are here, the device idles, and nothing of it fits: the owner hears the three numbers."""
        if self._threads.in_flight or not len(self._scheduler):
            self._stalled_at = now
            return
        if self._stalled_at is None or now - self._stalled_at < STALLED_S:
            return
        job = self._scheduler.in_progress()[0]
        need = self._gate.resident_bytes + self._gate.peak_bytes(job.need)
        available_bytes = self._available_bytes()
        available = "unknown" if available_bytes is None else f"{available_bytes / 1e9:.1f} GB"
        self._watchdog.alert(
            Cause.STALLED,
            f"{len(self._scheduler)} jobs wait while the device idles: {job.need} needs {need / 1e9:.1f} GB, "
            f"the budget is {self._gate.budget_bytes / 1e9:.1f} GB, available to us are {available}.",
            needed_bytes=need,
            budget_bytes=self._gate.budget_bytes,
            available_bytes=available_bytes,
        )

    # Upkeep

    async def _upkeep(self) -> None:
        """What is due between two steps: health check, one more job, lessons saved, a look for a stall."""
        now = self._clock()
        if self._idle and self._watchdog.heartbeat_due(now, self._busy_at):
            await self._check_health()
        if self._ladder.recover(now):
            self._says.tell(Action.CAP_RAISED, cap=self._scheduler.cap)
        if now >= self._saved_at + SAVE_EVERY_S:
            self._saved_at = now
            await self._experience.save()
        self._look_for_stall(now)

    @property
    def _idle(self) -> bool:
        return not (self._threads.in_flight or len(self._scheduler))

    def _patience_s(self) -> float:
        """How long nothing needs to be done, if nothing happens."""
        now = self._clock()
        waits = [self._saved_at + SAVE_EVERY_S - now]
        if self._ladder.rises_at is not None:
            waits.append(self._ladder.rises_at - now)
        if self._idle and (beat_s := self._watchdog.heartbeat_in_s(now, self._busy_at)) is not None:
            waits.append(beat_s)
        if len(self._scheduler) and not self._threads.in_flight:
            waits.append(LOOK_AGAIN_S)
        return max(0.0, min(waits))

    async def _load(self) -> None:
        """Load and warm up, as overhead. Raises ModelLost. There is no deadline: it may download."""
        for call in (self._model.load, self._calls.warm_up(decode=True)):
            await self._prepare(call)
        self._busy_at = self._clock()

    async def _prepare(self, call: Callable[[], object]) -> Outcome:
        """What has to go well before anything is drawn. Raises ModelLost."""
        outcome = await self._threads.overhead(call)
        if outcome.failed:
            self._says.tell(Action.LOAD_FAILED, reason=outcome.error)
            lost = ModelLost(outcome.error or "")
            lost.add_note(outcome.trace)
            raise lost
        return outcome

    async def _check_health(self) -> None:
        """One small step while nothing is drawn: a device that is lost shows before a picture is."""
        expected_s = self._predictor.encode_s() + self._predictor.step_s(self._model.profile.min_pixels)
        deadline_s = self._watchdog.step_deadline_s(expected_s)
        outcome = await self._threads.overhead(self._calls.warm_up(decode=False), deadline_s=deadline_s)
        self._busy_at = self._clock()
        if outcome.out_of_memory:  # others hold it for now
            self._calls.release_first = True
            self._watchdog.alert(
                Cause.OUT_OF_MEMORY, "Out of memory in the health check, while nothing was drawn."
            )
        elif outcome.failed:
            self._says.tell(Action.HEARTBEAT_FAILED, reason=outcome.error, trace=outcome.trace)
            self._break(f"the health check failed: {outcome.error}", Cause.GPU_LOST)
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

    async def _close(self) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            await executor.close()
        await self._telemetry.stop()
        self._model.close()

    @property
    def _threads(self) -> Executor:
        assert self._executor is not None, "the worker is not started"
        return self._executor

    def _available_bytes(self) -> int | None:
        """The most this process could hold now: what is free, and what its own allocator holds.

        Of its own memory only the allocator knows for certain: in a container the driver may call it 0.
        """
        held_bytes, gpu = self._model.held_bytes(), self._telemetry.last
        if held_bytes is not None and gpu is not None and gpu.memory_free_bytes is not None:
            return gpu.memory_free_bytes + held_bytes
        stale = self._clock() - self._memory_at > STALE_S
        return self._memory.available if self._memory is not None and not stale else None

    def wake(self) -> None:
        """End the present wait: something changed."""
        if self._executor is not None:
            self._executor.poke()
