"""A worker as the front keeps it: what it holds, how fast it is, how far it is trusted."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.cache import ByteLRU
from engine.fleet.circuit import Trust
from engine.predict import Predictor
from engine.request import JobState
from engine.snapshot import WorkerSnapshot, WorkerState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.families.plan import Plan
    from engine.fleet.circuit import Circuit
    from engine.inputs import Reader
    from engine.job import Job
    from engine.request import DrawRequest
    from engine.worker.protocol import Card, Worker

WARM_PROMPTS = 256
"""Captions a worker is taken to have kept."""
SPARE = 1
"""Jobs a worker holds beyond those it draws: while a result travels, it has the next one at hand. With more,
who goes where would be settled too early.
"""
SWITCH_S = 3.0
"""What bringing another model to a device is taken for before it was seen."""


def window(max_active: int) -> int:
    """How many jobs a worker may hold at a time."""
    return max_active + SPARE


def has_room(window: int, held: Mapping[str, int], tier: str, dues: Mapping[str, float], due: float) -> bool:
    """Whether a worker that holds so many jobs of each tier takes one more of `tier`, due at `due`.

    Tiers that are due later do not count: the newcomer would step first, and theirs would pause. `dues`: when
    all that each of the held tiers has admitted will be over, in virtual time.
    """
    before = sum(count for other, count in held.items() if other == tier or dues[other] <= due)
    return before < window


@dataclass(slots=True, eq=False)
class Assignment:
    """A job in a worker's hands."""

    job: Job
    task: asyncio.Task[None]
    sent_at: float
    """Infinity while its pictures are on their way, and itself not yet."""
    lead_s: float
    """How far its tier was ahead of those it meets there, in the queue's virtual time."""
    cost_s: float
    """What it was predicted to need, in the queue's seconds."""
    served_s: float = 0.0
    """What the queue was told it had, of `cost_s`."""
    missed: int = 0
    """How often in a row the worker did not name it among its jobs."""


@dataclass(slots=True, eq=False)
class Member:
    worker: Worker
    card: Card
    circuit: Circuit
    assignments: dict[str, Assignment] = field(default_factory=dict)
    tiers: dict[str, Counter[str]] = field(default_factory=dict)
    """By model, how many jobs of each tier it holds."""
    draining: bool = False
    rests_until: float = -math.inf
    """It asked to be left alone until then."""
    done: int = 0
    failed: int = 0
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where whoever watches the worker should look at once."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it is gone, in peace or not."""
    predictors: dict[str, Predictor] = field(init=False)
    """By model."""
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    _warm: ByteLRU[str, None] = field(default_factory=lambda: ByteLRU(WARM_PROMPTS))

    def __post_init__(self) -> None:
        self.predictors = {drawn.profile.name: Predictor(drawn.profile) for drawn in self.card.models}

    @property
    def name(self) -> str:
        return self.worker.name

    @property
    def load_s(self) -> float:
        """Predicted device seconds of all it holds."""
        return sum(self._left_s(assignment.job) for assignment in self.assignments.values())

    def ahead_s(self, job: Job) -> float:
        """Predicted seconds until it is through with what it does before this job, or beside it."""
        held = [assignment.job for assignment in self.assignments.values()]
        stepping = [other for other in held if other.step and other.state is JobState.RUNNING]
        if job in stepping:
            return self._left_s(job) * (len(stepping) - 1)
        before = {id(other): other for other in [*stepping, *held[: held.index(job)]]}
        return sum(self._left_s(other) for other in before.values())

    def window(self, now: float) -> int:
        """How many jobs it may hold, those aside that others overtake."""
        trust = self.circuit.trust(now)
        if self.draining or now < self.rests_until or trust is Trust.ASIDE:
            return 0
        return 1 if trust is Trust.TRIAL else window(self.card.max_active)

    def has_room(self, job: Job, dues: Mapping[str, float], due: float, now: float) -> bool:
        """Whether it takes this job, due at `due`; `dues` by tier.

        A model that is not on its device has room of its own: what waits for it keeps none of another out.
        """
        mates = self._there if job.model in self._there else {job.model}
        held = sum((self.tiers.get(model, Counter()) for model in mates), Counter[str]())
        return job.job_id not in self.assignments and has_room(self.window(now), held, job.tier, dues, due)

    @property
    def _there(self) -> set[str]:
        """Its models that are on the device, as far as it tells."""
        device = self.worker.snapshot() if len(self.card.models) > 1 else None
        if device is None:
            return set(self.predictors)
        return {told.name for told in device.models if told.is_there}

    def predictor(self, model: str) -> Predictor:
        """The first one, where no model is named."""
        return self.predictors.get(model) or next(iter(self.predictors.values()))

    def done_in_s(self, job: Job) -> float:
        """Predicted seconds until it would have drawn this job, behind all that it holds.

        A caption that it has kept makes that less: so affinity breaks ties.
        """
        job_s = self.predictor(job.model).job_s(job.plan, encoded=self.knows(job.plan))
        return self.load_s + self._switch_s(job.model) + job_s

    def _switch_s(self, model: str) -> float:
        """What it takes until this model is on its device, about as long as at other times."""
        if model in self._there or (device := self.worker.snapshot()) is None:
            return 0.0
        return device.switch_s / device.switches if device.switches else SWITCH_S

    def knows(self, plan: Plan) -> bool:
        """Whether it has most likely kept the captions of these texts."""
        return all(text in self._warm for text in plan.texts)

    async def send_pictures(self, request: DrawRequest, read: Reader) -> None:
        """Have the worker keep those that come with a request, each once, however many jobs share it.

        It says itself what it lacks, since it may have dropped some. Raises what `read` and the worker raise.
        """
        digests = tuple(dict.fromkeys(picture.digest for picture in request.inputs))
        async with self._sending:  # the images of one request are sent out together
            if missing := await self.worker.missing(digests):
                await self.worker.keep({digest: await read(digest) for digest in missing})

    def take(self, assignment: Assignment) -> None:
        job = assignment.job
        self.assignments[job.job_id] = assignment
        self.tiers.setdefault(job.model, Counter())[job.tier] += 1
        for text in job.plan.texts:
            self._warm.put(text, None, 1)

    def give_up(self, assignment: Assignment) -> bool:
        """The job is no longer with it. False where it was not any more."""
        job = assignment.job
        if self.assignments.get(job.job_id) is not assignment:
            return False
        del self.assignments[job.job_id]
        self.tiers[job.model] -= Counter([job.tier])  # keeps positive counts only
        return True

    def forget_captions(self) -> None:
        self._warm.clear()

    def _left_s(self, job: Job) -> float:
        return self.predictor(job.model).job_s(job.plan, job.step, encoded=job.step > 0)

    def snapshot(self, now: float) -> WorkerSnapshot:
        state = WorkerState.DRAWING if self.assignments else WorkerState.IDLE
        if self.draining:
            state = WorkerState.DRAINING
        elif self.circuit.trust(now) is Trust.ASIDE:
            state = WorkerState.ASIDE
        elif now < self.rests_until:
            state = WorkerState.RESTING
        return WorkerSnapshot(
            name=self.name,
            gpu=self.card.gpu,
            state=state,
            window=self.window(now),
            held=len(self.assignments),
            load_s=self.load_s,
            done=self.done,
            failed=self.failed,
            device=self.worker.snapshot(),
        )
