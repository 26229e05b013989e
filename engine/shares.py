"""What each tier may claim of a device, and what it had: virtual time by tier.

Pure: no clock, no torch, no await. Costs are predicted device seconds.

It is weighted fair queueing. A tier's virtual time advances by seconds served / weight; what its admitted
jobs still owe counts as if served. A tier that comes back from doing nothing starts where the busy ones are:
idleness earns no credit. The front shares out the queue by it, a worker the steps of the jobs it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


LEAST_JOB_S = 0.001
MOST_OF_SLOW = 0.5
"""A tier that claims jobs an hour never claims more than half of a device that is too slow for them."""


@dataclass(frozen=True, slots=True)
class ShareTerms:
    """What a tier may claim.

    `weight` counts against the other tiers that have work. `share`, where given, takes the weight's place:
    this part (0 < share < 1) of the device goes to the tier while any tier without one has work, whatever
    their weights. `jobs_an_hour`, where given, takes the place of both: the tier gets what nobody else has
    work for, and beside the others as much as that many of its jobs take.
    """

    weight: float = 1.0
    share: float | None = None
    jobs_an_hour: float | None = None
    max_waiting_per_flow: int | None = None

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ValueError(f"a tier's weight must be positive, not {self.weight}")
        if self.share is not None and not 0 < self.share < 1:
            raise ValueError(f"a tier's share must lie between 0 and 1, not {self.share}")
        if self.jobs_an_hour is not None and self.jobs_an_hour <= 0:
            raise ValueError(f"a tier's jobs an hour must be positive, not {self.jobs_an_hour}")

    @property
    def claims_by_weight(self) -> bool:
        return self.share is None and self.jobs_an_hour is None


@dataclass(slots=True, eq=False)
class Share:
    """One tier's."""

    terms: ShareTerms
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
    """All tiers'. A tier not named in `tiers` has weight 1."""

    def __init__(self, tiers: Mapping[str, ShareTerms]) -> None:
        self._tiers = {name: Share(terms) for name, terms in tiers.items()}
        self._floor = 0.0

    def of(self, tier: str) -> Share:
        if tier not in self._tiers:
            self._tiers[tier] = Share(ShareTerms())
        return self._tiers[tier]

    def weight(self, tier: str) -> float:
        share = self.of(tier)
        part = share.part
        if part is None:
            return share.terms.weight
        others = [other for other in self._tiers.values() if other.terms.claims_by_weight]
        rivals = sum(o.terms.weight for o in others if o.busy) or sum(o.terms.weight for o in others) or 1.0
        return rivals * part / (1 - part)

    def due(self, tier: str, more_s: float = 0.0) -> float:
        """Virtual time at which all that this tier has admitted will be over, and `more_s` seconds after."""
        share = self.of(tier)
        return share.attained + (sum(share.owed.values()) + more_s) / self.weight(tier)

    @property
    def owed_s(self) -> float:
        """Device seconds that all admitted jobs still need."""
        return sum(sum(share.owed.values()) for share in self._tiers.values())

    def wake(self, tier: str, lead_s: float | None = None) -> None:
        """Comes before a tier's first job.

        `lead_s`: how far it is ahead of those that are busy here, where somebody knows: a worker's tier may
        have nothing in its hands and a lot in the front's queue.
        """
        share = self.of(tier)
        if not share.busy:
            self._raise_floor()
            share.attained = max(share.attained, self._floor) if lead_s is None else self._floor + lead_s

    def lead_s(self, tier: str, over: Collection[str]) -> float:
        """How far a tier is ahead of the last of the others, in virtual time; below 0 where it is behind."""
        others = [self.of(other).attained for other in over if other != tier]
        return self.of(tier).attained - min(others) if others else 0.0

    def admit(self, tier: str, job_id: str, cost_s: float) -> None:
        """What the job needs counts as its tier's from now on."""
        self.expect(tier, cost_s)
        self.of(tier).owed[job_id] = cost_s

    def expect(self, tier: str, cost_s: float) -> None:
        """A tier's jobs take about so long."""
        self.of(tier).job_s = cost_s

    def served(self, tier: str, job_id: str, seconds: float) -> None:
        """An admitted job was given `seconds` of the device."""
        share = self.of(tier)
        share.attained += seconds / self.weight(tier)
        if job_id in share.owed:
            share.owed[job_id] = max(0.0, share.owed[job_id] - seconds)
        self._raise_floor()

    def leave(self, tier: str, job_id: str) -> None:
        """An admitted job is over, whether it used all it was predicted to need or not."""
        self.of(tier).owed.pop(job_id, None)
        self._raise_floor()

    def _raise_floor(self) -> None:
        busy = [share.attained for share in self._tiers.values() if share.busy]
        reached = min(busy) if busy else max((s.attained for s in self._tiers.values()), default=0.0)
        self._floor = max(self._floor, reached)
