"""A worker as the front keeps it: what it holds, how fast it is, how far it is trusted."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.cache import ByteLRU
from engine.fleet.choice import Offer, window
from engine.fleet.circuit import Trust
from engine.predict import Predictor
from engine.snapshot import WorkerSnapshot
from engine.worker.calls import prompts

if TYPE_CHECKING:
    from engine.fleet.circuit import Circuit
    from engine.request import DrawRequest, Usage
    from engine.worker.job import Job
    from engine.worker.protocol import Card, Health, Worker

WARM_PROMPTS = 256
"""Captions a worker is taken to have kept."""


@dataclass(slots=True, eq=False)
class Parcel:
    """A job in a worker's hands."""

    job: Job
    task: asyncio.Task[None]
    sent_at: float
    cost_s: float
    """What it was predicted to need, in the queue's seconds."""
    left_s: float
    """What it still needs, in the worker's."""
    served_s: float = 0.0
    """What the queue was told it had, of `cost_s`."""
    missed: int = 0
    """How often in a row the worker did not name it among its jobs."""


@dataclass(slots=True, eq=False)
class Seat:
    worker: Worker
    card: Card
    circuit: Circuit
    parcels: dict[str, Parcel] = field(default_factory=dict)
    health: Health | None = None
    draining: bool = False
    rests_until: float = -math.inf
    """It asked to be left alone until then."""
    done: int = 0
    failed: int = 0
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where whoever watches the worker should look at once."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it is gone, in peace or not."""
    predictor: Predictor = field(init=False)
    _warm: ByteLRU[str, None] = field(default_factory=lambda: ByteLRU(WARM_PROMPTS))

    def __post_init__(self) -> None:
        self.predictor = Predictor(self.card.profile)

    @property
    def name(self) -> str:
        return self.worker.name

    @property
    def places(self) -> int:
        """Places taken; a job that makes way for another holds none."""
        return sum(not parcel.job.pausing for parcel in self.parcels.values())

    @property
    def load_s(self) -> float:
        return sum(parcel.left_s for parcel in self.parcels.values())

    def window(self, now: float) -> int:
        """How many jobs it may hold."""
        trust = self.circuit.trust(now)
        if self.draining or now < self.rests_until or trust is Trust.ASIDE:
            return 0
        return 1 if trust is Trust.TRIAL else window(self.card.max_active)

    def offer(self, request: DrawRequest) -> Offer:
        return Offer(self.name, self.load_s, self.predictor.job_s(request, encoded=self.knows(request)))

    def knows(self, request: DrawRequest) -> bool:
        """Whether it has most likely kept the captions of this request."""
        return all(prompt in self._warm for prompt in prompts(request))

    def take(self, parcel: Parcel) -> None:
        self.parcels[parcel.job.job_id] = parcel
        for prompt in prompts(parcel.job.request):
            self._warm.put(prompt, None, 1)

    def moved(self, parcel: Parcel) -> None:
        """The parcel's job made a step."""
        job = parcel.job
        parcel.left_s = self.predictor.job_s(job.request, job.step, encoded=job.step > 0)

    def learn(self, request: DrawRequest, usage: Usage) -> None:
        if usage.gpu_s > 0 and not usage.cached:
            self.predictor.learn_job(request, usage.gpu_s, encoded=usage.encode_s == 0)

    def forget_captions(self) -> None:
        self._warm.clear()

    def snapshot(self, now: float) -> WorkerSnapshot:
        state = "drawing" if self.parcels else "idle"
        if self.draining:
            state = "draining"
        elif self.circuit.trust(now) is Trust.ASIDE:
            state = "aside"
        elif now < self.rests_until:
            state = "resting"
        return WorkerSnapshot(
            name=self.name,
            gpu=self.card.gpu,
            state=state,
            window=self.window(now),
            held=len(self.parcels),
            load_s=self.load_s,
            done=self.done,
            failed=self.failed,
            engine=self.health.engine if self.health is not None else None,
            totals=self.health.totals if self.health is not None else None,
        )
