"""The article's A10G, imagined: the real queue, scheduler, memory gate and accounting on its table's times.

Three requests at once take 24.5 s each where one alone takes 18.3 s, so each of k jobs runs slower by
seconds(k) / seconds(1). To stay within a minute, steps go in strides: the scheduler is asked at each
stride's end, where the engine asks at each step's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.simulation import Blank
from engine.events import Phase
from engine.families.registry import load_profile
from engine.fleet.member import has_room, window
from engine.job import Job
from engine.predict import Predictor
from engine.queue import FairQueue
from engine.request import JobState
from engine.shares import Shares
from engine.worker.accounting import Meter
from engine.worker.job import Job as Handed
from engine.worker.memory import MemoryGate
from engine.worker.residency import Held, Residency
from engine.worker.scheduler import Scheduler
from tools.article import A10G_MB, SECONDS_TOGETHER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.request import DrawRequest
    from engine.shares import ShareTerms
    from engine.worker.accounting import Spent, Totals
from engine.worker.scheduler import Work

AT_ONCE = 3
STRIDE = 5
_ALONE_S = float(SECONDS_TOGETHER[1])
SLOWER = {count: float(seconds) / _ALONE_S for count, seconds in SECONDS_TOGETHER.items()}


@dataclass(slots=True)
class _Running:
    work: Work
    left_s: float
    """What is left of it at the speed of a card that does nothing else."""


class Card:
    """Draws what is submitted, in its own time. `drawn` is called with each job's wait, phases and bill."""

    def __init__(
        self,
        tiers: Mapping[str, ShareTerms],
        *,
        started: Callable[[str, float], None],
        drawn: Callable[[str, float, float, Spent], None],
    ) -> None:
        self.now_s = 0.0
        self._profile = load_profile("seed-a10g")
        self._predictor = Predictor(self._profile)
        self.queue: FairQueue[Job] = FairQueue(tiers)
        gate = MemoryGate(self._profile, A10G_MB * 1_000_000)
        self._scheduler = Scheduler(
            Shares(tiers), Residency([Held("", gate, self._predictor)]), max_active=AT_ONCE
        )
        self._meter = Meter(lambda: self.now_s)
        self._running: dict[int, _Running] = {}
        self._jobs: dict[str, Job] = {}
        self._begun: dict[str, float] = {}
        self._serial = 0
        self._started, self._drawn = started, drawn

    def submit(self, request: DrawRequest) -> None:
        """Raises QueueFull as the engine does."""
        self.queue.check(request.tier, request.flow)
        plan = self._profile.plan(request)
        job = Job(request, plan, self.now_s, self._predictor.job_s(plan))
        self._jobs[job.job_id] = job
        self.queue.push(job)

    def cancel(self, job_id: str) -> Spent | None:
        """Take a waiting job out; None where it has begun."""
        job = self._jobs.get(job_id)
        if job is None or job_id not in self.queue:
            return None
        self.queue.remove(job)
        del self._jobs[job_id]
        return self._meter.close(job_id)

    def totals(self) -> Totals:
        return self._meter.totals()

    def run_until(self, until_s: float) -> None:
        """Work on until then."""
        while True:
            self._dispatch()
            if not self._running:
                self.now_s = until_s
                return
            slower = SLOWER[len(self._running)]
            first_s = min(running.left_s for running in self._running.values()) * slower
            step_s = min(first_s, until_s - self.now_s)
            self.now_s += step_s
            for running in self._running.values():
                running.left_s -= step_s / slower
            if step_s < first_s:
                self.now_s = until_s
                return
            for key in [key for key, running in self._running.items() if running.left_s <= 1e-9]:
                self._come_back(key)

    def drain(self) -> None:
        """Work until nothing is left."""
        while self._jobs:
            self.run_until(self.now_s + 60)

    def _dispatch(self) -> None:
        if len(self._running) == AT_ONCE:
            return
        self._hand_over()
        for work in self._scheduler.pick(AT_ONCE - len(self._running)):
            self._scheduler.begin(work)
            for job in work.jobs:
                if job.job_id not in self._begun:
                    self._begun[job.job_id] = self.now_s
                    self._started(job.job_id, self.now_s)
            self._serial += 1
            self._meter.begin(self._serial, work.phase, {job.job_id: job.tokens for job in work.jobs})
            self._running[self._serial] = _Running(work, self._duration_s(work))

    def _hand_over(self) -> None:
        """As the front does, to its only worker."""
        while (job := self.queue.peek()) is not None:
            held = Counter(other.tier for other in self._scheduler.jobs.values())
            if not has_room(window(AT_ONCE), held, job.tier, self.queue.dues(), self.queue.due(job)):
                return
            self.queue.take(job)
            handed = Handed(job.request, job.plan, job.arrived_at)
            self._scheduler.add(handed, self.queue.lead_s(job.tier, held))

    def _come_back(self, key: int) -> None:
        work = self._running.pop(key).work
        billed = self._meter.end(key)
        for job in work.jobs:
            job.in_flight = False
            self._scheduler.served(job, billed[job.job_id])
            self.queue.served(self._jobs[job.job_id], billed[job.job_id])
            if work.phase is Phase.DENOISE:
                job.step += min(STRIDE, job.steps_left) - 1
            job.canvas = job.canvas or Blank(job.need)
            self._scheduler.done(work.phase, job)
            if job.state is JobState.DONE:
                self._finish(self._jobs.pop(job.job_id))

    def _finish(self, job: Job) -> None:
        self.queue.leave(job)
        waited_s = self._begun.pop(job.job_id) - job.arrived_at
        self._drawn(job.job_id, self.now_s, waited_s, self._meter.close(job.job_id))

    def _duration_s(self, work: Work) -> float:
        job = work.jobs[0]
        if work.phase is Phase.ENCODE:
            return self._predictor.encode_s(job.need.captions)
        if work.phase is Phase.DECODE:
            return self._predictor.decode_s(job.pixels)
        steps = min(STRIDE, job.steps_left)
        return sum(steps * self._predictor.step_s(j.pixels, j.need.captions) for j in work.jobs)
