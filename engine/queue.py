"""The fair queue, in two levels: tiers share the device by weight, flows inside a tier take turns.

Pure: no clock, no torch, no await. Costs are predicted device seconds.

Between tiers the one is next whose next job would be finished first, in the tiers' virtual time. Inside a
tier it is start-time fair queueing: a job gets its tag when it arrives, the flow's last tag plus that job's
seconds, so ten jobs of one flow stand behind each other and the first job of another flow slips in after one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from engine.ordertree import Key, OrderTree
from engine.request import QueueFull
from engine.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from engine.shares import ShareTerms


class Claim(Protocol):
    """What the queue needs to know of a job. `cost_s` is what it needs, in predicted device seconds."""

    @property
    def job_id(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def flow(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def cost_s(self) -> float: ...
    @property
    def arrived_at(self) -> float: ...


J = TypeVar("J", bound=Claim)


@dataclass(slots=True)
class _Flow:
    finish: float = 0.0
    """Tag at which the flow's last job ends, in the tier's seconds."""
    waiting: dict[str, Key] = field(default_factory=dict)


class _Tier(Generic[J]):
    """The jobs of a tier that wait, in the order of their tags."""

    def __init__(self) -> None:
        self.by_model: dict[str, OrderTree[J]] = {}
        self.flows: dict[str, _Flow] = {}
        self.turn = 0.0
        """Tag of the job taken last."""
        self.tags: dict[str, Key] = {}
        """Tags of the admitted jobs, for their way back."""
        self.prune_at = 64

    def __len__(self) -> int:
        return sum(map(len, self.by_model.values()))

    def first(self, model: str | None = None) -> J | None:
        """Whose turn it is; of all, or of those that this model draws."""
        trees = self.by_model.values() if model is None else [self.by_model.get(model)]
        heads = [head for tree in trees if tree is not None and (head := tree.first()) is not None]
        return min(heads, key=self.key, default=None)

    def key(self, job: J) -> Key:
        return self.flows[job.flow].waiting[job.job_id]

    def add(self, key: Key, job: J) -> None:
        self.by_model.setdefault(job.model, OrderTree()).add(key, job, job.cost_s)


class FairQueue(Generic[J]):
    """Waiting jobs in two levels. Every operation is O(log n); tiers are few."""

    def __init__(self, tiers: Mapping[str, ShareTerms], *, max_waiting: int | None = None) -> None:
        self._shares = Shares(tiers)
        self._tiers: dict[str, _Tier[J]] = {name: _Tier() for name in tiers}
        self._max_waiting = max_waiting
        self._serial = 0
        self._where: dict[str, J] = {}

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._where

    def waiting(self) -> Iterable[J]:
        """All waiting jobs, in no particular order."""
        return self._where.values()

    def depths(self) -> dict[str, int]:
        """Waiting jobs by tier."""
        return {name: len(tier) for name, tier in self._tiers.items()}

    @property
    def models(self) -> list[str]:
        """Those that jobs wait for."""
        return list({name for tier in self._tiers.values() for name, tree in tier.by_model.items() if tree})

    def longest_waits(self, now: float) -> dict[str, float]:
        """Seconds by tier that has one waiting; O(n)."""
        longest: dict[str, float] = {}
        for job in self._where.values():
            longest[job.tier] = max(longest.get(job.tier, 0.0), now - job.arrived_at)
        return longest

    def check(self, tier: str, flow: str, count: int = 1, *, at_hand: Collection[J] = ()) -> None:
        """Raise QueueFull where `count` more jobs of this flow would pass a cap.

        `at_hand`: jobs that were taken and wait elsewhere; they count.
        """
        if self._max_waiting is not None and len(self) + len(at_hand) + count > self._max_waiting:
            raise QueueFull(flow=False, limit=self._max_waiting)
        cap = self._shares.of(tier).terms.max_waiting_per_flow
        held = self._tier(tier).flows.get(flow)
        mine = sum(job.tier == tier and job.flow == flow for job in at_hand)
        if cap is not None and (len(held.waiting) if held else 0) + mine + count > cap:
            raise QueueFull(flow=True, limit=cap)

    def push(self, job: J) -> None:
        """A new job joins the end of its flow."""
        tier = self._tier(job.tier)
        self._shares.wake(job.tier)
        self._shares.expect(job.tier, job.cost_s)
        flow = tier.flows.setdefault(job.flow, _Flow())
        start = max(tier.turn, flow.finish)
        self._serial += 1
        self._insert(tier, flow, job, (start, job.arrived_at, self._serial))
        flow.finish = start + job.cost_s

    def peek(self, model: str | None = None) -> J | None:
        """The job that is next, still waiting; of all, or of those that this model draws."""
        heads = [head for tier in self._tiers.values() if (head := tier.first(model)) is not None]
        return min(heads, key=self._order, default=None)

    def heads(self) -> list[J]:
        """Of each model the job that is next, in the order in which they are due."""
        heads = [head for model in self.models if (head := self.peek(model)) is not None]
        return sorted(heads, key=self._order)

    def take(self, job: J) -> None:
        """The waiting job is admitted: what it needs counts as its tier's from now on."""
        tier = self._tier(job.tier)
        key = self._pull(tier, job)
        tier.turn = max(tier.turn, key[0])
        self._shares.admit(job.tier, job.job_id, job.cost_s)
        tier.tags[job.job_id] = key

    def served(self, job: J, seconds: float) -> None:
        """An admitted job was given `seconds` of the device."""
        self._shares.served(job.tier, job.job_id, seconds)

    def give_back(self, job: J) -> None:
        """An admitted job goes back to its old place, first of its flow."""
        tier = self._tier(job.tier)
        flow = tier.flows.setdefault(job.flow, _Flow())
        self._insert(tier, flow, job, tier.tags.pop(job.job_id))
        self._shares.leave(job.tier, job.job_id)

    def leave(self, job: J) -> None:
        """An admitted job is over, whether it used all it was predicted to need or not."""
        self._tier(job.tier).tags.pop(job.job_id, None)
        self._shares.leave(job.tier, job.job_id)

    def remove(self, job: J) -> None:
        """A waiting job goes. Those behind it in its flow move up: nobody pays for a turn not taken."""
        tier = self._tier(job.tier)
        flow = tier.flows[job.flow]
        behind = False
        gone = flow.waiting[job.job_id]
        start = gone[0]
        self._pull(tier, job)
        for job_id, key in sorted(
            flow.waiting.items(), key=lambda held: held[1]
        ):  # as many as the cap allows
            behind = behind or key > gone
            if behind:
                mate = self._where[job_id]
                tier.by_model[mate.model].remove(key)
                moved = (max(tier.turn, start), key[1], key[2])
                flow.waiting[job_id] = moved
                tier.add(moved, mate)
                start = moved[0] + mate.cost_s
        flow.finish = start
        self._shares.leave(job.tier, job.job_id)

    def due(self, job: J) -> float:
        """Virtual time at which this waiting job, and all that its tier has admitted, will be over."""
        return self._shares.due(job.tier, job.cost_s)

    def dues(self) -> dict[str, float]:
        """By tier, the virtual time at which all that it has admitted will be over."""
        return {name: self._shares.due(name) for name in self._tiers}

    def lead_s(self, tier: str, over: Collection[str]) -> float:
        """How far a tier is ahead of the last of the others, in virtual time."""
        return self._shares.lead_s(tier, over)

    def ahead(self, job: J) -> tuple[int, float]:
        """Waiting jobs predicted to start earlier, and the seconds they and the admitted ones need."""
        home, shares = self._tier(job.tier), self._shares
        key = home.flows[job.flow].waiting[job.job_id]
        before = [tree.before(key) for tree in home.by_model.values()]
        cost = sum(seconds for _, seconds in before)
        due = shares.due(job.tier, cost + job.cost_s)
        for name, tier in self._tiers.items():
            if tier is not home and len(tier):
                within_s = (due - shares.due(name)) * shares.weight(name)
                before += [tree.within(within_s) for tree in tier.by_model.values()]
        return sum(count for count, _ in before), sum(seconds for _, seconds in before) + shares.owed_s

    def _order(self, job: J) -> tuple[float, float, Key]:
        """Of tiers, the one whose next job would be over first; in it, turn by turn, whatever the model."""
        tier = self._tier(job.tier)
        first = tier.first() or job
        return self.due(first), first.arrived_at, tier.key(job)

    def _tier(self, name: str) -> _Tier[J]:
        if name not in self._tiers:
            self._tiers[name] = _Tier()
        return self._tiers[name]

    def _insert(self, tier: _Tier[J], flow: _Flow, job: J, key: Key) -> None:
        flow.waiting[job.job_id] = key
        tier.add(key, job)
        self._where[job.job_id] = job
        self._shares.of(job.tier).waiting += 1

    def _pull(self, tier: _Tier[J], job: J) -> Key:
        flow = tier.flows[job.flow]
        key = flow.waiting.pop(job.job_id)
        tier.by_model[job.model].remove(key)
        del self._where[job.job_id]
        self._shares.of(job.tier).waiting -= 1
        if len(tier.flows) > tier.prune_at:
            # A flow whose turn has passed is like one never seen; dropped in bulk, it is O(1) a job.
            tier.flows = {n: f for n, f in tier.flows.items() if f.waiting or f.finish > tier.turn}
            tier.prune_at = 64 + 2 * len(tier.flows)
        return key
