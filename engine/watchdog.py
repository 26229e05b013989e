"""When drawing goes wrong without failing: suddenly slow, cold after idling, hung. And who is told.

Pure: no torch, no await, no driver; the clock is handed in. The engine reports each step and asks what to do.
"""

from __future__ import annotations

import enum
import logging
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.nvml import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from engine.telemetry import GpuSample

log = logging.getLogger(__name__)


class Cause(enum.Enum):
    """What an alert is about."""

    OTHER_PROCESS = "other_process"
    """Slow: another process is on the GPU."""
    THERMAL_THROTTLING = "thermal_throttling"
    """Slow: the GPU is too hot and clocks itself down."""
    POWER_THROTTLING = "power_throttling"
    """Slow: the GPU is held below its clocks by a power limit."""
    OFFLOAD = "offload"
    """Slow: weights travel between host and GPU."""
    UNKNOWN = "unknown"
    """Slow, and nothing that the driver tells explains it."""
    OUT_OF_MEMORY = "out_of_memory"
    HUNG_STEP = "hung_step"
    GPU_LOST = "gpu_lost"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something the owner should know, once."""

    cause: Cause
    message: str
    """One English sentence; a face that speaks other languages goes by `cause` and `details`."""
    at_s: float
    """On the clock of the watchdog."""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """When to bark. Seconds; ratios are measured over predicted."""

    slow_ratio: float = 1.5
    slow_steps: int = 20
    """Steps in a row beyond `slow_ratio` before it is reported."""
    keep_warm_every_s: float | None = 300.0
    """Idle time after which one small step keeps the GPU awake; None never does."""
    deadline_factor: float = 10.0
    deadline_floor_s: float = 60.0
    """No step hangs before this: short steps are held up by a busy host at times."""
    first_deadline_s: float = 900.0
    """For a first step of its shape, which may load, compile and tune kernels."""
    again_after_s: float = 3600.0
    """Silence after an alert, for each cause."""


class Watchdog:
    """Watches one engine. Not thread-safe: called from the engine's task only.

    `clock` gives seconds that never go back (time.monotonic); `on_alert` is called, in the caller's thread,
    with each alert that is not silenced, and must not block.
    """

    def __init__(
        self,
        settings: WatchdogSettings | None = None,
        *,
        clock: Callable[[], float],
        on_alert: Callable[[Alert], None] = lambda _: None,
        offloading: bool = False,
    ) -> None:
        self._settings = settings or WatchdogSettings()
        self._clock = clock
        self._on_alert = on_alert
        self._offloading = offloading
        self._alerted_s: dict[Cause, float] = {}

    @property
    def slow(self) -> Cause | None:
        """The cause of the slowness reported and not over yet."""
        raise NotImplementedError

    def stepped(
        self, shape: Hashable, predicted_s: float | None, took_s: float, sample: GpuSample | None
    ) -> Alert | None:
        """Hear of a finished step; the alert where this one makes the run of slow steps long enough.

        `predicted_s` comes from the profile, for this very group of jobs (None: no prediction, not judged).
        """
        raise NotImplementedError

    def step_deadline_s(self, predicted_s: float | None, *, first: bool = False) -> float:
        """Seconds after which a step counts as hung. `first`: the first of its shape in this process."""
        raise NotImplementedError

    def heartbeat_due(self, now_s: float, last_busy_s: float | None) -> bool:
        """True when one small step should warm the device; it is due at once if it was never busy (None)."""
        return self.heartbeat_in_s(now_s, last_busy_s) == 0.0

    def heartbeat_in_s(self, now_s: float, last_busy_s: float | None) -> float | None:
        """Seconds until the next heartbeat is due, if the engine stays idle; None: never."""
        raise NotImplementedError

    def alert(self, cause: Cause, message: str, **details: Any) -> Alert | None:
        """Raise an alert, unless this cause was told within `again_after_s`; None where silenced."""
        raise NotImplementedError
