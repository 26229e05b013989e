"""A job as the front keeps it, from its submission to its end: mutable, owned by the event loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.request import DrawRequest, JobState

if TYPE_CHECKING:
    from PIL.Image import Image

    from engine.families.plan import Plan


@dataclass(slots=True, eq=False)
class Job:
    request: DrawRequest
    plan: Plan
    submitted_at: float
    cost_s: float
    """Device seconds it needs, as predicted when it came."""
    model: str = ""
    """Its name; that of the first model, where the request names none."""
    state: JobState = JobState.QUEUED
    step: int = 0
    preview: Image | None = None
    cancelling: bool = False
    failures: int = 0
    """How often a worker failed on it."""
    losses: int = 0
    """How often a worker was lost with it."""
    barred: set[str] = field(default_factory=set)
    """Workers it does not fit, or that will not draw it."""

    @property
    def job_id(self) -> str:
        return self.request.job_id

    @property
    def tier(self) -> str:
        return self.request.tier

    @property
    def flow(self) -> str:
        return self.request.flow

    @property
    def arrived_at(self) -> float:
        return self.submitted_at - self.request.waited_s

    def reset(self) -> None:
        """It comes back from a worker without a picture, to be drawn from its start."""
        self.state, self.step, self.preview = JobState.QUEUED, 0, None
