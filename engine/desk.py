"""The open jobs, their tickets, and how a job ends: once, with a drawing or an error, its account closed."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from engine.request import Draining, Drawing, EngineError, JobState, Progress, Usage

if TYPE_CHECKING:
    from engine.ticket import Ticket
    from engine.worker.accounting import Clock, Spent
    from engine.worker.job import Job

REMEMBERED = 1024
"""How many jobs that are over can still be asked about."""


class Accounts(Protocol):
    """What each open job took so far."""

    def spent(self, job_id: str) -> Spent: ...

    def close(self, job_id: str) -> Spent:
        """The job is over; its account is forgotten."""


class Desk:
    """All jobs that are not over, and the end of the last ones that are."""

    def __init__(self, meter: Accounts, clock: Clock) -> None:
        self._meter = meter
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._tickets: dict[str, Ticket] = {}
        self._over: OrderedDict[str, Progress] = OrderedDict()

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def open(self, job: Job, ticket: Ticket) -> None:
        self._jobs[job.job_id] = job
        self._tickets[job.job_id] = ticket
        job.waiting_since = job.submitted_at

    def job(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def ended(self, job_id: str) -> Progress:
        """How a job ended. Raises KeyError for one not known, or long over."""
        return self._over[job_id]

    def touch(self, job: Job) -> None:
        """Tell whoever follows the job that it moved."""
        self._tickets[job.job_id].touch()

    def usage(self, job: Job, *, billable: bool = False) -> Usage:
        """What the job took so far. Only a picture that was handed out is billable."""
        spent = self._meter.spent(job.job_id)
        since = job.waiting_since
        waited_s = job.waited_s + (self._clock() - since if since is not None else 0.0)
        return Usage(
            queue_s=job.request.waited_s + waited_s,
            encode_s=spent.encode_s,
            denoise_s=spent.denoise_s,
            decode_s=spent.decode_s,
            gpu_s=spent.gpu_s,
            energy_j=spent.energy_j,
            billable=billable,
        )

    def close(self, job: Job, outcome: Drawing | EngineError, state: JobState) -> None:
        """The job is over: its ticket is settled, its account closed, its tensors let go."""
        job.state = state
        job.captions, job.canvas, job.preview = (), None, None
        self._meter.close(job.job_id)
        del self._jobs[job.job_id]
        ticket = self._tickets.pop(job.job_id)
        ticket.settle(outcome, self._note(job.job_id, state, job.step, job.request.steps))

    def answer(self, ticket: Ticket, drawing: Drawing) -> None:
        """Settle a ticket that never was a job."""
        steps = ticket.request.steps
        ticket.settle(drawing, self._note(ticket.job_id, JobState.DONE, steps, steps))

    def let_go(self, why: str) -> tuple[str, ...]:
        """Hand every open job back. Returns their ids, oldest first."""
        left = sorted(self._jobs.values(), key=lambda job: job.arrived_at)
        for job in left:
            self.close(job, Draining(why, self.usage(job)), JobState.QUEUED)
        return tuple(job.job_id for job in left)

    def _note(self, job_id: str, state: JobState, step: int, steps: int) -> Progress:
        last = self._over[job_id] = Progress(state, step, steps, 0.0)
        while len(self._over) > REMEMBERED:
            self._over.popitem(last=False)
        return last
