"""Which worker draws the next job, and how many a worker may hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SPARE = 1
"""Jobs a worker holds beyond those it draws: while a result travels, it has the next one at hand. With more,
fairness would be the worker's, not the queue's.
"""


def window(max_active: int) -> int:
    """How many jobs a worker may hold at a time."""
    return max_active + SPARE


@dataclass(frozen=True, slots=True)
class Offer:
    """A worker with room for a job, in predicted seconds of its own device."""

    worker: str
    load_s: float
    """Until it is through with what it holds."""
    job_s: float
    """What this job would take there. A caption it has kept makes that less: so affinity breaks ties."""

    @property
    def done_s(self) -> float:
        return self.load_s + self.job_s


def choose(offers: Iterable[Offer]) -> Offer | None:
    """The worker that would have the picture first; None without an offer."""
    return min(offers, key=lambda offer: (offer.done_s, offer.worker), default=None)
