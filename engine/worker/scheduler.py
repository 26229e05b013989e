"""Which calls of the model come next. Pure: no torch, no await, no clock.

Nothing holds a place: a paused picture is a few megabytes of latents. At each step boundary the tier that is
due first steps, in virtual time, and in it the job with the fewest steps left; others of the same key join
its forward where that gains. Whoever is overtaken goes on later from where it was. A job in a thread's hands
is never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.events import Phase
from engine.request import JobState

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.request import Adapter
    from engine.shares import Shares
    from engine.worker.job import Job
    from engine.worker.residency import Residency


@dataclass(frozen=True, slots=True)
class Work:
    """One call of the model: a forward for several jobs of one key, or another call for one."""

    phase: Phase
    jobs: tuple[Job, ...]
    threads: int = 1
    """CPU cores it may use."""

    @property
    def kind(self) -> tuple[object, ...]:
        """What its time depends on."""
        captions = sum(job.need.captions for job in self.jobs)
        first = self.jobs[0]
        pixels = first.pixels if self.phase is Phase.DENOISE else first.picture_pixels
        enlarged = self.phase is Phase.BEGIN and first.enlarged
        return self.phase, pixels, first.key, captions, self.threads, enlarged


SWITCH_S = 10.0
"""Jobs that came within so many seconds of each other may change places for the sake of their LoRAs."""


def next_phase(job: Job) -> Phase:
    """The call that is next for a job; that it is in, while it is in flight."""
    if job.state is JobState.DECODING:
        return Phase.DECODE
    if job.canvas is not None:
        return Phase.DENOISE
    return Phase.ENCODE if job.captions is None else Phase.BEGIN


class Scheduler:
    """The worker's jobs, and what is done next for them."""

    MIN_BATCH_GAIN = 1.05
    """A shared forward that gains less than this only makes everybody in it wait for the slowest."""

    def __init__(
        self,
        shares: Shares,
        models: Residency,
        *,
        max_active: int = 3,
        available_bytes: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.shares = shares
        self.models = models
        self.max_active = max_active
        self.cap = max_active
        """Jobs in progress at most; below max_active for a while after an out-of-memory."""
        self.jobs: dict[str, Job] = {}
        self._available_bytes = available_bytes
        self._adapters: tuple[Adapter, ...] = ()
        """Those of the last step."""

    def __len__(self) -> int:
        return len(self.jobs)

    def add(self, job: Job, lead_s: float = 0.0) -> None:
        """A job came from the front, whose tier is so far ahead of the others here."""
        self.shares.wake(job.tier, lead_s)
        self.shares.admit(job.tier, job.job_id, self.models.of(job).predictor.job_s(job.plan))
        self.jobs[job.job_id] = job

    def begin(self, work: Work) -> None:
        """A thread takes it."""
        self.models.use(self.models.of(work.jobs[0]))
        for job in work.jobs:
            job.in_flight = True
            if work.phase in (Phase.ENCODE, Phase.BEGIN):
                job.state = JobState.ENCODING
        if work.phase is Phase.DENOISE:
            self._adapters = work.jobs[0].request.adapters

    def served(self, job: Job, seconds: float) -> None:
        """The job had so much of the device."""
        self.shares.served(job.tier, job.job_id, seconds)

    def done(self, phase: Phase, job: Job) -> None:
        """A call for this job came back well."""
        if phase in (Phase.ENCODE, Phase.BEGIN):
            job.state = JobState.QUEUED if job.canvas is None else JobState.RUNNING
        elif phase is Phase.DENOISE:
            job.step += 1
            job.state = JobState.RUNNING if job.steps_left else JobState.DECODING
        else:
            job.state = JobState.DONE
            self.drop(job)

    def drop(self, job: Job) -> None:
        """The job is over, wherever it stands."""
        if self.jobs.pop(job.job_id, None) is not None:
            self.shares.leave(job.tier, job.job_id)

    def in_progress(self) -> list[Job]:
        """The jobs that may be worked on now: those due first, and all that only lack their decode."""
        dues = {tier: self.shares.due(tier) for tier in {job.tier for job in self.jobs.values()}}

        def turn(job: Job) -> tuple[object, ...]:
            switches = job.request.adapters != self._adapters
            return dues[job.tier], job.steps_left, job.arrived_at // SWITCH_S, switches, job.arrived_at

        order = sorted(filter(self.models.is_resident, self.jobs.values()), key=turn)
        if order and not self._is_slow(order[0]):  # nor may such a job join the others' forward
            order = [job for job in order if not self._is_slow(job) or job.state is JobState.DECODING]
        decoding = [job for job in order if job.state is JobState.DECODING]
        return decoding + [job for job in order if job.state is not JobState.DECODING][: self.cap]

    def _is_slow(self, job: Job) -> bool:
        """Whether its tier has the device only while no other has work, and now and then besides."""
        return self.shares.of(job.tier).terms.jobs_an_hour is not None

    def pick(self, threads: int) -> list[Work]:
        """Calls for so many free `threads`."""
        near = self.in_progress()
        self._settle_states(near)
        alone = next((job for job in near if job.alone), None)
        if alone is not None:
            return self._pick_alone(alone)
        ready = [job for job in near if not job.in_flight]
        decoding = [job for job in near if job.state is JobState.DECODING]
        calls = []
        if decoding and not any(job.in_flight for job in decoding):  # the model decodes one at a time
            calls.append(Work(Phase.DECODE, (decoding[0],)))
        calls += self._to_encode(ready)
        running = self._of_one_set([job for job in ready if job.state is JobState.RUNNING])
        calls += [Work(Phase.DENOISE, group) for group in self._groups(running, threads - len(calls))]
        return self._that_fit(calls[:threads])

    def _to_encode(self, ready: list[Job]) -> list[Work]:
        """Pictures one by one, and prompts.

        Where the encoder has to come for prompts, it does once nothing else is due, and then for all.
        """
        begins = [Work(Phase.BEGIN, (job,)) for job in ready if next_phase(job) is Phase.BEGIN]
        queued = [job for job in ready if next_phase(job) is Phase.ENCODE]
        if not queued or not self.models.of(queued[0]).gate.encoder_visits:
            return begins + [Work(Phase.ENCODE, (job,)) for job in queued]
        if ready[0] is not queued[0]:
            return begins
        group = [queued[0]]
        for job in self.jobs.values():
            waits = job.state is JobState.QUEUED and next_phase(job) is Phase.ENCODE
            if waits and job is not queued[0] and self._has_place(job, group):
                group.append(job)
        return [*begins, Work(Phase.ENCODE, tuple(group))]

    def _of_one_set(self, running: list[Job]) -> list[Job]:
        """Those that may step now: the model has one set of LoRAs at a time, that of whom is due first."""
        steps = [job for job in self.jobs.values() if job.in_flight and job.state is JobState.RUNNING]
        if not running or any(job.request.adapters != running[0].request.adapters for job in steps):
            return []
        return [job for job in running if job.request.adapters == running[0].request.adapters]

    def _settle_states(self, near: list[Job]) -> None:
        """Whoever was overtaken is paused; whose turn it is goes on."""
        turn = {job.job_id for job in near}
        for job in self.jobs.values():
            if job.in_flight or job.state is JobState.DECODING:
                continue
            if job.canvas is None:
                job.state = JobState.QUEUED
            else:
                job.state = JobState.RUNNING if job.job_id in turn else JobState.PAUSED

    def _that_fit(self, calls: list[Work]) -> list[Work]:
        """Those for which there is memory beside the calls that run; a group is cut to what fits.

        Where a call has to wait for others to come back, those due later wait behind it.
        """
        taken = [(next_phase(job), job) for job in self.jobs.values() if job.in_flight]
        available_bytes = self._available_bytes()
        fitting: list[Work] = []
        for call in calls:
            jobs: list[Job] = []
            if call.phase is Phase.ENCODE:  # prompt after prompt
                if self.models.fits([*taken, (call.phase, call.jobs[0])], available_bytes):
                    taken.append((call.phase, call.jobs[0]))
                    fitting.append(call)
                elif taken:
                    break
                continue
            for job in call.jobs:
                if self.models.fits([*taken, (call.phase, job)], available_bytes):
                    taken.append((call.phase, job))
                    jobs.append(job)
            if jobs:
                fitting.append(Work(call.phase, tuple(jobs)))
            elif taken:
                break
        return fitting

    def _pick_alone(self, job: Job) -> list[Work]:
        """Wait until every thread is free, then this job has the device to itself."""
        if any(other.in_flight for other in self.jobs.values()):
            return []
        return [Work(next_phase(job), (job,))]

    def _groups(self, ready: list[Job], threads: int) -> list[tuple[Job, ...]]:
        """Jobs of one key together, who is due first in front; enough groups for every free thread."""
        groups: list[list[Job]] = []
        for job in ready:
            group = next((g for g in groups if self._joins(job, g)), None)
            if group is None:
                groups.append([job])
            else:
                group.append(job)
        while len(groups) < threads and groups and len(widest := max(groups, key=len)) > 1:
            half = (len(widest) + 1) // 2
            at = groups.index(widest)
            groups[at : at + 1] = [widest[:half], widest[half:]]
        return [tuple(group) for group in groups]

    def _joins(self, job: Job, group: list[Job]) -> bool:
        return (
            job.key == group[0].key
            and self._has_place(job, group)
            and self.models.of(job).predictor.profile.batch_gain.at(job.pixels) >= self.MIN_BATCH_GAIN
        )

    def _has_place(self, job: Job, group: list[Job]) -> bool:
        """Whether it may share a call with these."""
        room = min(job.max_group, *(mate.max_group for mate in group))
        return self.models.of(job) is self.models.of(group[0]) and len(group) < room
