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
from functools import partial
from typing import TYPE_CHECKING

from engine.events import Action, Announcer, Phase
from engine.png import as_asked
from engine.request import (
    Declined,
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
from engine.snapshot import DeviceSnapshot, ModelSnapshot
from engine.worker.accounting import Meter
from engine.worker.device import Device
from engine.worker.inputs import Inputs
from engine.worker.job import Job
from engine.worker.ladder import Ladder
from engine.worker.loaded import UNBOUNDED_BYTES, Loaded
from engine.worker.memory import Mode
from engine.worker.orders import Orders
from engine.worker.protocol import Card, Drawn, Health, Moved, WorkerBusy
from engine.worker.residency import Residency
from engine.worker.results import Results
from engine.worker.scheduler import Scheduler
from engine.worker.stall import Stall
from engine.worker.telemetry import NoTelemetry
from engine.worker.watchdog import Cause, Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.events import Observer
    from engine.families.profile import Profile
    from engine.request import Adapter
    from engine.worker.accounting import Clock
    from engine.worker.loaded import Offered
    from engine.worker.memory import MemoryGate
    from engine.worker.residency import Held
    from engine.worker.telemetry import Telemetry

LOOK_AGAIN_S = 1.0
"""How soon a job that waits only for memory in other hands is looked at again."""
SAVE_EVERY_S = 60.0


class StepLoop:
    """A worker with a device of its own. All of it on one event loop."""

    def __init__(
        self,
        name: str,
        *,
        models: Sequence[Offered],
        config: EngineConfig | None = None,
        clock: Clock = time.monotonic,
        telemetry: Telemetry | None = None,
        observers: Sequence[Observer] = (),
        look_again_s: float = LOOK_AGAIN_S,
    ) -> None:
        self._name = name
        self._look_again_s = look_again_s
        self._config = config = config or EngineConfig()
        self._models = loaded = _loaded(models, config)
        self._clock = clock
        self._says = says = Announcer(observers)
        self._watchdog = watchdog = Watchdog(
            config.watchdog,
            clock=clock,
            on_alert=says.alert,
            offloading=any(offered.mode is not Mode.HIGH for offered in models),
        )
        telemetry = telemetry or NoTelemetry()
        self._meter = Meter(clock, telemetry.joules)
        self._residency = Residency([each.held for each in loaded], switch_after_s=config.switch_after_s)
        self._device = Device(loaded, self._residency, config, telemetry, self._meter, watchdog, clock, says)
        self._scheduler = Scheduler(
            Shares(config.tiers),
            self._residency,
            # offloading hooks keep state: one at a time
            max_active=1 if any(offered.mode is Mode.LOW for offered in models) else config.max_active,
            available_bytes=self._device.available_bytes,
        )
        self._ladder = Ladder(self._scheduler, self._device, config.recover_after_s, clock, says, watchdog)
        self._stall = Stall(self._scheduler, self._device.available_bytes, clock=clock, watchdog=watchdog)
        self._orders = Orders(self._meter, clock)
        self._filing: set[str] = set()
        """Jobs that are drawn and whose picture is being made a file."""
        self._results = Results(self._scheduler, self._orders, self._device, self._ladder, watchdog, says)
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
        """What is known of the first model on this device."""
        return self._models[0].model.profile

    @property
    def gate(self) -> MemoryGate:
        """What fits of the first model, and what was learned of it."""
        return self._models[0].gate

    async def fetch(self) -> None:
        """Download the models, as far as they are not here. Raises ModelLost where one cannot be had."""
        try:
            for loaded in self._models:
                await asyncio.to_thread(loaded.offered.fetch)
        except Exception as error:  # the hub's, the network's, the disk's
            raise ModelLost(f"{type(error).__name__}: {error}") from error

    async def start(self) -> Card:
        """Load what the device holds, warm it up, begin to draw. Raises ModelLost where that fails."""
        config = self._config
        try:
            for loaded in self._models:
                loaded.held.digests = await asyncio.to_thread(loaded.offered.digests)
            await self._device.start()
            prints = [await asyncio.to_thread(loaded.offered.fingerprint) for loaded in self._models]
        except BaseException:
            await self._device.close()
            raise
        self._started = True
        self._task = asyncio.create_task(self._run(), name="step loop")
        drawn = tuple(
            Drawn(loaded.model.profile, fingerprint, loaded.gate)
            for loaded, fingerprint in zip(self._models, prints, strict=True)
        )
        return Card(config.device_name, drawn, config.max_active)

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
        held = self._residency.named(request.model)
        job = Job(request, held.predictor.profile.plan(request), self._clock())
        if not held.gate.ever_fits(job.need, job.plan.pictures):
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
        except (UnreadableInput, WorkerBusy) as error:
            if job in self._orders:
                if isinstance(error, UnreadableInput):
                    error.usage = self._orders.usage(job)
                self._results.end(job, error)
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
        self._device.clear_caches()

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
            await self._save()
            await self._device.close()

    def snapshot(self) -> DeviceSnapshot:
        """The device at this moment."""
        jobs = self._scheduler.jobs.values()
        counts, device, residency = self._says.counts, self._device, self._residency
        budget, embeddings = self.gate.budget_bytes, [loaded.calls.embeddings for loaded in self._models]
        begun = [job for job in jobs if job.state in (JobState.ENCODING, JobState.RUNNING)]
        return DeviceSnapshot(
            totals=self._meter.totals(),
            active=len(begun),
            paused=sum(job.state is JobState.PAUSED for job in jobs),
            decoding=sum(job.state is JobState.DECODING for job in jobs),
            cap=self._scheduler.cap,
            memory_mode=residency.resident[0].gate.mode if residency.resident else self.gate.mode,
            memory_budget_bytes=budget if budget < UNBOUNDED_BYTES else None,
            resident_bytes=residency.resident_bytes,
            models=tuple(
                ModelSnapshot(
                    held.name,
                    held.place,
                    sum(held.parts.values()),
                    sum(residency.of(job) is held for job in jobs),
                )
                for held in residency.models.values()
            ),
            switches=device.switches,
            switch_s=device.switch_s,
            memory=device.memory,
            gpu=device.sample,
            slow=self._watchdog.slow,
            out_of_memory=counts[Action.OUT_OF_MEMORY],
            timeouts=counts[Action.STEP_TIMEOUT],
            embedding_hits=sum(cache.hits for cache in embeddings),
        )

    def wake(self) -> None:
        """End the present wait: something changed."""
        self._device.wake()

    # The loop

    async def _run(self) -> None:
        try:
            while self._results.lost is None:
                await self._upkeep()
                if (coming := self._residency.due(self._scheduler.jobs.values(), self._clock())) is None:
                    await self._dispatch()
                elif not self._device.threads.in_flight:
                    await self._switch(coming)
                    continue
                for result in await self._device.threads.results(self._patience_s()):
                    self._results.take_back(result)
                    self._stall.moved()
        except Exception as error:
            reason, trace = f"{type(error).__name__}: {error}", traceback.format_exc()
            self._says.tell(Action.CRASHED, reason=reason, trace=trace)
            self._results.lose(reason, Cause.WORKER_LOST)

    async def _dispatch(self) -> None:
        threads = self._device.threads
        picked = self._scheduler.pick(threads.free)
        cores = self._config.threads // max(1, threads.in_flight + len(picked))
        for called in picked:
            loaded = self._device.of(called.jobs[0])
            work = loaded.experience.with_threads(called, cores)
            self._scheduler.begin(work)
            if work.phase is Phase.DENOISE:
                await self._use_adapters(loaded, work.jobs[0].request.adapters)
            if self._results.lost is not None:
                return
            deadline_s = self._watchdog.step_deadline_s(
                loaded.experience.expected_s(work), first=loaded.experience.is_first(work)
            )
            threads.launch(work, loaded.calls.of(work), deadline_s=deadline_s)
        self._orders.tell()

    async def _use_adapters(self, loaded: Loaded, wanted: tuple[Adapter, ...]) -> None:
        """Have the next step drawn with these: they come at nobody's expense.

        Where they cannot be had, the step says so.
        """
        if wanted == loaded.adapters:
            return
        first_s = self._watchdog.step_deadline_s(None, first=True)
        use = partial(loaded.model.use_adapters, wanted)
        outcome = await self._device.threads.overhead(use, deadline_s=first_s)
        loaded.adapters = None if outcome.failed else wanted
        if outcome.device_lost:
            self._results.lose(outcome.error or "", Cause.GPU_LOST)

    async def _switch(self, coming: Held) -> None:
        """Bring this model to the device, while nothing else is done there."""
        try:
            await self._device.bring(coming)
        except Declined as error:
            self._results.decline(
                [job for job in self._orders if self._residency.of(job) is coming], str(error)
            )
        except ModelLost as error:
            self._results.lose(str(error), Cause.GPU_LOST)
        self._stall.moved()

    # Upkeep

    async def _upkeep(self) -> None:
        """What is due between two steps: health check, one more job, lessons saved, a look for a stall."""
        now = self._clock()
        check = self._idle and self._device.health_check_in_s() == 0.0
        if check and (reason := await self._device.check_health()) is not None:
            self._results.lose(reason, Cause.GPU_LOST)
        self._ladder.recover()
        if now >= self._saved_at + SAVE_EVERY_S:
            self._saved_at = now
            await self._save()
        self._stall.look(in_flight=self._device.threads.in_flight)

    async def _save(self) -> None:
        for loaded in self._models:
            await loaded.experience.save()

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
            waits.append(self._look_again_s)
        return max(0.0, min(waits))


def _loaded(models: Sequence[Offered], config: EngineConfig) -> list[Loaded]:
    """Where there are several, what is learned of each of them has a file of its own."""
    path = config.learned_path
    return [
        Loaded(
            offered,
            config,
            path.with_stem(f"{path.stem}-{offered.model.profile.name}") if path and len(models) > 1 else path,
        )
        for offered in models
    ]
