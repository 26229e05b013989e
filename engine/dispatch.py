"""Jobs on their way: from the queue to a worker with room, and back with a picture or without one.

What fails at a worker is drawn again: at its old place in the queue, from the same seed, so that it comes out
the same picture.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from engine.backlog import Backlog
from engine.events import Action
from engine.fleet.member import Assignment
from engine.fleet.roster import Roster
from engine.job import Job
from engine.png import as_asked
from engine.request import (
    Cancelled,
    Declined,
    Draining,
    DrawFailed,
    EngineError,
    JobState,
    OutOfMemory,
    Progress,
    TooLarge,
    UnreadableInput,
    Usage,
)
from engine.worker.protocol import WorkerBusy, WorkerLost
from engine.worker.watchdog import NOT_FINITE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.events import Announcer
    from engine.families.plan import Plan
    from engine.fleet.fleet import Fleet
    from engine.fleet.member import Member
    from engine.fleet.settings import FleetSettings
    from engine.inputs import Reader
    from engine.models import Models
    from engine.request import Drawing
    from engine.settings import EngineConfig
    from engine.tickets import Ticket
    from engine.worker.accounting import Clock
    from engine.worker.protocol import Moved


class Dispatcher:
    """Everything that is open, and who holds it.

    `keep` is given each new picture; `read` gives the files that requests come with. `broke` is told why this
    process can draw no more, where only another one could.
    """

    def __init__(
        self,
        fleet: Fleet,
        config: EngineConfig,
        settings: FleetSettings,
        *,
        models: Models,
        clock: Clock,
        says: Announcer,
        keep: Callable[[Drawing], None],
        read: Reader,
        broke: Callable[[str], None],
    ) -> None:
        self.models = models
        self.backlog = Backlog(config, clock=clock, says=says)
        self.queue, self.jobs = self.backlog.queue, self.backlog.jobs
        self.roster = Roster(
            fleet,
            settings,
            clock=clock,
            says=says,
            lost=self._lost,
            ready=self._ready,
            changed=self.jobs.news.touch,
        )
        self.draws: set[asyncio.Task[None]] = set()
        """One for each job that is with a worker."""
        self._settings = settings
        self._clock = clock
        self._says = says
        self._keep = keep
        self._read = read
        self._broke = broke
        self._open = True
        self.paused = False
        """Told to whoever waits: nothing is sent out because somebody said so."""

    def add(self, ticket: Ticket, plan: Plan, *, accepted_before: bool) -> None:
        """Queue what the ticket asks for. Raises QueueFull."""
        request = ticket.request
        if not accepted_before:
            self.queue.check(request.tier, request.flow, at_hand=self.backlog.at_hand.values())
        predictor = self.models.predictor(request.model)
        # The queue counts in seconds of an average day: told as an ETA, they are today's.
        cost_s = predictor.job_s(plan) / predictor.pace
        job = Job(request, plan, self._clock(), cost_s, predictor.profile.name)
        self.backlog.add(job, ticket)
        self.dispatch()

    def progress(self, job_id: str) -> Progress:
        """Where a job stands. O(log n). Raises KeyError for a job not known, or long over."""
        job = self.jobs.job(job_id)
        if job is None:
            return self.jobs.ended(job_id)
        predictor = self.models.predictor(job.request.model)
        left_s, steps = predictor.job_s(job.plan, job.step, encoded=job.step > 0), job.plan.steps
        member = self.roster.holder(job_id)
        if member is not None:
            eta_s = left_s + member.ahead_s(job)
            position = list(self.backlog.at_hand).index(job_id) if job_id in self.backlog.at_hand else 0
            return Progress(job.state, job.step, steps, eta_s, position, job.preview)
        position, ahead_s = self.queue.ahead(job) if job_id in self.queue else (0, 0.0)
        position += len(self.backlog.at_hand)
        ahead_s *= predictor.pace / max(1, len(self.roster.members))
        unmanned = not self.roster.manned(self._clock(), job.request)
        waiting = Progress(job.state, job.step, steps, ahead_s + left_s, position)
        return replace(waiting, unmanned=unmanned, paused=self.paused)

    def cancel(self, job_id: str) -> bool:
        """Stop a job, at its next step boundary. False where it is over, or not known."""
        job = self.jobs.job(job_id)
        if job is None or job.cancelling:
            return False
        job.cancelling = True
        member = self.roster.holder(job_id)
        if member is None:
            self.backlog.end(job, Cancelled("cancelled", self.backlog.unserved(job)))
        else:
            self.roster.ask(member, lambda: member.worker.cancel(job_id))
        return True

    @property
    def queued_s(self) -> float:
        """Predicted device seconds of all that waits."""
        return self.backlog.queued_s * self.models.first.pace

    def pause(self) -> None:
        """Hold, and tell whoever waits."""
        self.paused = True
        self.hold()
        self.jobs.touch_all()

    def hold(self) -> None:
        """Send out nothing, and take back from the workers what they have not begun."""
        self._open = False
        for member in self.roster.members.values():
            for sent in member.assignments.values():
                if sent.job.state is JobState.QUEUED:
                    self.roster.ask(member, partial(member.worker.cancel, sent.job.job_id))

    def resume(self) -> None:
        """Send out jobs again."""
        self._open, self.paused = True, False
        self.dispatch()
        self.jobs.touch_all()

    def _ready(self) -> None:
        """A worker has come, or has room again."""
        for member in self.roster.members.values():
            for drawn in member.card.models:
                self.models.add(drawn.profile)
        self.dispatch()

    def dispatch(self) -> None:
        """Send out what the queue and the workers' rooms allow. Called whenever one of them changed."""
        if not self._open:
            return
        now = self._clock()
        for job in tuple(self.backlog.held_back.values()):
            if (member := self._choose(job, self.queue.due(job), now)) is not None:
                self._send(job, member, now)
        while self._send_one(now):
            pass

    def _send_one(self, now: float) -> bool:
        """The first of the queue that somebody has room for, or that must not keep others waiting."""
        for first in self.queue.heads():
            if (member := self._choose(first, self.queue.due(first), now)) is not None:
                self._send(first, member, now)
                return True
            if any(self._has_room(m, first, now) for m in self.roster.serving(first.request).values()):
                self.backlog.hold_back(first)
                return True
        return False

    def _choose(self, job: Job, due: float, now: float) -> Member | None:
        """The worker, of those that have room, that would have the job drawn first."""
        free = (
            member
            for member in self.roster.serving(job.request).values()
            if member.name not in job.barred and self._has_room(member, job, now, due)
        )
        return min(free, key=lambda member: (member.done_in_s(job), member.name), default=None)

    def _has_room(self, member: Member, job: Job, now: float, due: float | None = None) -> bool:
        return member.has_room(job, self.queue.dues(), self.queue.due(job) if due is None else due, now)

    def _send(self, job: Job, member: Member, now: float) -> None:
        task = asyncio.create_task(self._draw(job, member), name=f"draw {job.job_id}")
        self.draws.add(task)
        task.add_done_callback(self.draws.discard)
        self.backlog.take(job)
        sent_at = math.inf if job.request.inputs else now
        lead_s = self.queue.lead_s(job.tier, {tier for tiers in member.tiers.values() for tier in tiers})
        member.take(Assignment(job, task, sent_at, lead_s, job.cost_s))
        waited_s = self.jobs.waited_s(job)
        self._says.tell(Action.ADMITTED, job.job_id, tier=job.tier, waited_s=waited_s, worker=member.name)
        self.jobs.touch(job)

    async def _draw(self, job: Job, member: Member) -> None:
        """One job at one worker, whatever comes of it."""
        sent = member.assignments[job.job_id]
        request = replace(job.request, waited_s=self.jobs.waited_s(job), model=job.model)
        try:
            await self._send_pictures(sent, member)
            drawing = await member.worker.draw(
                request, lambda moved: self._moved(member, sent, moved), lead_s=sent.lead_s
            )
            drawing = await as_asked(drawing)  # somebody's server makes no file
        except EngineError as error:
            self._failed(member, sent, error)
        except WorkerBusy as busy:
            self._put_off(member, sent, busy)
        except WorkerLost as error:
            self.roster.lose(member, error)
        except Exception as error:  # a transport that breaks is a worker that is lost
            self.roster.lose(member, WorkerLost(f"{type(error).__name__}: {error}"))
        else:
            self._finish(member, sent, drawing)
        self.dispatch()

    async def _send_pictures(self, sent: Assignment, member: Member) -> None:
        """Before its job. Raises UnreadableInput; Cancelled where the job is wanted back meanwhile."""
        job = sent.job
        if not job.request.inputs:
            return
        try:
            await member.send_pictures(job.request, self._read)
        except UnreadableInput as error:
            error.usage = self.backlog.unserved(job)
            raise
        if job.cancelling or not self._open:
            raise Cancelled("cancelled", self.backlog.unserved(job))
        sent.sent_at = self._clock()

    def _moved(self, member: Member, sent: Assignment, moved: Moved) -> None:
        job = sent.job
        if member.assignments.get(job.job_id) is not sent or job.cancelling:
            return
        if moved.state is not job.state and JobState.PAUSED in (moved.state, job.state):
            action = Action.PAUSED if moved.state is JobState.PAUSED else Action.RESUMED
            self._says.tell(action, job.job_id, step=moved.step)
        self.backlog.at_hand.pop(job.job_id, None)
        job.state, job.step, job.preview = moved.state, moved.step, moved.preview or job.preview
        self.backlog.serve(sent, sent.cost_s * moved.step / (job.plan.steps + 1))
        self.jobs.touch(job)

    def _finish(self, member: Member, sent: Assignment, drawing: Drawing) -> None:
        job, usage = sent.job, drawing.usage
        if not member.give_up(sent):
            return
        part, encoded = 1.0, usage.encode_s == 0
        if usage.gpu_s > 0 and not usage.cached:
            own, average = member.predictor(job.model), self.models.predictor(job.model)
            for predictor in (own, average):
                predictor.learn_job(job.plan, usage.gpu_s, encoded=encoded)
            predicted_s = own.job_s(job.plan, encoded=encoded)
            part = usage.gpu_s / predicted_s if predicted_s else 1.0
        # The tier is charged what it really had, in the average worker's seconds on an average day. They are
        # learned first, or the first job on a machine slower than told would pay for all that nobody knew.
        self.backlog.serve(sent, sent.cost_s * part)
        member.done += 1
        member.circuit.succeeded()
        drawing = replace(drawing, request=job.request, usage=self._signed(member, usage))
        self._keep(drawing)
        self.backlog.finish(job, drawing, member.name)

    def _failed(self, member: Member, sent: Assignment, error: EngineError) -> None:
        """A job came back without a picture."""
        job = sent.job
        if not member.give_up(sent):
            return
        error.usage = self._signed(member, error.usage)
        if job.cancelling:
            self.backlog.end(job, Cancelled("cancelled", error.usage))
        elif isinstance(error, Cancelled):
            self.backlog.give_back(sent, "taken back before it was begun")
        elif isinstance(error, Draining):
            self.roster.drain(member)
            self.backlog.give_back(sent, str(error))
        elif isinstance(error, UnreadableInput):
            self.backlog.end(job, error)
        elif isinstance(error, TooLarge | OutOfMemory | Declined):
            member.failed += 1
            job.barred.add(member.name)
            if job.barred >= set(self.roster.serving(job.request)):
                self.backlog.end(job, error)
            else:
                self.backlog.give_back(sent, str(error))
        else:
            member.failed += 1
            job.failures += 1
            if job.failures >= self._settings.tries:
                self.backlog.end(job, error)
            else:
                self.backlog.give_back(sent, str(error))
            if not str(error).startswith(NOT_FINITE):  # the model's fault, wherever it runs
                self.roster.strike(member, job.job_id, str(error))

    def _put_off(self, member: Member, sent: Assignment, busy: WorkerBusy) -> None:
        """A job was not taken; nobody is to blame."""
        job = sent.job
        if not member.give_up(sent):
            return
        member.rests_until = self._clock() + busy.retry_after_s
        if job.cancelling:
            self.backlog.end(job, Cancelled("cancelled", self.backlog.unserved(job)))
        else:
            self.backlog.give_back(sent, str(busy))

    def _lost(self, left: Sequence[Assignment], error: WorkerLost, *, blamed: bool) -> None:
        """A worker is gone, with these. `blamed`: one of them may have been what it died of."""
        reason = str(error)
        for sent in sorted(left, key=lambda sent: sent.job.arrived_at, reverse=True):
            if sent.task is not asyncio.current_task():
                sent.task.cancel()
            job = sent.job
            job.losses += blamed
            if job.cancelling:
                self.backlog.end(job, Cancelled("cancelled", self.backlog.unserved(job)))
            elif job.losses >= self._settings.attempts:
                self.backlog.end(job, DrawFailed(reason, self.backlog.unserved(job)))
            else:
                self.backlog.give_back(sent, reason)
        if not self._settings.replaces:
            self._broke(reason)
        self.dispatch()

    def _signed(self, member: Member, usage: Usage) -> Usage:
        """What it took, and where; a machine with one device need not say."""
        return usage if self._settings.local else replace(usage, worker=member.name, gpu=member.card.gpu)
