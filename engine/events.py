"""What the engine tells the outside while it works: events with a stable action, and where the time went."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.worker.watchdog import Alert

log = structlog.get_logger("engine")


class Phase(enum.Enum):
    """What a worker does for a job."""

    ENCODE = "encode"
    BEGIN = "begin"
    """Noise, and what the request brings along; part of the call that encodes, but with a peak of its own."""
    DENOISE = "denoise"
    DECODE = "decode"


class Action(enum.StrEnum):
    """Names that logs, metrics and alerts may rely on."""

    STARTED = "engine_started"
    STOPPED = "engine_stopped"
    CRASHED = "engine_crashed"
    SUBMITTED = "job_submitted"
    ADMITTED = "job_admitted"
    PAUSED = "job_paused"
    RESUMED = "job_resumed"
    DONE = "job_done"
    FAILED = "job_failed"
    CANCELLED = "job_cancelled"
    OUT_OF_MEMORY = "out_of_memory"
    CAP_RAISED = "cap_raised"
    STEP_TIMEOUT = "step_timeout"
    LOAD_FAILED = "model_load_failed"
    MODEL_LEFT_OUT = "model_left_out"
    """A worker's card is too small for it."""
    SWITCHED = "model_switched"
    """Another model was brought to the device."""
    CALIBRATED = "memory_calibrated"
    WARMED = "kept_warm"
    HEARTBEAT_FAILED = "heartbeat_failed"
    WORKER_JOINED = "worker_joined"
    WORKER_LEFT = "worker_left"
    WORKER_LOST = "worker_lost"
    WORKER_REFUSED = "worker_refused"
    WORKER_ASIDE = "worker_set_aside"
    REQUEUED = "job_requeued"
    LORA_REFUSED = "lora_refused"


TROUBLE = frozenset(
    {
        Action.CRASHED,
        Action.OUT_OF_MEMORY,
        Action.STEP_TIMEOUT,
        Action.LOAD_FAILED,
        Action.MODEL_LEFT_OUT,
        Action.HEARTBEAT_FAILED,
        Action.WORKER_LOST,
        Action.WORKER_REFUSED,
        Action.WORKER_ASIDE,
        Action.REQUEUED,
        Action.LORA_REFUSED,
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    action: Action
    job_id: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def trouble(self) -> bool:
        """True for what should not happen."""
        return self.action in TROUBLE


@dataclass(frozen=True, slots=True)
class Worked:
    """A call of the model that succeeded: one forward for `jobs` jobs, or one encode or decode."""

    phase: Phase
    wall_s: float
    """From the hand-over to a worker until the loop heard that it is done."""
    jobs: int
    width: int
    height: int


class Observer:
    """Hears what happens, on the event loop; must not block. Each method may be left as it is."""

    def on_event(self, event: Event) -> None:
        """Something happened."""

    def on_alert(self, alert: Alert) -> None:
        """The owner should know; each cause comes at most once in a while."""

    def on_work(self, worked: Worked) -> None:
        """The model did something for somebody; many times a second."""


class LogObserver(Observer):
    """Writes each event as one log line."""

    def on_event(self, event: Event) -> None:
        write = log.warning if event.trouble else log.info
        write(event.action.value, action=event.action.value, job_id=event.job_id, **event.fields)


class Announcer:
    """Tells every observer, and counts. One that fails is logged; it cannot harm the engine."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self.counts = dict.fromkeys(Action, 0)

    def tell(self, action: Action, job_id: str | None = None, **fields: object) -> None:
        self.counts[action] += 1
        event = Event(action, job_id, fields)
        self._each(lambda observer: observer.on_event(event))

    def alert(self, alert: Alert) -> None:
        self._each(lambda observer: observer.on_alert(alert))

    def work(self, worked: Worked) -> None:
        self._each(lambda observer: observer.on_work(worked))

    def _each(self, call: Callable[[Observer], None]) -> None:
        for observer in self._observers:
            try:
                call(observer)
            except Exception as error:
                log.exception("observer_failed", action="observer_failed", reason=str(error))
