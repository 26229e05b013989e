"""The fair queue, in two levels: lanes share the device by weight, flows inside a lane take turns.

Pure: no clock, no torch, no await. Costs are predicted device seconds.

Between lanes it is weighted fair queueing. A lane's virtual time advances by seconds served / weight; what
its admitted jobs still owe counts as if served. The lane whose next job would be finished first, in virtual
time, is next. A lane that comes back from doing nothing starts where the busy ones are: idleness earns no
credit.

Inside a lane it is start-time fair queueing: a job gets its tag when it arrives, the flow's last tag plus
that job's seconds, so ten jobs of one flow stand behind each other and the first job of another flow slips
in after one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from engine.ordertree import Key, OrderTree
from engine.request import QueueFull

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class LaneTerms:
    """What a lane may claim.

    `weight` counts against the other lanes that have work. `share`, where given, takes the weight's place:
    this part (0 < share < 1) of the device goes to the lane while any lane without one has work, whatever
    their weights.
    """

    weight: float = 1.0
    share: float | None = None
    max_waiting_per_flow: int | None = None

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ValueError(f"a lane's weight must be positive, not {self.weight}")
        if self.share is not None and not 0 < self.share < 1:
            raise ValueError(f"a lane's share must lie between 0 and 1, not {self.share}")


class Claim(Protocol):
    """What the queue needs to know of a job. `cost_s` is what it still needs, in predicted device seconds."""

    @property
    def job_id(self) -> str: ...
    @property
    def lane(self) -> str: ...
    @property
    def flow(self) -> str: ...
    @property
    def cost_s(self) -> float: ...
    @property
    def arrived_at(self) -> float: ...


J = TypeVar("J", bound=Claim)


@dataclass(slots=True)
class _Flow:
    finish: float = 0.0
    """Tag at which the flow's last job ends, in the lane's seconds."""
    waiting: dict[str, Key] = field(default_factory=dict)


class _Lane(Generic[J]):
    def __init__(self, terms: LaneTerms) -> None:
        self.terms = terms
        self.waiting: OrderTree[J] = OrderTree()
        self.flows: dict[str, _Flow] = {}
        self.turn = 0.0
        """Tag of the job taken last."""
        self.attained = 0.0
        """Virtual time: seconds served / weight."""
        self.owed: dict[str, float] = {}
        """What each admitted job still needs, in seconds."""
        self.tags: dict[str, Key] = {}
        """Tags of the admitted jobs, for their way back."""
        self.prune_at = 64

    @property
    def busy(self) -> bool:
        return bool(self.waiting) or bool(self.owed)


class FairQueue(Generic[J]):
    """Waiting jobs in two levels. Every operation is O(log n); lanes are few."""

    def __init__(self, lanes: Mapping[str, LaneTerms], *, max_waiting: int | None = None) -> None:
        self._lanes: dict[str, _Lane[J]] = {name: _Lane(terms) for name, terms in lanes.items()}
        self._max_waiting = max_waiting
        self._floor = 0.0
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
        """Waiting jobs by lane."""
        return {name: len(lane.waiting) for name, lane in self._lanes.items()}

    def longest_waits(self, now: float) -> dict[str, float]:
        """Seconds by lane that has one waiting; O(n)."""
        longest: dict[str, float] = {}
        for job in self._where.values():
            longest[job.lane] = max(longest.get(job.lane, 0.0), now - job.arrived_at)
        return longest

    def check(self, lane: str, flow: str, count: int = 1) -> None:
        """Raise QueueFull where `count` more jobs of this flow would pass a cap."""
        if self._max_waiting is not None and len(self) + count > self._max_waiting:
            raise QueueFull(flow=False, limit=self._max_waiting)
        home = self._lane(lane)
        cap = home.terms.max_waiting_per_flow
        held = home.flows.get(flow)
        if cap is not None and (len(held.waiting) if held else 0) + count > cap:
            raise QueueFull(flow=True, limit=cap)

    def push(self, job: J) -> None:
        """A new job joins the end of its flow."""
        lane = self._lane(job.lane)
        self._wake(lane)
        flow = lane.flows.setdefault(job.flow, _Flow())
        start = max(lane.turn, flow.finish)
        self._serial += 1
        self._insert(lane, flow, job, (start, job.arrived_at, self._serial))
        flow.finish = start + job.cost_s

    def peek(self) -> J | None:
        """The job that is next, still waiting."""
        best: tuple[float, float] | None = None
        chosen: J | None = None
        for lane in self._lanes.values():
            head = lane.waiting.first()
            if head is None:
                continue
            rank = (self._start(lane) + head.cost_s / self._weight(lane), head.arrived_at)
            if best is None or rank < best:
                best, chosen = rank, head
        return chosen

    def take(self, job: J) -> None:
        """The waiting job is admitted: what it needs counts as its lane's from now on."""
        lane = self._lane(job.lane)
        key = self._pull(lane, job)
        lane.turn = max(lane.turn, key[0])
        lane.owed[job.job_id] = job.cost_s
        lane.tags[job.job_id] = key

    def served(self, job: J, seconds: float) -> None:
        """An admitted job was given `seconds` of the device."""
        lane = self._lane(job.lane)
        lane.attained += seconds / self._weight(lane)
        if job.job_id in lane.owed:
            lane.owed[job.job_id] = max(0.0, lane.owed[job.job_id] - seconds)
        self._raise_floor()

    def give_back(self, job: J) -> None:
        """An admitted job goes back to its old place, first of its flow, with what it still needs."""
        lane = self._lane(job.lane)
        lane.owed.pop(job.job_id)
        flow = lane.flows.setdefault(job.flow, _Flow())
        self._insert(lane, flow, job, lane.tags.pop(job.job_id))

    def leave(self, job: J) -> None:
        """An admitted job is over, whether it used all it was predicted to need or not."""
        lane = self._lane(job.lane)
        lane.owed.pop(job.job_id, None)
        lane.tags.pop(job.job_id, None)
        self._raise_floor()

    def remove(self, job: J) -> None:
        """A waiting job goes. Those behind it in its flow move up: nobody pays for a turn not taken."""
        lane = self._lane(job.lane)
        flow = lane.flows[job.flow]
        behind = False
        gone = flow.waiting[job.job_id]
        start = gone[0]
        self._pull(lane, job)
        for job_id, key in sorted(
            flow.waiting.items(), key=lambda held: held[1]
        ):  # as many as the cap allows
            behind = behind or key > gone
            if behind:
                mate = lane.waiting.remove(key)
                moved = (max(lane.turn, start), key[1], key[2])
                flow.waiting[job_id] = moved
                lane.waiting.add(moved, mate, mate.cost_s)
                start = moved[0] + mate.cost_s
        flow.finish = start
        self._raise_floor()

    def due(self, job: J) -> float:
        """Virtual time at which this job, and all that its lane has admitted, will be over."""
        lane = self._lane(job.lane)
        more = 0.0 if job.job_id in lane.owed else job.cost_s
        return self._start(lane) + more / self._weight(lane)

    def contested(self, job: J) -> bool:
        """True where another lane has a job waiting."""
        return any(lane.waiting and name != job.lane for name, lane in self._lanes.items())

    def ahead(self, job: J) -> tuple[int, float]:
        """Waiting jobs predicted to start earlier, and the seconds they and the admitted ones need."""
        home = self._lane(job.lane)
        key = home.flows[job.flow].waiting[job.job_id]
        count, cost = home.waiting.before(key)
        due = self._start(home) + (cost + job.cost_s) / self._weight(home)
        for lane in self._lanes.values():
            if lane is not home and lane.waiting:
                others, seconds = lane.waiting.within((due - self._start(lane)) * self._weight(lane))
                count += others
                cost += seconds
        return count, cost + sum(sum(lane.owed.values()) for lane in self._lanes.values())

    def _lane(self, name: str) -> _Lane[J]:
        if name not in self._lanes:
            self._lanes[name] = _Lane(LaneTerms())
        return self._lanes[name]

    def _start(self, lane: _Lane[J]) -> float:
        return lane.attained + sum(lane.owed.values()) / self._weight(lane)

    def _weight(self, lane: _Lane[J]) -> float:
        if lane.terms.share is None:
            return lane.terms.weight
        others = [o for o in self._lanes.values() if o.terms.share is None]
        rivals = sum(o.terms.weight for o in others if o.busy) or sum(o.terms.weight for o in others) or 1.0
        return rivals * lane.terms.share / (1 - lane.terms.share)

    def _wake(self, lane: _Lane[J]) -> None:
        if not lane.busy:
            self._raise_floor()
            lane.attained = max(lane.attained, self._floor)

    def _raise_floor(self) -> None:
        busy = [lane.attained for lane in self._lanes.values() if lane.busy]
        reached = min(busy) if busy else max((lane.attained for lane in self._lanes.values()), default=0.0)
        self._floor = max(self._floor, reached)

    def _insert(self, lane: _Lane[J], flow: _Flow, job: J, key: Key) -> None:
        flow.waiting[job.job_id] = key
        lane.waiting.add(key, job, job.cost_s)
        self._where[job.job_id] = job

    def _pull(self, lane: _Lane[J], job: J) -> Key:
        flow = lane.flows[job.flow]
        key = flow.waiting.pop(job.job_id)
        lane.waiting.remove(key)
        del self._where[job.job_id]
        if len(lane.flows) > lane.prune_at:
            # A flow whose turn has passed is like one never seen; dropped in bulk, it is O(1) a job.
            lane.flows = {n: f for n, f in lane.flows.items() if f.waiting or f.finish > lane.turn}
            lane.prune_at = 64 + 2 * len(lane.flows)
        return key
