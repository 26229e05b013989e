"""When drawing goes wrong without failing: suddenly slow, cold after idling, hung. And who is told.

Pure: no torch, no await, no driver; the clock is handed in. The engine reports each step and asks what to do.
"""

from __future__ import annotations

import enum
import logging
from collections import deque
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from engine.worker.nvml import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping

    from engine.worker.telemetry import GpuSample

log = logging.getLogger(__name__)


class Cause(enum.Enum):
    """What an alert is about."""

    OTHER_PROCESS = "other_process"
    """Slow: another process is on the GPU."""
    THERMAL_THROTTLING = "thermal_throttling"
    """Slow: the GPU is too hot and has lowered its clock."""
    POWER_THROTTLING = "power_throttling"
    """Slow: the GPU is held below its clocks by a power limit."""
    OFFLOAD = "offload"
    """Slow: weights travel between host and GPU."""
    UNKNOWN = "unknown"
    """Slow, and nothing the driver tells explains it."""
    OUT_OF_MEMORY = "out_of_memory"
    HUNG_STEP = "hung_step"
    GPU_LOST = "gpu_lost"
    """Every call of the device fails: its process is replaced."""
    STALLED = "stalled"
    """Jobs wait while the device idles, since none of them fits."""
    WORKER_LOST = "worker_lost"
    """A worker died or cannot be reached."""
    UNLOADABLE = "unloadable"
    """One of several models cannot be loaded."""
    NOT_FINITE = "not_finite"
    """Pictures come out with values that are no numbers: black."""
    WORKER_ASIDE = "worker_aside"
    """A cluster's worker failed again and again."""
    WORKER_REFUSED = "worker_refused"
    """A worker would draw other pictures than the rest."""
    NO_WORKER = "no_worker"
    """Jobs wait, and nothing is there to draw them."""


NOT_FINITE = "NotFinite"
"""How such a failure's reason begins: the name of its exception."""
NOT_FINITE_MANY = 3
SLOW = {
    Cause.OTHER_PROCESS: "another process is on the GPU",
    Cause.THERMAL_THROTTLING: "the GPU is too hot and has lowered its clock",
    Cause.POWER_THROTTLING: "the GPU is held back by a power limit",
    Cause.OFFLOAD: "weights are offloaded to the host",
    Cause.UNKNOWN: "nothing the driver tells explains it",
}
"""The causes of slowness, the first to be blamed first."""


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
    with each alert that is not silenced, and must neither block nor raise. `offloading` may be set when the
    memory mode changes: weights then travel between host and GPU.
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
        self.offloading = offloading
        self._alerted_s: dict[Cause, float] = {}
        self._run: deque[_Step] = deque(maxlen=self._settings.slow_steps)
        self._usual: deque[frozenset[Cause]] = deque(maxlen=self._settings.slow_steps)
        self._slow: Cause | None = None
        self._not_finite = 0

    @property
    def slow(self) -> Cause | None:
        """The cause of a slowness that is not over yet."""
        return self._slow

    def stepped(
        self, shape: Hashable, predicted_s: float | None, took_s: float, sample: GpuSample | None
    ) -> Alert | None:
        """Hear of a finished step; the alert, where this step makes the slow run long enough to tell.

        `predicted_s` is the profile's, for this very group of jobs; without one (None, 0) the step says
        nothing. `sample` is the newest telemetry, None where there is none.
        """
        if not predicted_s:
            return None
        step = _Step(shape, took_s / predicted_s, self._suspects(sample), sample)
        if step.ratio <= self._settings.slow_ratio:
            self._usual.append(step.suspects)
            self._run.clear()
            if self._slow is not None:
                log.info("Steps are back to speed.", extra={"action": "slow_over", "cause": self._slow.value})
                self._slow = None
            return None
        self._run.append(step)
        if self._slow is not None or len(self._run) < self._settings.slow_steps:
            return None
        self._slow = self._blame()
        return self._tell(self._slow)

    def step_deadline_s(self, predicted_s: float | None, *, first: bool = False) -> float:
        """Seconds after which a step counts as hung.

        `first`: the first of its shape in this process, which may load, compile and tune kernels; a step
        without a prediction is taken for one.
        """
        settings = self._settings
        deadline_s = max(settings.deadline_floor_s, settings.deadline_factor * (predicted_s or 0.0))
        return max(deadline_s, settings.first_deadline_s) if first or not predicted_s else deadline_s

    def heartbeat_in_s(self, now_s: float, last_busy_s: float | None) -> float | None:
        """Seconds an engine that stays idle may wait before one small step keeps it warm; None: for ever.

        `last_busy_s` is when the device last worked, heartbeats included; None: it has not yet.
        """
        if last_busy_s is None:
            return 0.0
        every_s = self._settings.keep_warm_every_s
        return max(0.0, last_busy_s + every_s - now_s) if every_s else None

    def failed(self, reason: str) -> None:
        """Hear why a call failed. One black picture may be an accident; a few are the model or its dtype."""
        if reason.startswith(NOT_FINITE):
            self._not_finite += 1
            if self._not_finite >= NOT_FINITE_MANY:
                count = self._not_finite
                self.alert(Cause.NOT_FINITE, f"{count} pictures were no numbers ({reason}).", count=count)

    def alert(self, cause: Cause, message: str, **details: Any) -> Alert | None:
        """Raise an alert, unless this cause was told within `again_after_s`: then None."""
        now_s = self._clock()
        told_s = self._alerted_s.get(cause)
        if told_s is not None and now_s - told_s < self._settings.again_after_s:
            return None
        self._alerted_s[cause] = now_s
        alert = Alert(cause, message, now_s, MappingProxyType(details))
        log.warning(message, extra={"action": "alert", "cause": cause.value})
        self._on_alert(alert)
        return alert

    def _suspects(self, sample: GpuSample | None) -> frozenset[Cause]:
        """Everything about this moment that could make a step slow."""
        throttle = (sample.throttle if sample else None) or Throttle(0)
        # Hardware slowdown alone, as older drivers report it, is heat by the first reason nvml.h gives.
        too_hot = throttle & Throttle.THERMAL or (
            throttle & Throttle.HARDWARE_SLOWDOWN and not throttle & Throttle.POWER_BRAKE
        )
        found = {
            Cause.OTHER_PROCESS: sample is not None and bool(sample.others),
            Cause.THERMAL_THROTTLING: bool(too_hot),
            Cause.POWER_THROTTLING: bool(throttle & Throttle.POWER),
            Cause.OFFLOAD: self.offloading,
        }
        return frozenset(cause for cause, there in found.items() if there)

    def _blame(self) -> Cause:
        """The likeliest cause of the slow run.

        What was there in most of its steps, and among that what was not usual before: many cards draw at
        their power cap all day, and a neighbour that sleeps in memory slows nobody.
        """
        there = [cause for cause in SLOW if _mostly(cause, [step.suspects for step in self._run])]
        new = [cause for cause in there if not _mostly(cause, self._usual)]
        return next(iter(new or there), Cause.UNKNOWN)

    def _tell(self, cause: Cause) -> Alert | None:
        ratio = sum(step.ratio for step in self._run) / len(self._run)
        samples = [step.sample for step in self._run if step.sample and cause in step.suspects]
        sample = samples[-1] if samples else self._run[-1].sample
        return self.alert(
            cause,
            f"Steps take {ratio:.1f} times as long as predicted, {len(self._run)} in a row: "
            f"{SLOW[cause]}{_seen(cause, sample)}.",
            ratio=ratio,
            steps=len(self._run),
            shape=self._run[-1].shape,
            sample=sample,
        )


@dataclass(frozen=True, slots=True)
class _Step:
    """A step that took too long, and what was going on."""

    shape: Hashable
    ratio: float
    suspects: frozenset[Cause]
    sample: GpuSample | None


def _seen(cause: Cause, sample: GpuSample | None) -> str:
    """What the driver told about a cause, in brackets."""
    if sample is not None and cause is Cause.OTHER_PROCESS and sample.others:
        return f" (pid {', '.join(str(process.pid) for process in sample.others)})"
    if sample is not None and cause is Cause.THERMAL_THROTTLING and sample.temperature_c is not None:
        return f" ({sample.temperature_c} °C)"
    if sample is not None and cause is Cause.POWER_THROTTLING and sample.power_w is not None:
        return f" ({sample.power_w:.0f} W)"
    return ""


def _mostly(cause: Cause, moments: Collection[frozenset[Cause]]) -> bool:
    """Whether a cause was there in at least half of the moments."""
    return bool(moments) and 2 * sum(cause in suspects for suspects in moments) >= len(moments)
