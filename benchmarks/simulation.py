"""The same arrivals on another card: a discrete-event simulation with the real queue, scheduler and gate.

Only the device is imagined: its step, encode and decode times are the profile's. For planning (which card,
which weights), and for testing what takes hours on a clock.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.events import Phase
from engine.families.model import Place
from engine.fleet.member import has_room, window
from engine.job import Job
from engine.predict import Predictor
from engine.queue import FairQueue
from engine.request import JobState
from engine.shares import Shares
from engine.worker.job import Job as Handed
from engine.worker.memory import ENCODER, MemoryGate, Mode
from engine.worker.residency import Held, Residency
from engine.worker.scheduler import Scheduler, Work

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.families.plan import Need
    from engine.families.profile import Profile
    from engine.request import DrawRequest
    from engine.shares import ShareTerms


@dataclass(frozen=True, slots=True)
class Blank:
    """A canvas on which nothing is drawn; those of one need share a forward."""

    key: Need
    step: int = 0
    tokens: int = 1


@dataclass(frozen=True, slots=True)
class Arrival:
    at_s: float
    request: DrawRequest


@dataclass(slots=True)
class Story:
    """What became of one request. Seconds from the simulation's start; None: it did not come to that."""

    request: DrawRequest
    arrived_s: float
    started_s: float | None = None
    """First denoising step."""
    finished_s: float | None = None
    gpu_s: float = 0.0
    pauses: int = 0

    @property
    def took_s(self) -> float:
        """From arrival to picture; infinite where there is none."""
        return float("inf") if self.finished_s is None else self.finished_s - self.arrived_s


@dataclass(slots=True)
class Outcome:
    stories: dict[str, Story]
    ended_s: float = 0.0
    busy_s: float = 0.0
    switches: int = 0
    switch_s: float = 0.0
    """Bringing other models to the device."""
    gpu_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Device seconds by tier."""


def simulate(
    arrivals: Iterable[Arrival],
    profile: Profile,
    *,
    tiers: Mapping[str, ShareTerms],
    max_active: int = 3,
    budget_bytes: int = 1 << 60,
    mode: Mode = Mode.HIGH,
    cores: int = 1,
    until_s: float = float("inf"),
) -> Outcome:
    """Draw all arrivals on one imagined device, or as much as it can by `until_s`.

    `cores` work side by side, each at the profile's speed; a GPU is one. Raises ValueError for a request that
    would not fit the budget: the engine would have refused it.
    """
    held = Held("", MemoryGate(profile, budget_bytes, mode), Predictor(profile))
    return Device(Residency([held]), tiers, max_active=max_active, cores=cores).run(arrivals, until_s)


class Device:
    """Draws with one model or several.

    `bytes_per_s`: how fast weights come to it from main memory. `in_order`: job after job as the queue has
    them, whichever model each needs.
    """

    def __init__(
        self,
        models: Residency,
        tiers: Mapping[str, ShareTerms],
        *,
        max_active: int = 3,
        cores: int = 1,
        bytes_per_s: float = float("inf"),
        in_order: bool = False,
    ) -> None:
        self._models = models
        self._queue: FairQueue[Job] = FairQueue(tiers)
        self._scheduler = Scheduler(Shares(tiers), models, max_active=max_active)
        self._window = window(max_active)
        self._bytes_per_s = bytes_per_s
        self._in_order = in_order
        self._free_at = 0.0
        """A model is on its way until then."""
        self._handed_over: dict[str, Job] = {}
        self._now = 0.0
        self._cores = cores
        self._working: list[tuple[float, int, Work]] = []
        """A heap by the time each ends."""
        self._serial = 0
        self._outcome = Outcome({})

    def run(self, arrivals: Iterable[Arrival], until_s: float) -> Outcome:
        coming = [(arrival.at_s, n, arrival.request) for n, arrival in enumerate(arrivals)]
        heapq.heapify(coming)
        while True:
            while coming and coming[0][0] <= self._now:
                self._arrive(heapq.heappop(coming)[2])
            self._hand_over()
            if self._now >= self._free_at and not self._switch():
                self._start()
            nexts = [coming[0][0]] if coming else []
            nexts += [self._free_at] if self._free_at > self._now else []
            nexts += [self._working[0][0]] if self._working else []
            if not nexts or min(nexts) > until_s:
                self._outcome.ended_s = min(self._now, until_s)
                return self._outcome
            self._now = min(nexts)
            while self._working and self._now >= self._working[0][0]:
                self._come_back(heapq.heappop(self._working)[2])

    def _arrive(self, request: DrawRequest) -> None:
        held = self._models.named(request.model)
        plan = held.predictor.profile.plan(request)
        if not held.gate.ever_fits(plan.need):
            raise ValueError(f"{plan.need} does not fit {held.gate.budget_bytes} bytes")
        self._outcome.stories[request.job_id] = Story(request, self._now)
        self._queue.push(Job(request, plan, self._now, held.predictor.job_s(plan), held.name))

    def _room_for(self, job: Job) -> bool:
        jobs = self._scheduler.jobs.values()
        if self._in_order:
            return not jobs
        there = {held.name for held in self._models.resident}
        mates = there if job.model in there else {job.model}
        held = Counter(other.tier for other in jobs if self._models.of(other).name in mates)
        return has_room(self._window, held, job.tier, self._queue.dues(), self._queue.due(job))

    def _hand_over(self) -> None:
        """As the front does, to its only worker."""
        while (job := next(filter(self._room_for, self._queue.heads()), None)) is not None:
            self._queue.take(job)
            self._handed_over[job.job_id] = job
            handed = Handed(job.request, job.plan, job.arrived_at)
            tiers = {other.tier for other in self._scheduler.jobs.values()}
            self._scheduler.add(handed, self._queue.lead_s(job.tier, tiers))

    def _switch(self) -> bool:
        """As the step loop does: whether another model is due, once nothing is in flight."""
        coming = self._models.due(self._scheduler.jobs.values(), self._now)
        if coming is None:
            return False
        if not self._working:
            for leaving in self._models.leaving(coming):
                leaving.place, leaving.left_at = Place.HOST, self._now
            there = {part for held in self._models.resident for part in held.parts}
            nbytes = sum(size for part, size in coming.parts.items() if part not in there)
            coming.place = Place.DEVICE
            self._models.use(coming)
            self._outcome.switches += 1
            self._outcome.switch_s += nbytes / self._bytes_per_s
            self._free_at = self._now + nbytes / self._bytes_per_s
        return True

    def _start(self) -> None:
        paused = {job.job_id for job in self._scheduler.jobs.values() if job.state is JobState.PAUSED}
        for work in self._scheduler.pick(self._cores - len(self._working)):
            self._scheduler.begin(work)
            for job in work.jobs:
                story = self._outcome.stories[job.job_id]
                if work.phase is Phase.DENOISE and story.started_s is None:
                    story.started_s = self._now
            self._serial += 1
            heapq.heappush(self._working, (self._now + self._duration_s(work), self._serial, work))
        for job in self._scheduler.jobs.values():
            if job.state is JobState.PAUSED and job.step and job.job_id not in paused:
                self._outcome.stories[job.job_id].pauses += 1

    def _come_back(self, work: Work) -> None:
        spent_s = self._duration_s(work)
        self._outcome.busy_s += spent_s
        for job in work.jobs:
            story, waiting = self._outcome.stories[job.job_id], self._handed_over[job.job_id]
            story.gpu_s += spent_s / len(work.jobs)
            self._outcome.gpu_s[waiting.tier] += spent_s / len(work.jobs)
            self._queue.served(waiting, spent_s / len(work.jobs))
            self._scheduler.served(job, spent_s / len(work.jobs))
            job.in_flight = False
            job.canvas = job.canvas or Blank(job.need)
            self._scheduler.done(work.phase, job)
            if job.state is JobState.DONE:
                self._queue.leave(self._handed_over.pop(job.job_id))
                story.finished_s = self._now

    def _duration_s(self, work: Work) -> float:
        first = work.jobs[0]
        held = self._models.of(first)
        predictor, profile = held.predictor, held.predictor.profile
        if work.phase is Phase.ENCODE:
            visit = profile.weights_bytes.get(ENCODER, 0) if held.gate.encoder_visits else 0
            encode_s = sum(predictor.encode_s(job.need.captions) for job in work.jobs)
            return encode_s + visit / self._bytes_per_s
        if work.phase is Phase.DECODE:
            return predictor.decode_s(first.pixels)
        gain = profile.batch_gain.at(first.pixels) if len(work.jobs) > 1 else 1.0
        return sum(predictor.step_s(j.pixels, j.need.captions) for j in work.jobs) / max(1.0, gain)
