"""The models on their device: brought up, exchanged, tried while nothing is drawn, asked what it has left."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

from engine.events import Action
from engine.families.files import turn_to_load
from engine.families.model import Place
from engine.request import ModelLost
from engine.worker.executor import Executor
from engine.worker.watchdog import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.events import Announcer
    from engine.families.model import DeviceMemory, Measurement
    from engine.settings import EngineConfig
    from engine.worker.accounting import Clock, Meter
    from engine.worker.executor import Outcome
    from engine.worker.job import Job
    from engine.worker.loaded import Loaded
    from engine.worker.residency import Held, Residency
    from engine.worker.telemetry import GpuSample, Telemetry
    from engine.worker.watchdog import Watchdog

STALE_S = 5.0
"""What the device had left so long ago says nothing of now."""


class Device:
    """Owns the models, the threads that call them, and the telemetry."""

    def __init__(
        self,
        models: Sequence[Loaded],
        residency: Residency,
        config: EngineConfig,
        telemetry: Telemetry,
        meter: Meter,
        watchdog: Watchdog,
        clock: Clock,
        says: Announcer,
    ) -> None:
        self.memory: DeviceMemory | None = None
        """As it was after the last call."""
        self.switches = 0
        """Models that were brought here since the start."""
        self.switch_s = 0.0
        """What that took."""
        self._loaded = {loaded.held: loaded for loaded in models}
        self._residency = residency
        self._model = models[0].model
        """Any of them can tell of the device."""
        self._config = config
        self._telemetry = telemetry
        self._meter = meter
        self._watchdog = watchdog
        self._clock = clock
        self._says = says
        self._executor: Executor | None = None
        self._memory_at = clock()
        self._busy_at: float | None = None

    @property
    def threads(self) -> Executor:
        """Those that call the model."""
        assert self._executor is not None, "the worker is not started"
        return self._executor

    def of(self, job: Job) -> Loaded:
        """The model that draws it."""
        return self._loaded[self._residency.of(job)]

    async def start(self) -> None:
        """Load each model, warm it up and measure, as overhead; the first one last, so that it is there then.

        Raises ModelLost. Loading has no deadline: disks differ.
        """
        self._executor = Executor(
            self._meter, self._clock, self._model.prepare_thread, threads=self._config.step_threads
        )
        await self._telemetry.start()
        first_s = self._watchdog.step_deadline_s(None, first=True)
        for held in self._loaded.values():
            held.held.place = Place.DISK
        for loaded in reversed(self._loaded.values()):
            await loaded.experience.recall()
            await self._prepare(partial(self._make_room, loaded.held))
            await self._prepare(partial(self._load, loaded))
            await self._prepare(loaded.calls.warm_up(decode=True), deadline_s=first_s)
            await self._calibrate(loaded, first_s)
        self._busy_at = self._clock()

    async def bring(self, held: Held) -> str | None:
        """Have this model on the device instead of those whose room it needs. Why it failed, where it did."""
        began, leaving = self._clock(), self._residency.leaving(held)
        first_s = self._watchdog.step_deadline_s(None, first=True)
        outcome = await self.threads.overhead(partial(self._exchange, held), deadline_s=first_s)
        if outcome.failed:
            self._says.tell(Action.LOAD_FAILED, model=held.name, reason=outcome.error, trace=outcome.trace)
            return f"{held.name} could not be brought to the device: {outcome.error}"
        self._busy_at = now = self._clock()
        self.switches += 1
        self.switch_s += now - began
        for left in leaving:
            left.left_at = now
        names = ", ".join(f"{left.name} ({left.place})" for left in leaving)
        self._says.tell(Action.SWITCHED, model=held.name, left=names, seconds=round(now - began, 3))
        return None

    async def close(self) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            await executor.close()
        await self._telemetry.stop()
        for loaded in self._loaded.values():
            loaded.model.close()

    def clear_caches(self) -> None:
        """Forget every kept caption."""
        for loaded in self._loaded.values():
            loaded.calls.clear_caches()

    def wake(self) -> None:
        """End the present wait for the threads."""
        if self._executor is not None:
            self._executor.poke()

    def worked(self, measurement: Measurement | None) -> None:
        """A call has come back."""
        self._busy_at = self._clock()
        if measurement is not None and measurement.memory is not None:
            self.memory, self._memory_at = measurement.memory, self._busy_at

    @property
    def health_check_due(self) -> bool:
        """It has idled for long; whether it idles now is for others to say."""
        return self._watchdog.heartbeat_due(self._clock(), self._busy_at)

    def health_check_in_s(self) -> float | None:
        """Seconds that it may idle from now on."""
        return self._watchdog.heartbeat_in_s(self._clock(), self._busy_at)

    async def check_health(self) -> str | None:
        """One small step: a device that is lost shows before a picture is. Why it failed, where it did."""
        loaded = self._loaded[self._residency.resident[0]]
        deadline_s = self._watchdog.step_deadline_s(loaded.experience.smallest_step_s())
        outcome = await self.threads.overhead(loaded.calls.warm_up(decode=False), deadline_s=deadline_s)
        self._busy_at = self._clock()
        if outcome.out_of_memory:  # others hold it for now
            loaded.calls.make_room()
            self._watchdog.alert(
                Cause.OUT_OF_MEMORY, "Out of memory in the health check, while nothing was drawn."
            )
        elif outcome.failed:
            self._says.tell(Action.HEARTBEAT_FAILED, reason=outcome.error, trace=outcome.trace)
            return f"the health check failed: {outcome.error}"
        else:
            self._says.tell(Action.WARMED)
        return None

    @property
    def has_own_memory(self) -> bool:
        """Weights that leave it make room there."""
        return self._model.held_bytes() is not None

    @property
    def works_side_by_side(self) -> bool:
        """More than one call may be in flight."""
        return self._config.step_threads > 1

    def available_bytes(self) -> int | None:
        """The most this process could hold now: what is free, and what its own allocator holds.

        Of its own memory only the allocator knows for certain: in a container the driver may call it 0.
        """
        held_bytes, gpu = self._model.held_bytes(), self._telemetry.last
        if held_bytes is not None and gpu is not None and gpu.memory_free_bytes is not None:
            return gpu.memory_free_bytes + held_bytes
        stale = self._clock() - self._memory_at > STALE_S
        return self.memory.available if self.memory is not None and not stale else None

    @property
    def sample(self) -> GpuSample | None:
        """The newest telemetry."""
        gpu, held_bytes = self._telemetry.last, self._model.held_bytes()
        if gpu is None or held_bytes is None:
            return gpu
        return dataclasses.replace(gpu, memory_ours_bytes=held_bytes)

    @property
    def trouble(self) -> str | None:
        """Why there is no telemetry."""
        return self._telemetry.trouble

    def _load(self, loaded: Loaded) -> None:
        with turn_to_load(loaded.model.profile.resident_bytes):
            loaded.model.load()
        loaded.held.place = Place.DEVICE
        self._residency.use(loaded.held)

    def _make_room(self, coming: Held) -> None:
        for held in self._residency.leaving(coming):
            held.place = self._loaded[held].model.park()

    def _exchange(self, coming: Held) -> None:
        self._make_room(coming)
        loaded = self._loaded[coming]
        if coming.place is Place.DISK:
            self._load(loaded)
            return
        loaded.model.bring()
        coming.place = Place.DEVICE
        self._residency.use(coming)

    async def _prepare(self, call: Callable[[], object], *, deadline_s: float | None = None) -> Outcome:
        """What has to go well before anything is drawn."""
        outcome = await self.threads.overhead(call, deadline_s=deadline_s)
        if outcome.failed:
            self._says.tell(Action.LOAD_FAILED, reason=outcome.error)
            lost = ModelLost(outcome.error or "")
            lost.add_note(outcome.trace)
            raise lost
        return outcome

    async def _calibrate(self, loaded: Loaded, deadline_s: float) -> None:
        """Measure, within `deadline_s` each, what the gate has to know and no earlier process has learned."""
        needs = loaded.experience.unknown(loaded.offered.calibrate)
        if needs:
            outcome = await self._prepare(loaded.calls.calibrate(needs), deadline_s=deadline_s * len(needs))
            assert isinstance(outcome.value, dict)
            for (phase, need), peak_bytes in outcome.value.items():
                loaded.experience.learn_peak(phase, need, peak_bytes)
            told = {f"{need} {phase.value}": peak for (phase, need), peak in outcome.value.items()}
            self._says.tell(Action.CALIBRATED, **told)
