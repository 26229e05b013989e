"""Which worker draws the next job, and whether one has room for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SPARE = 1
"""Jobs a worker holds beyond those it draws: while a result travels, it has the next one at hand. With more,
who goes where would be settled too early.
"""


def window(max_active: int) -> int:
    """How many jobs a worker may hold at a time."""
    return max_active + SPARE


def has_room(window: int, held: Mapping[str, int], lane: str, dues: Mapping[str, float], due: float) -> bool:
    """Whether a worker that holds so many jobs of each lane takes one more of `lane`, due at `due`.

    Lanes that are due later do not count: the newcomer would step first, and theirs would pause. `dues`: when
    all that each of the held lanes has admitted will be over, in virtual time.
    """
    before = sum(count for other, count in held.items() if other == lane or dues[other] <= due)
    return before < window


@dataclass(frozen=True, slots=True)
class Offer:
    """A worker with room for a job, in predicted seconds of its own device."""

    worker: str
    load_s: float
    """Until it is through with what it holds and would draw before this job."""
    job_s: float
    """What this job would take there. A caption it has kept makes that less: so affinity breaks ties."""

    @property
    def done_s(self) -> float:
        return self.load_s + self.job_s


def choose(offers: Iterable[Offer]) -> Offer | None:
    """The worker that would have the picture first; None without an offer."""
    return min(offers, key=lambda offer: (offer.done_s, offer.worker), default=None)
