"""What each lane may claim of a device, and what it had: virtual time by lane.

Pure: no clock, no torch, no await. Costs are predicted device seconds.

It is weighted fair queueing. A lane's virtual time advances by seconds served / weight; what its admitted
jobs still owe counts as if served. A lane that comes back from doing nothing starts where the busy ones are:
idleness earns no credit. The front shares out the queue by it, a worker the steps of the jobs it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


LEAST_JOB_S = 0.001
MOST_OF_SLOW = 0.5
"""A lane that claims jobs an hour never claims more than half of a device that is too slow for them."""


@dataclass(frozen=True, slots=True)
class LaneTerms:
    """What a lane may claim.

    `weight` counts against the other lanes that have work. `share`, where given, takes the weight's place:
    this part (0 < share < 1) of the device goes to the lane while any lane without one has work, whatever
    their weights. `jobs_an_hour`, where given, takes the place of both: the lane gets what nobody else has
    work for, and beside the others as much as that many of its jobs take.
    """

    weight: float = 1.0
    share: float | None = None
    jobs_an_hour: float | None = None
    max_waiting_per_flow: int | None = None

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ValueError(f"a lane's weight must be positive, not {self.weight}")
        if self.share is not None and not 0 < self.share < 1:
            raise ValueError(f"a lane's share must lie between 0 and 1, not {self.share}")
        if self.jobs_an_hour is not None and self.jobs_an_hour <= 0:
            raise ValueError(f"a lane's jobs an hour must be positive, not {self.jobs_an_hour}")

    @property
    def claims_by_weight(self) -> bool:
        return self.share is None and self.jobs_an_hour is None


@dataclass(slots=True, eq=False)
class Share:
    """One lane's."""

    terms: LaneTerms
    attained: float = 0.0
    """Virtual time: seconds served / weight."""
    owed: dict[str, float] = field(default_factory=dict)
    """What each admitted job still needs, in seconds."""
    waiting: int = 0
    """Jobs that are not admitted yet."""
    job_s: float = 1.0
    """What its last job was predicted to need, in seconds."""

    @property
    def part(self) -> float | None:
        """The part of the device it may claim beside the others; None where its weight says that."""
        if self.terms.jobs_an_hour is not None:
            return min(MOST_OF_SLOW, max(self.job_s, LEAST_JOB_S) * self.terms.jobs_an_hour / 3600)
        return self.terms.share

    @property
    def busy(self) -> bool:
        return bool(self.waiting or self.owed)


class Shares:
    """All lanes'. A lane not named in `lanes` has weight 1."""

    def __init__(self, lanes: Mapping[str, LaneTerms]) -> None:
        self._lanes = {name: Share(terms) for name, terms in lanes.items()}
        self._floor = 0.0

    def of(self, lane: str) -> Share:
        if lane not in self._lanes:
            self._lanes[lane] = Share(LaneTerms())
        return self._lanes[lane]

    def weight(self, lane: str) -> float:
        share = self.of(lane)
        part = share.part
        if part is None:
            return share.terms.weight
        others = [other for other in self._lanes.values() if other.terms.claims_by_weight]
        rivals = sum(o.terms.weight for o in others if o.busy) or sum(o.terms.weight for o in others) or 1.0
        return rivals * part / (1 - part)

    def due(self, lane: str, more_s: float = 0.0) -> float:
        """Virtual time at which all that this lane has admitted will be over, and `more_s` seconds after."""
        share = self.of(lane)
        return share.attained + (sum(share.owed.values()) + more_s) / self.weight(lane)

    @property
    def owed_s(self) -> float:
        """Device seconds that all admitted jobs still need."""
        return sum(sum(share.owed.values()) for share in self._lanes.values())

    def wake(self, lane: str, lead_s: float | None = None) -> None:
        """Comes before a lane's first job.

        `lead_s`: how far it is ahead of those that are busy here, where somebody knows: a worker's lane may
        have nothing in its hands and a lot in the front's queue.
        """
        share = self.of(lane)
        if not share.busy:
            self._raise_floor()
            share.attained = max(share.attained, self._floor) if lead_s is None else self._floor + lead_s

    def lead_s(self, lane: str, over: Collection[str]) -> float:
        """How far a lane is ahead of the last of the others, in virtual time; below 0 where it is behind."""
        others = [self.of(other).attained for other in over if other != lane]
        return self.of(lane).attained - min(others) if others else 0.0

    def admit(self, lane: str, job_id: str, cost_s: float) -> None:
        """What the job needs counts as its lane's from now on."""
        self.expect(lane, cost_s)
        self.of(lane).owed[job_id] = cost_s

    def expect(self, lane: str, cost_s: float) -> None:
        """A lane's jobs take about so long."""
        self.of(lane).job_s = cost_s

    def served(self, lane: str, job_id: str, seconds: float) -> None:
        """An admitted job was given `seconds` of the device."""
        share = self.of(lane)
        share.attained += seconds / self.weight(lane)
        if job_id in share.owed:
            share.owed[job_id] = max(0.0, share.owed[job_id] - seconds)
        self._raise_floor()

    def leave(self, lane: str, job_id: str) -> None:
        """An admitted job is over, whether it used all it was predicted to need or not."""
        self.of(lane).owed.pop(job_id, None)
        self._raise_floor()

    def _raise_floor(self) -> None:
        busy = [share.attained for share in self._lanes.values() if share.busy]
        reached = min(busy) if busy else max((s.attained for s in self._lanes.values()), default=0.0)
        self._floor = max(self._floor, reached)
