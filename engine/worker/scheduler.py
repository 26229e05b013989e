"""Who holds a place, who gives one up, and who steps next. Pure: no torch, no await, times handed in.

At each step boundary the engine asks twice: `admit` moves jobs between the queue and the active set, `pick`
puts what is ready into pieces of work for the workers that are free. A job in a worker's hands is never
touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.events import Phase
from engine.request import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Set

    from engine.predict import Predictor
    from engine.queue import FairQueue
    from engine.worker.job import Job, ShapeKey
    from engine.worker.memory import Need


@dataclass(frozen=True, slots=True)
class Work:
    """One call of the model: a forward for several jobs of one shape, or an encode or decode for one."""

    phase: Phase
    jobs: tuple[Job, ...]
    threads: int = 1
    """CPU cores it may use."""

    @property
    def kind(self) -> tuple[object, ...]:
        """What its time depends on."""
        captions = sum(job.request.captions for job in self.jobs)
        return self.phase, *self.jobs[0].shape, captions, self.threads


@dataclass(frozen=True, slots=True)
class Changes:
    """What `admit` did."""

    admitted: tuple[Job, ...]
    paused: tuple[Job, ...]


class Gate(Protocol):
    """Whether a job may join those that are active, beside the places there are."""

    def admits(self, need: Need, active: Iterable[Need], available_bytes: int | None = None) -> bool: ...


class Scheduler:
    MIN_BATCH_GAIN = 1.05
    """A shared forward that gains less than this only makes everybody in it wait for the slowest."""

    def __init__(
        self,
        queue: FairQueue[Job],
        gate: Gate,
        predictor: Predictor,
        *,
        max_active: int = 3,
        available_bytes: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.queue = queue
        self.gate = gate
        self.predictor = predictor
        self.max_active = max_active
        self.cap = max_active
        """Places in use at most; below max_active for a while after an out-of-memory."""
        self.active: dict[str, Job] = {}
        self.decoding: dict[str, Job] = {}
        self._available_bytes = available_bytes

    def __len__(self) -> int:
        """Jobs that hold a place or are being decoded."""
        return len(self.active) + len(self.decoding)

    def admit(self, now: float) -> Changes:
        """Fill the free places from the queue; take back places that were only borrowed."""
        admitted: list[Job] = []
        paused: list[Job] = []
        while (job := self.queue.peek()) is not None:
            if self._place_for(job):
                self._admit(job, now)
                admitted.append(job)
                continue
            victim = self._victim(job)
            if victim is None:
                break
            paused.append(victim)
            victim.pausing = True
            if not victim.in_flight:
                self.park(victim, now)
        return Changes(tuple(admitted), tuple(paused))

    def pick(self, lanes: int, *, decoder: bool, apart: bool = True) -> list[Work]:
        """Work for `lanes` free workers, and for the decoder where that is free.

        `apart`: the decoder is a worker of its own; otherwise a decode takes one of the lanes.
        """
        alone = next((job for job in self._jobs() if job.alone), None)
        if alone is not None:
            return self._pick_alone(alone)
        work: list[Work] = []
        if decoder and self.decoding:
            job = next(iter(self.decoding.values()))
            if not job.in_flight:
                work.append(Work(Phase.DECODE, (job,)))
                lanes -= not apart
        ready = [job for job in self.active.values() if not job.in_flight and not job.pausing]
        fresh = [job for job in ready if job.state is JobState.ENCODING][:lanes]
        work.extend(Work(Phase.ENCODE, (job,)) for job in fresh)
        lanes -= len(fresh)
        groups = self._groups([job for job in ready if job.state is JobState.RUNNING], lanes)
        work.extend(Work(Phase.DENOISE, group) for group in groups[:lanes])
        return work

    def park(self, job: Job, now: float) -> None:
        """The job leaves its place and waits with what it has."""
        del self.active[job.job_id]
        job.pausing = False
        job.state = JobState.PAUSED if job.captions else JobState.QUEUED
        job.waiting_since = now
        job.cost_s = self.predictor.job_s(job.request, job.step, encoded=bool(job.captions))
        self.queue.give_back(job)

    def finish_steps(self, job: Job) -> None:
        """The last step is done: the place is free, the picture waits for the decoder."""
        del self.active[job.job_id]
        self.decoding[job.job_id] = job
        job.pausing = False
        job.state = JobState.DECODING

    def drop(self, job: Job) -> None:
        """The job is over, wherever it stands."""
        if job.job_id in self.queue:
            self.queue.remove(job)
        else:
            self.active.pop(job.job_id, None)
            self.decoding.pop(job.job_id, None)
            self.queue.leave(job)

    def _jobs(self) -> Iterator[Job]:
        yield from self.active.values()
        yield from self.decoding.values()

    def _admit(self, job: Job, now: float) -> None:
        pausing = any(other.pausing and other.lane != job.lane for other in self.active.values())
        job.borrowed = not (pausing or self.queue.contested(job))
        self.queue.take(job)
        self.active[job.job_id] = job
        job.state = JobState.RUNNING if job.captions else JobState.ENCODING
        if job.waiting_since is not None:
            job.waited_s += now - job.waiting_since
            job.waiting_since = None

    def _place_for(self, job: Job, *, without: Set[str] = frozenset()) -> bool:
        if len(self.active) >= self.cap:
            leaving = sum(held.pausing or held.job_id in without for held in self.active.values())
            if len(self.active) - leaving >= self.cap:
                return False
        needs = (held.need for held in self._jobs() if held.job_id not in without)
        return self.gate.admits(job.need, needs, self._available_bytes())

    def _victim(self, job: Job) -> Job | None:
        """The borrowed place to take back for `job`: of a lane ahead of its share, the job with most to do.

        It is taken only where `job` would, in virtual time, be over sooner. A place won while others waited
        is within its lane's share and is kept to the end, so no two jobs push each other out by turns.
        """
        borrowed = [held for held in self.active.values() if held.borrowed and _reclaimable(held)]
        if not borrowed:
            return None
        leaving = {held.job_id for held in self.active.values() if held.pausing}
        if self._place_for(job, without=leaving):
            return None  # enough are on their way out; their memory is not free yet
        if not self._place_for(job, without=leaving | {held.job_id for held in borrowed}):
            return None
        due = self.queue.due(job)
        some = {held.lane: held for held in borrowed}
        dues = {lane: self.queue.due(held) for lane, held in some.items()}  # all of a lane are due at once
        ahead = [(dues[held.lane], held.steps_left, held) for held in borrowed if dues[held.lane] > due]
        return max(ahead, key=lambda entry: entry[:2])[2] if ahead else None

    def _pick_alone(self, job: Job) -> list[Work]:
        """Wait until every worker is free, then this job has the device to itself."""
        if any(other.in_flight for other in self._jobs()):
            return []
        phase = {JobState.ENCODING: Phase.ENCODE, JobState.DECODING: Phase.DECODE}.get(
            job.state, Phase.DENOISE
        )
        return [Work(phase, (job,))]

    def _groups(self, ready: list[Job], lanes: int) -> list[tuple[Job, ...]]:
        """Jobs of one shape together; enough groups for every free worker.

        First the lane that is due first, in virtual time; within a lane, who was left waiting longest.
        """
        by_shape: dict[ShapeKey, list[Job]] = {}
        for job in ready:
            by_shape.setdefault(job.shape, []).append(job)
        groups: list[list[Job]] = []
        for jobs in by_shape.values():
            if self.predictor.profile.batch_gain.at(jobs[0].pixels) < self.MIN_BATCH_GAIN:
                groups.extend([job] for job in jobs)
            else:
                size = min(job.max_group for job in jobs)
                groups.extend(jobs[i : i + size] for i in range(0, len(jobs), size))
        while len(groups) < lanes and groups and len(widest := max(groups, key=len)) > 1:
            half = (len(widest) + 1) // 2
            groups.remove(widest)
            groups += [widest[:half], widest[half:]]
        groups.sort(key=lambda group: min((self.queue.due(job), job.stepped_at) for job in group))
        return [tuple(group) for group in groups]


def _reclaimable(held: Job) -> bool:
    last_step = held.steps_left <= 1  # the place is free in a moment anyway
    return not (held.pausing or held.cancelling or last_step)
