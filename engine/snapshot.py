"""The front and its workers at one moment, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.families.model import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.families.model import DeviceMemory
    from engine.worker.accounting import Totals
    from engine.worker.memory import Mode
    from engine.worker.telemetry import GpuSample
    from engine.worker.watchdog import Cause


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """One of a worker's models."""

    name: str
    place: Place
    weights_bytes: int
    """On the device while it draws; what it shares with another model counts for both."""
    jobs: int
    """That it holds for this model, begun or not."""

    @property
    def is_there(self) -> bool:
        """On the device."""
        return self.place is Place.DEVICE


@dataclass(frozen=True, slots=True)
class DeviceSnapshot:
    """One worker's device. Counts are since its start; bytes and seconds as the names say."""

    totals: Totals
    """What became of its time."""
    active: int = 0
    """Jobs in progress."""
    paused: int = 0
    """Jobs that were begun and overtaken."""
    decoding: int = 0
    cap: int = 0
    """Jobs in progress at most now; below max_active for a while after an out-of-memory."""
    memory_mode: Mode | None = None
    """None where the device is not ours."""
    memory_budget_bytes: int | None = None
    """None: no bound was set, and the device names none."""
    resident_bytes: int = 0
    models: tuple[ModelSnapshot, ...] = ()
    """That it draws with; those not on the device wait in main memory or on disk."""
    switches: int = 0
    """How often another model was brought to the device; what that took is part of the overhead."""
    switch_s: float = 0.0
    memory: DeviceMemory | None = None
    gpu: GpuSample | None = None
    """The newest telemetry."""
    slow: Cause | None = None
    """Why steps are slow at the moment, where they are."""
    out_of_memory: int = 0
    timeouts: int = 0
    embedding_hits: int = 0


class WorkerState(StrEnum):
    """What a worker does."""

    DRAWING = "drawing"
    IDLE = "idle"
    DRAINING = "draining"
    ASIDE = "aside"
    """It failed several times in a row, and is tried again later."""
    RESTING = "resting"
    """It asked to be left alone for a while."""


@dataclass(frozen=True, slots=True)
class WorkerSnapshot:
    """One worker, as the front keeps it."""

    name: str
    gpu: str
    state: WorkerState
    window: int
    """Jobs it may hold now."""
    held: int
    load_s: float
    """Predicted device seconds of what it holds."""
    done: int
    failed: int
    """Jobs that came back from it without a picture."""
    device: DeviceSnapshot | None
    """As it last told; None where it tells nothing."""

    @property
    def totals(self) -> Totals | None:
        return self.device.totals if self.device is not None else None

    @property
    def device_name(self) -> str:
        """Its name among all devices, its card's with it."""
        return device_name(self.gpu, self.name)


def device_name(gpu: str, worker: str) -> str:
    """How a cluster's device is booked and shown; empty for the only one of this machine."""
    return f"{gpu} ({worker})" if worker else ""


@dataclass(frozen=True, slots=True)
class EngineSnapshot:
    """Counts are since the start; bytes and seconds as the names say."""

    model: str
    waiting: Mapping[str, int]
    """Jobs in the queue by tier."""
    oldest_wait_by_tier_s: Mapping[str, float]
    queued_s: float
    """Predicted device seconds of all that waits."""
    active: int
    """Jobs with a worker."""
    cap: int
    """Jobs that may be with workers now."""
    done: int
    failed: int
    cancelled: int
    result_hits: int
    admission_paused: bool
    draining: bool
    loaded: bool
    """Somebody is there to draw."""
    totals: Totals
    """The time of all devices, of those who left too."""
    device: DeviceSnapshot | None = None
    """The device of a machine that has only one; None in a cluster, or while it is not there."""
    workers: tuple[WorkerSnapshot, ...] = field(default=())
    clustered: bool = False
    """Workers draw, where there are any; not this very machine."""

    @property
    def oldest_wait_s(self) -> float:
        return max(self.oldest_wait_by_tier_s.values(), default=0.0)

    @property
    def devices(self) -> tuple[DeviceSnapshot, ...]:
        """All that tell of themselves."""
        return tuple(worker.device for worker in self.workers if worker.device is not None)

    @property
    def decoding(self) -> int:
        return sum(device.decoding for device in self.devices)

    @property
    def paused(self) -> int:
        return sum(device.paused for device in self.devices)

    @property
    def resident_bytes(self) -> int:
        """Weights on all devices."""
        return sum(device.resident_bytes for device in self.devices)

    @property
    def out_of_memory(self) -> int:
        return sum(device.out_of_memory for device in self.devices)

    @property
    def timeouts(self) -> int:
        return sum(device.timeouts for device in self.devices)

    @property
    def embedding_hits(self) -> int:
        return sum(device.embedding_hits for device in self.devices)

    @property
    def slow(self) -> Cause | None:
        """Why steps are slow at the moment on any device."""
        return next((device.slow for device in self.devices if device.slow), None)
