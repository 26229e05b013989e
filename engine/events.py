"""What the engine tells the outside while it works: events with a stable action, and slices of device time."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping

log = structlog.get_logger("engine")


class Action(enum.StrEnum):
    """Names that logs, metrics and alerts may rely on."""

    STARTED = "engine_started"
    STOPPED = "engine_stopped"
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
    RELOADED = "model_reloaded"
    RELOAD_FAILED = "model_reload_failed"


ALERTS = frozenset({Action.OUT_OF_MEMORY, Action.STEP_TIMEOUT, Action.RELOAD_FAILED})


@dataclass(frozen=True, slots=True)
class Event:
    action: Action
    job_id: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def alert(self) -> bool:
        """True for what a person should hear of."""
        return self.action in ALERTS


class Phase(enum.Enum):
    """What a worker does for a job."""

    ENCODE = "encode"
    DENOISE = "denoise"
    DECODE = "decode"


@dataclass(frozen=True, slots=True)
class StepTiming:
    """One forward, for whoever watches speed. Seconds of wall time on its lane."""

    pixels: int
    jobs: int
    captions: int
    seconds: float
    predicted_s: float
    lanes_busy: int


class Observer(Protocol):
    """Called on the event loop; must not block."""

    def on_event(self, event: Event) -> None: ...

    def on_step(self, timing: StepTiming) -> None: ...


class LogObserver:
    """Writes each event as one log line."""

    def on_event(self, event: Event) -> None:
        write = log.warning if event.alert else log.info
        write(event.action.value, action=event.action.value, job_id=event.job_id, **event.fields)

    def on_step(self, timing: StepTiming) -> None:
        pass
