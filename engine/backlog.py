"""Jobs that are open: in the queue, at hand with a worker, or being drawn; and how they leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.events import Action
from engine.queue import FairQueue
from engine.request import Cancelled, JobState, Usage
from engine.tickets import OpenJobs

if TYPE_CHECKING:
    from engine.events import Announcer
    from engine.fleet.member import Assignment
    from engine.job import Job
    from engine.request import Drawing, EngineError
    from engine.settings import EngineConfig
    from engine.tickets import Ticket
    from engine.worker.accounting import Clock


class Backlog:
    """Each job is in the queue or taken out of it; the queue hears what those who are out have had."""

    def __init__(self, config: EngineConfig, *, clock: Clock, says: Announcer) -> None:
        self.queue: FairQueue[Job] = FairQueue(config.tiers, max_waiting=config.max_waiting)
        self.jobs = OpenJobs(clock)
        self.at_hand: dict[str, Job] = {}
        """Jobs that workers have and have not begun, in order."""
        self.held_back: dict[str, Job] = {}
        """Jobs whose turn has come, and that only a worker without room would draw."""
        self._says = says

    @property
    def queued_s(self) -> float:
        """Predicted device seconds of all that waits, on an average day."""
        return sum(job.cost_s for job in self.queue.waiting())

    def add(self, job: Job, ticket: Ticket) -> None:
        self.jobs.open(job, ticket)
        self.queue.push(job)
        self._says.tell(Action.SUBMITTED, job.job_id, tier=job.tier)

    def hold_back(self, job: Job) -> None:
        """Those behind it need not wait for what it waits for."""
        self.queue.take(job)
        self.held_back[job.job_id] = job

    def take(self, job: Job) -> None:
        """A worker is given it."""
        if self.held_back.pop(job.job_id, None) is None:
            self.queue.take(job)
        self.at_hand[job.job_id] = job

    def serve(self, sent: Assignment, served_s: float) -> None:
        """The queue hears how much a job has had, in all."""
        self.queue.served(sent.job, served_s - sent.served_s)
        sent.served_s = served_s

    def give_back(self, sent: Assignment, reason: str) -> None:
        """Back to its old place in the queue, to be drawn from the start; it has been waiting all along."""
        job = sent.job
        self.queue.served(job, -sent.served_s)
        job.reset()
        self.at_hand.pop(job.job_id, None)
        self.queue.give_back(job)
        self._says.tell(Action.REQUEUED, job.job_id, reason=reason)
        self.jobs.touch(job)

    def finish(self, job: Job, drawing: Drawing, worker: str) -> None:
        """Here is its picture."""
        usage = drawing.usage
        self.at_hand.pop(job.job_id, None)
        self.queue.leave(job)
        self._says.tell(Action.DONE, job.job_id, gpu_s=usage.gpu_s, queue_s=usage.queue_s, worker=worker)
        self.jobs.close(job, drawing, JobState.DONE)

    def end(self, job: Job, error: EngineError) -> None:
        """The job ends without a picture."""
        self.at_hand.pop(job.job_id, None)
        if self.held_back.pop(job.job_id, None) is None and job.job_id in self.queue:
            self.queue.remove(job)
        else:
            self.queue.leave(job)
        cancelled = isinstance(error, Cancelled)
        action = Action.CANCELLED if cancelled else Action.FAILED
        trace = "\n".join(getattr(error, "__notes__", ()))
        fields = {"trace": trace} if trace else {}
        self._says.tell(action, job.job_id, reason=str(error), gpu_s=error.usage.gpu_s, **fields)
        self.jobs.close(job, error, JobState.CANCELLED if cancelled else JobState.FAILED)

    def unserved(self, job: Job) -> Usage:
        """What a job took that no worker tells of."""
        return Usage(queue_s=self.jobs.waited_s(job), billable=False)
