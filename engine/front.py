"""The front: the only engine the bot knows. It owns the queue, the tickets and the results.

Jobs wait in the fair queue and go, one by one, to workers with room: a step loop in this process or in one of
its own, Ray's, somebody's servers. What fails at a worker is drawn again: at its old place in the queue, from
the same seed, so that it comes out the same picture.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from engine.cache import Pictures
from engine.events import Action, Announcer, LogObserver
from engine.families.profile import Profile
from engine.fleet.autoscale import Autoscaler
from engine.fleet.choice import choose
from engine.fleet.member import Assignment
from engine.fleet.roster import Roster
from engine.fleet.settings import FleetSettings
from engine.job import Job
from engine.predict import Predictor
from engine.queue import FairQueue
from engine.request import (
    Cancelled,
    Declined,
    Draining,
    DrawFailed,
    EngineError,
    JobState,
    ModelLost,
    OutOfMemory,
    Progress,
    TooLarge,
    Usage,
)
from engine.settings import EngineConfig
from engine.snapshot import EngineSnapshot
from engine.tickets import OpenJobs, Ticket
from engine.worker.protocol import WorkerBusy, WorkerLost
from engine.worker.watchdog import NOT_FINITE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.events import Observer
    from engine.fleet.fleet import Fleet
    from engine.fleet.member import Member
    from engine.request import Drawing, DrawRequest
    from engine.worker.accounting import Clock
    from engine.worker.protocol import Moved

SCALE_EVERY_S = 1.0


class Front:
    """Has jobs drawn by a fleet's workers. `start`, `submit`, `stop`; all on one event loop."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        profile: Profile | None = None,
        config: EngineConfig | None = None,
        settings: FleetSettings | None = None,
        clock: Clock = time.monotonic,
        observers: Sequence[Observer] = (),
    ) -> None:
        config, settings = config or EngineConfig(), settings or FleetSettings()
        self._settings = settings
        self._profile = profile or Profile("")
        self._clock = clock
        self._says = Announcer([LogObserver(), *observers])
        self._predictor = Predictor(self._profile)
        """Seconds of a worker as they are on average. A machine's only worker brings its own profile."""
        self._queue: FairQueue[Job] = FairQueue(config.lanes, max_waiting=config.max_waiting)
        self._jobs = OpenJobs(clock)
        self._pictures = Pictures(config.result_cache_bytes)
        self._roster = Roster(
            fleet, settings, clock=clock, says=self._says, lost=self._lost, ready=self._dispatch
        )
        self._next: dict[str, Job] = {}
        """Jobs that workers have at hand and have not begun, in order."""
        self._held_back: dict[str, Job] = {}
        """Jobs whose turn has come, and that only a worker without room would draw."""
        self._autoscaler = Autoscaler(settings.scale)
        self._draws: set[asyncio.Task[None]] = set()
        self._scaling: asyncio.Task[None] | None = None
        self._stopped: asyncio.Future[None] | None = None
        self._admitting = True
        self._draining = False

    # The outside

    @property
    def profile(self) -> Profile:
        """What is known of the model."""
        return self._profile

    async def start(self) -> None:
        """Begin to look for workers. A machine with one worker waits until that can draw.

        Elsewhere jobs wait until one has come. Raises ModelLost where this machine's cannot start.
        """
        self._stopped = asyncio.get_running_loop().create_future()
        self._stopped.add_done_callback(lambda stopped: stopped.exception())
        self._roster.start()
        if self._settings.local:
            try:
                self._adopt(await self._roster.first)
            except BaseException:
                await self._roster.stop()
                raise
        self._scaling = asyncio.create_task(self._scale(), name="autoscaler")
        self._says.tell(Action.STARTED, model=self._profile.name)

    def _adopt(self, profile: Profile) -> None:
        """The only worker says what it draws with, and how fast."""
        self._profile, self._predictor = profile, Predictor(profile)

    async def stop(self, drain_timeout_s: float = 30.0) -> tuple[str, ...]:
        """Let what is being drawn finish within the time given. Returns the ids still open, oldest first.

        The tickets of those raise Draining: they were accepted, and the next process is to be given them.
        Cancelling it ends the wait for what is being drawn, and nothing else.
        """
        self._draining = True
        self._withdraw()
        try:
            if self._draws:
                await asyncio.wait(self._draws, timeout=drain_timeout_s)
        finally:
            left = self._jobs.let_go("the engine is shutting down")
            tasks = [*self._draws, *([self._scaling] if self._scaling is not None else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._roster.stop()
            if self._stopped is not None and not self._stopped.done():
                self._stopped.set_result(None)
            self._says.tell(Action.STOPPED, left=len(left))
        return left

    async def wait(self) -> None:
        """Return when it has stopped; raise what it broke on, if it broke."""
        if self._stopped is not None:
            await asyncio.wait([self._stopped, self._roster.hiring], return_when=asyncio.FIRST_COMPLETED)
            (self._stopped if self._stopped.done() else self._roster.hiring).result()

    async def __aenter__(self) -> Front:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(0.0)

    def submit(self, request: DrawRequest, *, accepted_before: bool = False) -> Ticket:
        """Queue a job. Raises QueueFull, TooLarge, Draining; ValueError for what no model could draw.

        `accepted_before`: taken on by an earlier life of the process; the backlog caps let it pass.
        """
        if self._draining:
            raise Draining("the engine is shutting down")
        if request.job_id in self._jobs:
            raise ValueError(f"job {request.job_id} is here already")
        if not self._profile.fits_grid(request.width, request.height) or request.steps < 1:
            raise ValueError(f"{request.width}x{request.height} in {request.steps} steps cannot be drawn")
        if not self._roster.fits(request):
            raise TooLarge(f"{request.width}x{request.height} does not fit the memory budget")
        ticket = Ticket(request, self)
        if (drawing := self._pictures.again(request)) is not None:
            self._jobs.answer(ticket, drawing)
            self._says.tell(Action.DONE, request.job_id, cached=True)
            return ticket
        if not accepted_before:
            self._queue.check(request.lane, request.flow, at_hand=self._next.values())
        # The queue counts in seconds of an average day: told as an ETA, they are today's.
        job = Job(request, self._clock(), self._predictor.job_s(request) / self._predictor.pace)
        self._jobs.open(job, ticket)
        self._queue.push(job)
        self._says.tell(Action.SUBMITTED, job.job_id, lane=request.lane)
        self._dispatch()
        return ticket

    def progress(self, job_id: str) -> Progress:
        """Where a job stands. O(log n). Raises KeyError for a job not known, or long over."""
        job = self._jobs.job(job_id)
        if job is None:
            return self._jobs.ended(job_id)
        left_s = self._predictor.job_s(job.request, job.step, encoded=job.step > 0)
        member = self._roster.holder(job_id)
        if member is not None:
            eta_s = left_s + member.ahead_s(job)
            position = list(self._next).index(job_id) if job_id in self._next else 0
            return Progress(job.state, job.step, job.request.steps, eta_s, position, job.preview)
        position, ahead_s = self._queue.ahead(job) if job_id in self._queue else (0, 0.0)
        position += len(self._next)
        ahead_s *= self._predictor.pace / max(1, len(self._roster.members))
        unmanned = not self._roster.manned(self._clock())
        return Progress(job.state, job.step, job.request.steps, ahead_s + left_s, position, unmanned=unmanned)

    def cancel(self, job_id: str) -> bool:
        """Stop a job, at its next step boundary. False where it is over, or not known."""
        job = self._jobs.job(job_id)
        if job is None or job.cancelling:
            return False
        job.cancelling = True
        member = self._roster.holder(job_id)
        if member is None:
            self._end(job, Cancelled("cancelled", self._unserved(job)))
        else:
            self._roster.ask(member, lambda: member.worker.cancel(job_id))
        return True

    def clear_caches(self) -> None:
        """Forget every kept caption and picture, here and on each worker."""
        self._pictures.clear()
        for member in self._roster.members.values():
            member.forget_captions()
            self._roster.ask(member, member.worker.clear_caches)

    def pause_admission(self) -> None:
        """Take jobs into the queue, but start none; those that were begun go on."""
        self._admitting = False
        self._withdraw()

    def resume_admission(self) -> None:
        """Start jobs again."""
        self._admitting = True
        self._dispatch()

    async def drain(self, worker: str) -> None:
        """Send this worker no more; return when it has finished what it holds and left.

        Raises KeyError where there is none of that name.
        """
        member = self._roster.members[worker]
        self._roster.drain(member)
        self._dispatch()
        await member.left.wait()

    def snapshot(self) -> EngineSnapshot:
        """The front and its workers at this moment; O(n) in waiting jobs."""
        now, counts = self._clock(), self._says.counts
        workers = tuple(member.snapshot(now) for member in self._roster.members.values())
        return EngineSnapshot(
            model=self._profile.name,
            waiting=self._queue.depths(),
            oldest_wait_by_lane_s=self._queue.longest_waits(now),
            queued_s=sum(job.cost_s for job in self._queue.waiting()) * self._predictor.pace,
            active=sum(worker.held for worker in workers),
            cap=sum(worker.window for worker in workers),
            done=counts[Action.DONE],
            failed=counts[Action.FAILED],
            cancelled=counts[Action.CANCELLED],
            result_hits=self._pictures.hits,
            admission_paused=not self._admitting,
            draining=self._draining,
            loaded=self._roster.manned(now),
            totals=self._roster.totals(),
            device=workers[0].device if self._settings.local and workers else None,
            workers=workers,
            clustered=not self._settings.local,
        )

    # Jobs to workers and back

    def _dispatch(self) -> None:
        """Send out what the queue and the workers' rooms allow. Called whenever one of them changed."""
        if not self._admitting or self._draining:
            return
        now = self._clock()
        for job in tuple(self._held_back.values()):
            if (member := self._choose(job, self._queue.due(job), now)) is not None:
                del self._held_back[job.job_id]
                self._send(job, member, now)
        while (first := self._queue.peek()) is not None:
            member = self._choose(first, self._queue.due(first), now)
            if member is not None:
                self._queue.take(first)
                self._send(first, member, now)
            elif first.barred and any(self._has_room(m, first, now) for m in self._roster.members.values()):
                self._queue.take(first)
                self._held_back[first.job_id] = first  # those behind it need not wait for what it waits for
            else:
                return

    def _choose(self, job: Job, due: float, now: float) -> Member | None:
        """The worker, of those that have room, that would have the job drawn first."""
        members = self._roster.members
        chosen = choose(
            member.offer(job.request)
            for member in members.values()
            if member.name not in job.barred and self._has_room(member, job, now, due)
        )
        return None if chosen is None else members[chosen.worker]

    def _has_room(self, member: Member, job: Job, now: float, due: float | None = None) -> bool:
        return member.has_room(job, self._queue.dues(), self._queue.due(job) if due is None else due, now)

    def _send(self, job: Job, member: Member, now: float) -> None:
        task = asyncio.create_task(self._draw(job, member), name=f"draw {job.job_id}")
        self._draws.add(task)
        task.add_done_callback(self._draws.discard)
        member.take(Assignment(job, task, now, self._queue.lead_s(job.lane, member.lanes), job.cost_s))
        self._next[job.job_id] = job
        waited_s = self._jobs.waited_s(job)
        self._says.tell(Action.ADMITTED, job.job_id, lane=job.lane, waited_s=waited_s, worker=member.name)
        self._jobs.touch(job)

    async def _draw(self, job: Job, member: Member) -> None:
        """One job at one worker, whatever comes of it."""
        sent = member.assignments[job.job_id]
        request = replace(job.request, waited_s=self._jobs.waited_s(job))
        try:
            drawing = await member.worker.draw(
                request, lambda moved: self._moved(member, sent, moved), lead_s=sent.lead_s
            )
        except EngineError as error:
            self._failed(member, sent, error)
        except WorkerBusy as busy:
            self._put_off(member, sent, busy)
        except WorkerLost as error:
            self._roster.lose(member, error)
        except Exception as error:  # a transport that breaks is a worker that is lost
            self._roster.lose(member, WorkerLost(f"{type(error).__name__}: {error}"))
        else:
            self._finish(member, sent, drawing)
        self._dispatch()

    def _moved(self, member: Member, sent: Assignment, moved: Moved) -> None:
        job = sent.job
        if member.assignments.get(job.job_id) is not sent or job.cancelling:
            return
        if moved.state is not job.state and JobState.PAUSED in (moved.state, job.state):
            action = Action.PAUSED if moved.state is JobState.PAUSED else Action.RESUMED
            self._says.tell(action, job.job_id, step=moved.step)
        self._next.pop(job.job_id, None)
        job.state, job.step, job.preview = moved.state, moved.step, moved.preview or job.preview
        self._serve(sent, sent.cost_s * moved.step / (job.request.steps + 1))
        self._jobs.touch(job)

    def _serve(self, sent: Assignment, served_s: float) -> None:
        """The queue hears how much a job has had, in all."""
        self._queue.served(sent.job, served_s - sent.served_s)
        sent.served_s = served_s

    def _finish(self, member: Member, sent: Assignment, drawing: Drawing) -> None:
        job, usage = sent.job, drawing.usage
        predicted_s = member.predictor.job_s(job.request, encoded=usage.encode_s == 0)
        if not member.give_up(sent):
            return
        # The lane is charged what it really had, in the seconds of the average worker.
        drawn = usage.gpu_s > 0 and not usage.cached
        self._serve(sent, sent.cost_s * usage.gpu_s / predicted_s if drawn and predicted_s else sent.cost_s)
        member.done += 1
        member.circuit.succeeded()
        if drawn:
            member.predictor.learn_job(job.request, usage.gpu_s, encoded=usage.encode_s == 0)
            self._predictor.learn_job(job.request, usage.gpu_s, encoded=usage.encode_s == 0)
        drawing = replace(drawing, request=job.request, usage=self._signed(member, usage))
        self._pictures.keep(drawing)
        self._next.pop(job.job_id, None)
        self._queue.leave(job)
        self._says.tell(Action.DONE, job.job_id, gpu_s=usage.gpu_s, queue_s=usage.queue_s, worker=member.name)
        self._jobs.close(job, drawing, JobState.DONE)

    def _failed(self, member: Member, sent: Assignment, error: EngineError) -> None:
        """A job came back without a picture."""
        job = sent.job
        if not member.give_up(sent):
            return
        error.usage = self._signed(member, error.usage)
        if job.cancelling:
            self._end(job, error if isinstance(error, Cancelled) else Cancelled("cancelled", error.usage))
        elif isinstance(error, Cancelled):
            self._again(sent, "taken back before it was begun")
        elif isinstance(error, Draining):
            self._roster.drain(member)
            self._again(sent, str(error))
        elif isinstance(error, TooLarge | OutOfMemory | Declined):
            member.failed += 1
            job.barred.add(member.name)
            if job.barred >= set(self._roster.members):
                self._end(job, error)
            else:
                self._again(sent, str(error))
        else:
            member.failed += 1
            job.failures += 1
            if job.failures >= self._settings.tries:
                self._end(job, error)
            else:
                self._again(sent, str(error))
            if not str(error).startswith(NOT_FINITE):  # the model's fault, wherever it runs
                self._roster.strike(member, job.job_id, str(error))

    def _put_off(self, member: Member, sent: Assignment, busy: WorkerBusy) -> None:
        """A job was not taken; nobody is to blame."""
        job = sent.job
        if not member.give_up(sent):
            return
        member.rests_until = self._clock() + busy.retry_after_s
        if job.cancelling:
            self._end(job, Cancelled("cancelled", self._unserved(job)))
        else:
            self._again(sent, str(busy))

    def _lost(self, left: Sequence[Assignment], error: WorkerLost, *, blamed: bool) -> None:
        """A worker is gone, with these. `blamed`: one of them may have been what it died of."""
        reason = str(error)
        for sent in sorted(left, key=lambda sent: sent.job.arrived_at, reverse=True):
            if sent.task is not asyncio.current_task():
                sent.task.cancel()
            job = sent.job
            job.losses += blamed
            if job.cancelling:
                self._end(job, Cancelled("cancelled", self._unserved(job)))
            elif job.losses >= self._settings.attempts:
                self._end(job, DrawFailed(reason, self._unserved(job)))
            else:
                self._again(sent, reason)
        if not self._settings.replaces and self._stopped is not None and not self._stopped.done():
            # Only a new process can draw again: it is given every job that is open.
            self._draining = True
            self._jobs.let_go("the engine broke")
            self._says.tell(Action.CRASHED, reason=reason)
            self._stopped.set_exception(ModelLost(reason))
        self._dispatch()

    def _again(self, sent: Assignment, reason: str) -> None:
        """Back to its old place in the queue, to be drawn from the start; it has been waiting all along."""
        job = sent.job
        self._queue.served(job, -sent.served_s)
        job.reset()
        self._next.pop(job.job_id, None)
        self._queue.give_back(job)
        self._says.tell(Action.REQUEUED, job.job_id, reason=reason)
        self._jobs.touch(job)

    def _withdraw(self) -> None:
        """Take back from the workers what they have not begun."""
        for member in self._roster.members.values():
            for sent in member.assignments.values():
                if sent.job.state is JobState.QUEUED:
                    self._roster.ask(member, partial(member.worker.cancel, sent.job.job_id))

    def _end(self, job: Job, error: EngineError) -> None:
        """The job ends without a picture."""
        self._next.pop(job.job_id, None)
        if self._held_back.pop(job.job_id, None) is None and job.job_id in self._queue:
            self._queue.remove(job)
        else:
            self._queue.leave(job)
        cancelled = isinstance(error, Cancelled)
        action = Action.CANCELLED if cancelled else Action.FAILED
        trace = "\n".join(getattr(error, "__notes__", ()))
        fields = {"trace": trace} if trace else {}
        self._says.tell(action, job.job_id, reason=str(error), gpu_s=error.usage.gpu_s, **fields)
        self._jobs.close(job, error, JobState.CANCELLED if cancelled else JobState.FAILED)

    def _unserved(self, job: Job) -> Usage:
        """What a job took that no worker tells of."""
        return Usage(queue_s=self._jobs.waited_s(job), billable=False)

    def _signed(self, member: Member, usage: Usage) -> Usage:
        """What it took, and where; a machine with one device need not say."""
        return usage if self._settings.local else replace(usage, worker=member.name, gpu=member.card.gpu)

    # How many workers

    async def _scale(self) -> None:
        """Once in a while: as many workers as the work at hand asks for, and a word where there is none."""
        while True:
            waiting_s = sum(job.cost_s for job in self._queue.waiting()) * self._predictor.pace
            wanted = self._autoscaler.decide(self._clock(), waiting_s + self._roster.load_s)
            self._roster.want(wanted)
            self._roster.look_for_hands(waiting=len(self._queue))
            await asyncio.sleep(SCALE_EVERY_S)
