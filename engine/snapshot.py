"""The engine at one moment, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.families.model import DeviceMemory
    from engine.worker.accounting import Totals
    from engine.worker.memory import Mode
    from engine.worker.telemetry import GpuSample
    from engine.worker.watchdog import Cause


@dataclass(frozen=True, slots=True)
class WorkerSnapshot:
    """One worker of a cluster."""

    name: str
    gpu: str
    state: str
    """drawing, idle, draining, aside, resting."""
    window: int
    """Jobs it may hold now."""
    held: int
    load_s: float
    """Predicted device seconds of what it holds."""
    done: int
    failed: int
    """Jobs that came back from it without a picture, to be drawn elsewhere."""
    engine: EngineSnapshot | None
    """Its own engine when it was last asked; None where it has none of ours."""
    totals: Totals | None = None
    """What became of its device's time; None where nobody counts."""

    @property
    def device(self) -> str:
        """Its name among all devices, its card's with it."""
        return device_name(self.gpu, self.name)


def device_name(gpu: str, worker: str) -> str:
    """How a cluster's device is booked and shown; empty for the one of this very process."""
    return f"{gpu} ({worker})" if worker else ""


@dataclass(frozen=True, slots=True)
class EngineSnapshot:
    """Counts are since the start; bytes and seconds as the names say."""

    model: str
    waiting: Mapping[str, int]
    """Jobs in the queue by lane, paused ones among them."""
    oldest_wait_s: float
    active: int
    """Jobs that hold a place."""
    paused: int
    decoding: int
    max_active: int
    cap: int
    """Places in use at most now; below max_active for a while after an out-of-memory."""
    queued_s: float
    """Predicted device seconds of all that waits."""
    totals: Totals
    memory_mode: Mode
    memory_budget_bytes: int | None
    """None: no bound was set, and the device names none."""
    resident_bytes: int
    memory: DeviceMemory | None
    gpu: GpuSample | None
    """The newest telemetry."""
    gpu_trouble: str | None
    slow: Cause | None
    """Why steps are slow at the moment, where they are."""
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
    loaded: bool = True
    """The model is there and the loop turns; not before the start, while it is loaded anew, after the end."""
    oldest_wait_by_lane_s: Mapping[str, float] = field(default_factory=dict)
    workers: tuple[WorkerSnapshot, ...] = ()
    clustered: bool = False
    """Workers draw, where there are any; not this very process."""
