"""The worker: one asyncio task owns the device and is the only caller of the model.

Its loop: pick what is due, give it to the free threads, wait, take up what came back. Jobs come from a front;
the scheduler and the memory gate decide which of them steps. Nothing here blocks the event loop.

A device that is lost or hangs cannot be cured from inside its process. Then every `draw` raises WorkerLost,
and whoever owns the process replaces it: the front that started it, or systemd.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from typing import TYPE_CHECKING

from engine.events import Action, Announcer
from engine.png import as_asked
from engine.request import (
    Draining,
    Drawing,
    DrawRequest,
    JobState,
    ModelLost,
    TooLarge,
    UnreadableInput,
)
from engine.settings import EngineConfig
from engine.shares import Shares
from engine.snapshot import DeviceSnapshot
from engine.worker.accounting import Meter
from engine.worker.device import Device
from engine.worker.experience import Experience
from engine.worker.inputs import Inputs
from engine.worker.job import Job
from engine.worker.ladder import Ladder
from engine.worker.memory import MemoryGate, Mode
from engine.worker.orders import Orders
from engine.worker.protocol import Card, Health, Moved
from engine.worker.results import Results
from engine.worker.scheduler import Scheduler
from engine.worker.stall import Stall
from engine.worker.telemetry import NoTelemetry
from engine.worker.watchdog import Cause, Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.events import Observer
    from engine.families.model import Model
    from engine.families.profile import Profile
    from engine.worker.accounting import Clock
    from engine.worker.telemetry import Telemetry

UNBOUNDED_BYTES = 1 << 60
LOOK_AGAIN_S = 1.0
"""How soon a job that waits only for memory in other hands is looked at again."""
SAVE_EVERY_S = 60.0


class StepLoop:
    """A worker with a device of its own. All of it on one event loop."""

    def __init__(
        self,
        name: str,
        *,
        model: Model,
        config: EngineConfig | None = None,
        fetch: Callable[[], None] = lambda: None,
        fingerprint: Callable[[], str] = lambda: "",
        clock: Clock = time.monotonic,
        telemetry: Telemetry | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._name = name
        self._config = config = config or EngineConfig()
        self._fetch = fetch
        self._fingerprint = fingerprint
        self._model = model
        self._clock = clock
        self._says = says = Announcer(observers)
        self._watchdog = watchdog = Watchdog(
            config.watchdog,
            clock=clock,
            on_alert=says.alert,
            offloading=config.memory_mode is not Mode.HIGH,
        )
        telemetry = telemetry or NoTelemetry()
        self._meter = Meter(clock, telemetry.joules)
        self._device = Device(model, config, telemetry, self._meter, watchdog, clock, says)
        self._gate = MemoryGate(
            model.profile, config.memory_budget_bytes or UNBOUNDED_BYTES, config.memory_mode
        )
        self._experience = Experience(
            model.profile,
            self._gate,
            key=f"{model.name} on {config.device_name}, {config.lessons_key}",
            path=config.learned_path,
        )
        self._scheduler = Scheduler(
            Shares(config.lanes),
            self._gate,
            self._experience.predictor,
            # offloading hooks keep state: one at a time
            max_active=1 if config.memory_mode is Mode.LOW else config.max_active,
            available_bytes=self._device.available_bytes,
        )
        self._ladder = Ladder(
            self._scheduler, self._gate, self._device, config.recover_after_s, clock, says, watchdog
        )
        self._stall = Stall(
            self._scheduler, self._gate, self._device.available_bytes, clock=clock, watchdog=watchdog
        )
        self._orders = Orders(self._meter, clock)
        self._filing: set[str] = set()
        """Jobs that are drawn and whose picture is being made a file."""
        self._results = Results(
            self._scheduler, self._orders, self._device, self._experience, self._ladder, watchdog, says
        )
        self._task: asyncio.Task[None] | None = None
        self._inputs = Inputs()
        self._started = False
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

    async def fetch(self) -> None:
        """Download the model, as far as it is not here. Raises ModelLost where it cannot be had."""
        try:
            await asyncio.to_thread(self._fetch)
        except Exception as error:  # the hub's, the network's, the disk's
            raise ModelLost(f"{type(error).__name__}: {error}") from error

    async def start(self) -> Card:
        """Load the model, warm it up, begin to draw. Raises ModelLost where that fails."""
        config = self._config
        try:
            await self._device.start(self._experience)
            fingerprint = await asyncio.to_thread(self._fingerprint)
        except BaseException:
            await self._device.close()
            raise
        for name, reason in self._model.refused_adapters().items():
            self._says.tell(Action.LORA_REFUSED, lora=name, reason=reason)
        self._started = True
        self._task = asyncio.create_task(self._run(), name="step loop")
        profile = self._model.profile
        return Card(config.device_name, profile.name, fingerprint, profile, config.max_active, self._gate)

    async def draw(
        self, request: DrawRequest, hear: Callable[[Moved], None], *, lead_s: float = 0.0
    ) -> Drawing:
        """Draw one image. Whoever stops listening wants no picture any more: the job is cancelled.

        Raises the EngineError it ended with; WorkerLost where the device is.
        """
        if self._results.lost is not None:
            raise self._results.lost
        if self._task is None:
            raise Draining("the worker is leaving")
        job = Job(request, self.profile.plan(request), self._clock())
        if not self._gate.ever_fits(job.need, job.plan.pictures):
            raise TooLarge(f"{request.width}x{request.height} does not fit the memory budget")
        drawing = self._orders.open(job, hear)
        if request.inputs:
            await self._open_inputs(job)
        if not drawing.done():
            if not len(self._scheduler):
                self._stall.moved()  # it idled for want of jobs until now
            self._scheduler.add(job, lead_s)
            self.wake()
        try:
            drawn = await drawing
        except asyncio.CancelledError:
            self._results.cancel(job)
            raise
        self._filing.add(job.job_id)
        try:
            return await as_asked(drawn)
        finally:
            self._filing.discard(job.job_id)

    async def _open_inputs(self, job: Job) -> None:
        """Where that fails, the job ends; it may also have been cancelled by then, or the device lost."""
        try:
            job.pictures = await self._inputs.open(job.request)
        except UnreadableInput as error:
            if job in self._orders:
                self._results.end(job, UnreadableInput(str(error), self._orders.usage(job)))
        except asyncio.CancelledError:
            self._results.cancel(job)
            raise

    async def missing(self, digests: Sequence[str]) -> tuple[str, ...]:
        return self._inputs.missing(digests)

    async def keep(self, files: Mapping[str, bytes]) -> None:
        self._inputs.keep(files)

    async def cancel(self, job_id: str) -> None:
        if (job := self._orders.job(job_id)) is not None:
            self._results.cancel(job)

    async def health(self) -> Health:
        """Raises WorkerLost where the device is."""
        if self._results.lost is not None:
            raise self._results.lost
        return Health(frozenset(job.job_id for job in self._orders) | self._filing, self.snapshot())

    async def clear_caches(self) -> None:
        self._inputs.clear()
        self._device.calls.clear_caches()

    async def stop(self) -> None:
        """Stop at once. Jobs that are left raise Draining: the next worker is to be given them."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)  # what it broke on was told when it did
        for job in self._orders:
            self._results.end(job, Draining("the worker is leaving", self._orders.usage(job)))
        if self._started:
            self._started = False
            await self._experience.save()
            await self._device.close()

    def snapshot(self) -> DeviceSnapshot:
        """The device at this moment."""
        jobs = self._scheduler.jobs.values()
        budget, counts, device = self._gate.budget_bytes, self._says.counts, self._device
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
            memory=device.memory,
            gpu=device.sample,
            gpu_trouble=device.trouble,
            slow=self._watchdog.slow,
            out_of_memory=counts[Action.OUT_OF_MEMORY],
            timeouts=counts[Action.STEP_TIMEOUT],
            embedding_hits=device.calls.embeddings.hits,
            embedding_misses=device.calls.embeddings.misses,
        )

    def wake(self) -> None:
        """End the present wait: something changed."""
        self._device.wake()

    # The loop

    async def _run(self) -> None:
        try:
            while self._results.lost is None:
                await self._upkeep()
                self._dispatch()
                for result in await self._device.threads.results(self._patience_s()):
                    self._results.take_back(result)
                    self._stall.moved()
        except Exception as error:
            reason, trace = f"{type(error).__name__}: {error}", traceback.format_exc()
            self._says.tell(Action.CRASHED, reason=reason, trace=trace)
            self._results.lose(reason, Cause.WORKER_LOST)

    def _dispatch(self) -> None:
        threads = self._device.threads
        picked = self._scheduler.pick(threads.free)
        cores = self._config.threads // max(1, threads.in_flight + len(picked))
        for work in (self._experience.with_threads(work, cores) for work in picked):
            self._scheduler.begin(work)
            deadline_s = self._watchdog.step_deadline_s(
                self._experience.expected_s(work), first=self._experience.is_first(work)
            )
            threads.launch(work, self._device.calls.of(work), deadline_s=deadline_s)
        self._orders.tell()

    # Upkeep

    async def _upkeep(self) -> None:
        """What is due between two steps: health check, one more job, lessons saved, a look for a stall."""
        now = self._clock()
        if self._idle and self._device.health_check_due:
            expected_s = self._experience.smallest_step_s()
            if (reason := await self._device.check_health(expected_s)) is not None:
                self._results.lose(reason, Cause.GPU_LOST)
        self._ladder.recover()
        if now >= self._saved_at + SAVE_EVERY_S:
            self._saved_at = now
            await self._experience.save()
        self._stall.look(in_flight=self._device.threads.in_flight)

    @property
    def _idle(self) -> bool:
        return not (self._device.threads.in_flight or len(self._scheduler))

    def _patience_s(self) -> float:
        """How long nothing needs to be done, if nothing happens."""
        now = self._clock()
        waits = [self._saved_at + SAVE_EVERY_S - now]
        if self._ladder.rises_at is not None:
            waits.append(self._ladder.rises_at - now)
        if self._idle and (beat_s := self._device.health_check_in_s()) is not None:
            waits.append(beat_s)
        if len(self._scheduler) and not self._device.threads.in_flight:
            waits.append(LOOK_AGAIN_S)
        return max(0.0, min(waits))
