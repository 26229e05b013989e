"""The models on their device: brought up, exchanged, tried while nothing is drawn, asked what it has left."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

from engine.events import Action
from engine.families.files import turn_to_load
from engine.families.model import Place
from engine.request import Declined, ModelLost
from engine.worker.executor import Executor
from engine.worker.watchdog import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        """Load the first model, and of the others those that fit beside it; the rest when they are asked for.

        Raises ModelLost.
        """
        self._executor = Executor(
            self._meter, self._clock, self._model.prepare_thread, threads=self._config.step_threads
        )
        await self._telemetry.start()
        for loaded in self._loaded.values():
            loaded.held.place = Place.DISK
            await loaded.experience.recall()
        for loaded in self._loaded.values():
            if not self._residency.leaving(loaded.held):
                outcome = await self._open(loaded, None)  # disks differ, and nobody waits yet
                spared = loaded.model is not self._model and _only_its_own(loaded.held, outcome)
                if outcome.failed and not spared:
                    lost = ModelLost(outcome.error or "")
                    lost.add_note(outcome.trace)
                    raise lost
        self._busy_at = self._clock()

    async def bring(self, held: Held) -> None:
        """Have this model on the device instead of those whose room it needs.

        Raises Declined where it cannot be loaded and all else is well, ModelLost where nothing is.
        """
        began, leaving = self._clock(), self._residency.leaving(held)
        first_s = self._watchdog.step_deadline_s(None, first=True)
        outcome = await self._open(self._loaded[held], first_s)
        if outcome.failed:
            reason = f"{held.name} could not be brought to the device: {outcome.error}"
            raise Declined(reason) if _only_its_own(held, outcome) else ModelLost(reason)
        self._busy_at = now = self._clock()
        self.switches += 1
        self.switch_s += now - began
        for left in leaving:
            left.left_at = now
        names = ", ".join(f"{left.name} ({left.place})" for left in leaving)
        self._says.tell(Action.SWITCHED, model=held.name, left=names, seconds=round(now - began, 3))

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

    def health_check_in_s(self) -> float | None:
        """Seconds that it may idle from now on."""
        return self._watchdog.heartbeat_in_s(self._clock(), self._busy_at)

    async def check_health(self) -> str | None:
        """One small step: a device that is lost shows before a picture is. Why it failed, where it did."""
        if not (resident := self._residency.resident):
            self._busy_at = self._clock()
            return None
        loaded = self._loaded[resident[0]]
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

    async def _open(self, loaded: Loaded, deadline_s: float | None) -> Outcome:
        """Have a model on the device, as overhead; the first time it is warmed up, and measured where no
        earlier process has, or where its blocks are compiled.
        """
        first_s = self._watchdog.step_deadline_s(None, first=True)
        outcome = await self.threads.overhead(partial(self._exchange, loaded), deadline_s=deadline_s)
        if not (outcome.failed or loaded.warm):
            warm_up = loaded.calls.warm_up(decode=True)
            outcome = await self.threads.overhead(warm_up, deadline_s=first_s)
            offered = loaded.offered
            needs = offered.calibrate if offered.compiles else loaded.experience.unknown(offered.calibrate)
            if needs and not outcome.failed:
                measure = loaded.calls.calibrate(needs)
                outcome = await self.threads.overhead(measure, deadline_s=first_s * len(needs))
                self._learn(loaded, outcome.value)
        if outcome.failed:
            name, trace = loaded.held.name, outcome.trace
            self._says.tell(Action.LOAD_FAILED, model=name, reason=outcome.error, trace=trace)
        elif not loaded.warm:
            loaded.warm = True
            for lora, reason in loaded.model.refused_adapters().items():
                self._says.tell(Action.LORA_REFUSED, lora=lora, reason=reason)
        return outcome

    def _exchange(self, coming: Loaded) -> None:
        """On a thread of the model's: those whose room it needs leave, then it comes."""
        held, model = coming.held, coming.model
        for leaving in self._residency.leaving(held):
            leaving.place = self._loaded[leaving].model.park()
        if held.place is Place.DISK:
            with turn_to_load(model.profile.resident_bytes):
                model.load()
        else:
            model.bring()
        held.place = Place.DEVICE
        self._residency.use(held)

    def _learn(self, loaded: Loaded, peaks: object) -> None:
        if isinstance(peaks, dict):
            for (phase, need), peak_bytes in peaks.items():
                loaded.experience.learn_peak(phase, need, peak_bytes)
            told = {f"{need} {phase.value}": peak for (phase, need), peak in peaks.items()}
            self._says.tell(Action.CALIBRATED, **told)


def _only_its_own(held: Held, outcome: Outcome) -> bool:
    """Whether a model that did not come leaves the device as it was: its files are at fault, or its size."""
    return held.place is Place.DISK and not outcome.device_lost
