"""The engine's front where drawing happens elsewhere: our queue before many workers.

It does what `Engine` does for its callers, with the same queue, the same scheduler and the same desk. A place
is a worker's, a step is taken somewhere else, and what fails there is drawn again: at its old place in the
queue, from the same seed, so that it comes out the same picture.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.cache import Pictures
from engine.desk import Desk
from engine.events import Action, Announcer
from engine.fleet.autoscale import Autoscaler
from engine.fleet.choice import choose
from engine.fleet.roster import Roster
from engine.fleet.seat import Parcel
from engine.fleet.settings import ClusterSettings
from engine.predict import Predictor
from engine.queue import FairQueue
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
)
from engine.settings import EngineConfig
from engine.snapshot import EngineSnapshot
from engine.ticket import Ticket
from engine.worker.accounting import Spent
from engine.worker.job import Job
from engine.worker.memory import Mode
from engine.worker.protocol import WorkerBusy, WorkerLost
from engine.worker.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.events import Observer
    from engine.families.profile import Profile
    from engine.fleet.seat import Seat
    from engine.request import Drawing, DrawRequest, Usage
    from engine.worker.accounting import Clock
    from engine.worker.memory import Need
    from engine.worker.protocol import Fleet, Moved

SCALE_EVERY_S = 1.0


class OpenGate:
    """Memory is each worker's own affair."""

    def admits(self, need: Need, active: Iterable[Need], available_bytes: int | None = None) -> bool:
        return True


class Elsewhere:
    """Accounts of jobs that are drawn elsewhere: a worker tells what one took when it ends."""

    def spent(self, job_id: str) -> Spent:
        return Spent()

    def close(self, job_id: str) -> Spent:
        return Spent()


@dataclass(slots=True)
class Trials:
    """What a job went through."""

    failures: int = 0
    barred: set[str] = field(default_factory=set)
    """Workers it does not fit, or that will not draw it."""


class ClusterEngine:
    """Has jobs drawn by a fleet's workers. `start`, `submit`, `stop`; all on one event loop."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        profile: Profile,
        config: EngineConfig | None = None,
        settings: ClusterSettings | None = None,
        clock: Clock = time.monotonic,
        observers: Sequence[Observer] = (),
    ) -> None:
        config, settings = config or EngineConfig(), settings or ClusterSettings()
        self._config = config
        self._settings = settings
        self._profile = profile
        self._clock = clock
        self._says = Announcer(observers)
        self._predictor = Predictor(profile)
        """Seconds of a worker as they are on average: what the queue counts in."""
        self._queue: FairQueue[Job] = FairQueue(config.lanes, max_waiting=config.max_waiting)
        self._scheduler = Scheduler(self._queue, OpenGate(), self._predictor, max_active=0)
        self._desk = Desk(Elsewhere(), clock)
        self._pictures = Pictures(profile.name, config.result_cache_bytes)
        self._roster = Roster(
            fleet, settings, clock=clock, says=self._says, lost=self._lost, ready=self._dispatch
        )
        self._fleet = fleet
        self._autoscaler = Autoscaler(settings.scale)
        self._trials: dict[str, Trials] = {}
        self._draws: set[asyncio.Task[None]] = set()
        self._scaling: asyncio.Task[None] | None = None
        self._stopped: asyncio.Future[None] | None = None
        self._admitting = True
        self._draining = False

    # The outside

    async def start(self) -> None:
        """Begin to look for workers. Until one has come, jobs wait."""
        self._stopped = asyncio.get_running_loop().create_future()
        self._roster.start()
        self._scaling = asyncio.create_task(self._scale(), name="autoscaler")
        self._says.tell(Action.STARTED, model=self._profile.name, mode="cluster")

    async def stop(self, drain_timeout_s: float = 30.0) -> tuple[str, ...]:
        """Let what is being drawn finish within the time given. Returns the ids still open, oldest first."""
        self._draining = True
        if self._draws:
            await asyncio.wait(self._draws, timeout=drain_timeout_s)
        tasks = [*self._draws, *([self._scaling] if self._scaling is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        left = self._desk.let_go("the engine is shutting down")
        await self._roster.stop()
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(None)
        self._says.tell(Action.STOPPED, left=len(left))
        return left

    async def wait(self) -> None:
        """Return when it has stopped; raise what the search for workers broke on, if it broke."""
        if self._stopped is not None:
            await asyncio.wait([self._stopped, self._roster.hiring], return_when=asyncio.FIRST_COMPLETED)
            if not self._stopped.done():
                self._roster.hiring.result()

    async def __aenter__(self) -> ClusterEngine:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(0.0)

    def submit(self, request: DrawRequest, *, accepted_before: bool = False) -> Ticket:
        """Queue a job. Raises QueueFull, Draining; ValueError for what no model could draw."""
        if self._draining:
            raise Draining("the engine is shutting down")
        if request.job_id in self._desk:
            raise ValueError(f"job {request.job_id} is here already")
        if not self._profile.fits_grid(request.width, request.height) or request.steps < 1:
            raise ValueError(f"{request.width}x{request.height} in {request.steps} steps cannot be drawn")
        ticket = Ticket(request, self)
        if (drawing := self._pictures.again(request)) is not None:
            self._desk.answer(ticket, drawing)
            self._says.tell(Action.DONE, request.job_id, cached=True)
            return ticket
        if not accepted_before:
            self._queue.check(request.lane, request.flow)
        job = Job(request, self._clock(), self._predictor.job_s(request))
        self._desk.open(job, ticket)
        self._trials[job.job_id] = Trials()
        self._queue.push(job)
        self._says.tell(Action.SUBMITTED, job.job_id, lane=request.lane)
        self._dispatch()
        return ticket

    def progress(self, job_id: str) -> Progress:
        """Where a job stands. O(log n). Raises KeyError for a job not known, or long over."""
        job = self._desk.job(job_id)
        if job is None:
            return self._desk.ended(job_id)
        steps, hands = job.request.steps, max(1, len(self._roster.seats))
        left_s = self._predictor.job_s(job.request, job.step, encoded=job.step > 0)
        if job_id in self._queue:
            position, ahead_s = self._queue.ahead(job)
            unmanned = not self._roster.manned(self._clock())
            return Progress(job.state, job.step, steps, ahead_s / hands + left_s, position, unmanned=unmanned)
        seat = self._roster.holder(job_id)
        side_by_side = min(len(seat.parcels), seat.card.max_active) if seat is not None else 1
        return Progress(job.state, job.step, steps, left_s * side_by_side, 0, job.preview)

    def cancel(self, job_id: str) -> bool:
        """Stop a job, at its next step boundary. False where it is over, or not known."""
        job = self._desk.job(job_id)
        if job is None or job.cancelling:
            return False
        job.cancelling = True
        seat = self._roster.holder(job_id)
        if seat is None:
            self._end(job, Cancelled("cancelled", self._desk.usage(job)))
        else:
            self._roster.ask(seat, lambda: seat.worker.cancel(job_id))
        return True

    def clear_caches(self) -> None:
        """Forget every kept caption and picture, here and on each worker."""
        self._pictures.clear()
        for seat in self._roster.seats.values():
            seat.forget_captions()
            self._roster.ask(seat, seat.worker.clear_caches)

    def pause_admission(self) -> None:
        """Take jobs into the queue, but send none out; those that are with a worker go on."""
        self._admitting = False

    def resume_admission(self) -> None:
        """Send jobs out again."""
        self._admitting = True
        self._dispatch()

    async def drain(self, worker: str) -> None:
        """Send this worker no more; return when it has finished what it holds and left.

        Raises KeyError where there is none of that name.
        """
        seat = self._roster.seats[worker]
        self._roster.drain(seat)
        self._dispatch()
        await seat.left.wait()

    def snapshot(self) -> EngineSnapshot:
        """The front and its workers at this moment; O(n) in waiting jobs."""
        now, counts = self._clock(), self._says.counts
        waiting, longest = list(self._queue.waiting()), self._queue.longest_waits(now)
        workers = tuple(seat.snapshot(now) for seat in self._roster.seats.values())
        engines = [worker.engine for worker in workers if worker.engine is not None]
        places = sum(worker.window for worker in workers)
        return EngineSnapshot(
            model=self._profile.name,
            waiting=self._queue.depths(),
            oldest_wait_s=max(longest.values(), default=0.0),
            active=len(self._scheduler.active),
            paused=sum(job.pausing for job in self._scheduler.active.values()),
            decoding=sum(job.state is JobState.DECODING for job in self._scheduler.active.values()),
            max_active=places,
            cap=places,
            queued_s=sum(job.cost_s for job in waiting),
            totals=self._roster.totals(),
            memory_mode=Mode.HIGH,
            memory_budget_bytes=None,
            resident_bytes=sum(engine.resident_bytes for engine in engines),
            memory=None,
            gpu=None,
            gpu_trouble=next((engine.gpu_trouble for engine in engines if engine.gpu_trouble), None),
            slow=next((engine.slow for engine in engines if engine.slow), None),
            done=counts[Action.DONE],
            failed=counts[Action.FAILED],
            cancelled=counts[Action.CANCELLED],
            out_of_memory=sum(engine.out_of_memory for engine in engines),
            timeouts=sum(engine.timeouts for engine in engines),
            embedding_hits=sum(engine.embedding_hits for engine in engines),
            embedding_misses=sum(engine.embedding_misses for engine in engines),
            result_hits=self._pictures.hits,
            admission_paused=not self._admitting,
            draining=self._draining,
            loaded=self._roster.manned(now),
            oldest_wait_by_lane_s=longest,
            workers=workers,
            clustered=True,
        )

    # Jobs to workers and back

    def _dispatch(self) -> None:
        """Send out what the queue and the workers' windows allow. Called whenever one of them changed."""
        if not self._admitting or self._draining:
            return
        now, scheduler = self._clock(), self._scheduler
        if not len(self._queue):
            return
        scheduler.cap, seats = self._roster.openings(now)
        scheduler.max_active = scheduler.cap
        changes = scheduler.admit(now)
        if changes.paused:
            _, seats = self._roster.openings(now)  # with the places they leave
        for victim in changes.paused:
            self._says.tell(Action.PAUSED, victim.job_id, step=victim.step)
        for job in changes.admitted:
            self._send(job, now, seats)

    def _send(self, job: Job, now: float, seats: Sequence[Seat]) -> None:
        """Give an admitted job to the worker, of those that had room, that would have it drawn first."""
        barred = self._trials[job.job_id].barred
        chosen = choose(
            seat.offer(job.request)
            for seat in seats
            if seat.places < seat.window(now) and seat.name not in barred
        )
        if chosen is None:  # room there is, but only where it does not fit
            self._scheduler.park(job, now)
            return
        seat = self._roster.seats[chosen.worker]
        job.in_flight = True
        task = asyncio.create_task(self._draw(job, seat), name=f"draw {job.job_id}")
        self._draws.add(task)
        task.add_done_callback(self._draws.discard)
        seat.take(Parcel(job, task, now, cost_s=job.cost_s, left_s=chosen.job_s))
        waited_s = job.request.waited_s + job.waited_s
        self._says.tell(Action.ADMITTED, job.job_id, lane=job.lane, waited_s=waited_s, worker=seat.name)
        self._desk.touch(job)

    async def _draw(self, job: Job, seat: Seat) -> None:
        """One job at one worker, whatever comes of it."""
        parcel = seat.parcels[job.job_id]
        request = replace(job.request, waited_s=job.request.waited_s + job.waited_s)
        try:
            drawing = await seat.worker.draw(request, lambda moved: self._moved(seat, parcel, moved))
        except EngineError as error:
            self._failed(seat, parcel, error)
        except WorkerBusy as busy:
            self._put_off(seat, parcel, busy)
        except WorkerLost as error:
            self._roster.lose(seat, str(error))
        except Exception as error:  # a transport that breaks is a worker that is lost
            self._roster.lose(seat, f"{type(error).__name__}: {error}")
        else:
            self._finish(seat, parcel, drawing)
        self._dispatch()

    def _moved(self, seat: Seat, parcel: Parcel, moved: Moved) -> None:
        job = parcel.job
        if seat.parcels.get(job.job_id) is not parcel or job.cancelling:
            return
        if job.state is JobState.PAUSED is not moved.state:
            job.pausing = False  # it has a place there again
        job.state, job.step, job.preview = moved.state, moved.step, moved.preview or job.preview
        seat.moved(parcel)
        self._serve(parcel, moved.step / (job.request.steps + 1))
        self._desk.touch(job)

    def _serve(self, parcel: Parcel, part: float) -> None:
        """The queue hears how much of a job is done."""
        seconds = parcel.cost_s * part - parcel.served_s
        parcel.served_s += seconds
        self._queue.served(parcel.job, seconds)

    def _finish(self, seat: Seat, parcel: Parcel, drawing: Drawing) -> None:
        job = parcel.job
        if seat.parcels.pop(job.job_id, None) is not parcel:
            return
        self._serve(parcel, 1.0)
        seat.done += 1
        seat.circuit.succeeded()
        seat.learn(job.request, drawing.usage)
        if drawing.usage.gpu_s > 0 and not drawing.usage.cached:
            self._predictor.learn_job(job.request, drawing.usage.gpu_s, encoded=drawing.usage.encode_s == 0)
        drawing = replace(drawing, request=job.request, usage=self._signed(seat, drawing.usage))
        self._pictures.keep(drawing)
        self._scheduler.drop(job)
        del self._trials[job.job_id]
        usage = drawing.usage
        self._says.tell(Action.DONE, job.job_id, gpu_s=usage.gpu_s, queue_s=usage.queue_s, worker=seat.name)
        self._desk.close(job, drawing, JobState.DONE)

    def _failed(self, seat: Seat, parcel: Parcel, error: EngineError) -> None:
        """A job came back without a picture."""
        job = parcel.job
        if seat.parcels.pop(job.job_id, None) is not parcel:
            return
        trials = self._trials[job.job_id]
        error.usage = self._signed(seat, error.usage)
        if isinstance(error, Cancelled) or job.cancelling:
            self._end(job, error if isinstance(error, Cancelled) else Cancelled("cancelled", error.usage))
            return
        seat.failed += 1
        if isinstance(error, TooLarge | OutOfMemory | Declined):
            trials.barred.add(seat.name)
            if trials.barred >= set(self._roster.seats):
                self._end(job, error)
                return
        elif isinstance(error, Draining):
            self._roster.drain(seat)
        else:
            trials.failures += 1
            self._roster.strike(seat, str(error))
            if trials.failures >= self._settings.attempts:
                self._end(job, error)
                return
        self._again(parcel, str(error))

    def _put_off(self, seat: Seat, parcel: Parcel, busy: WorkerBusy) -> None:
        """A job was not taken; nobody is to blame."""
        job = parcel.job
        if seat.parcels.pop(job.job_id, None) is not parcel:
            return
        seat.rests_until = self._clock() + busy.retry_after_s
        if job.cancelling:
            self._end(job, Cancelled("cancelled", self._desk.usage(job)))
        else:
            self._again(parcel, str(busy))

    def _lost(self, parcels: Sequence[Parcel], reason: str) -> None:
        """A worker is gone, with these."""
        for parcel in sorted(parcels, key=lambda parcel: parcel.job.arrived_at, reverse=True):
            if parcel.task is not asyncio.current_task():
                parcel.task.cancel()
            job, trials = parcel.job, self._trials[parcel.job.job_id]
            trials.failures += 1
            if job.cancelling:
                self._end(job, Cancelled("cancelled", self._desk.usage(job)))
            elif trials.failures >= self._settings.attempts:
                self._end(job, DrawFailed(reason, self._desk.usage(job)))
            else:
                self._again(parcel, reason)
        self._dispatch()

    def _again(self, parcel: Parcel, reason: str) -> None:
        """Back to its old place in the queue, to be drawn from the start; it has been waiting all along."""
        job = parcel.job
        self._queue.served(job, -parcel.served_s)
        job.step, job.preview, job.in_flight = 0, None, False
        self._scheduler.park(job, parcel.sent_at)
        self._says.tell(Action.REQUEUED, job.job_id, reason=reason)
        self._desk.touch(job)

    def _end(self, job: Job, error: EngineError) -> None:
        """The job ends without a picture."""
        cancelled = isinstance(error, Cancelled)
        self._scheduler.drop(job)
        del self._trials[job.job_id]
        action = Action.CANCELLED if cancelled else Action.FAILED
        self._says.tell(action, job.job_id, reason=str(error), gpu_s=error.usage.gpu_s)
        self._desk.close(job, error, JobState.CANCELLED if cancelled else JobState.FAILED)

    @staticmethod
    def _signed(seat: Seat, usage: Usage) -> Usage:
        """What it took, and where."""
        return replace(usage, worker=seat.name, gpu=seat.card.gpu)

    # How many workers

    async def _scale(self) -> None:
        """Once in a while: as many workers as the work at hand asks for, and a word where there is none."""
        while True:
            waiting_s = sum(job.cost_s for job in self._queue.waiting())
            wanted = self._autoscaler.decide(self._clock(), waiting_s + self._roster.load_s)
            self._roster.want(wanted)
            self._roster.look_for_hands(waiting=len(self._queue))
            await asyncio.sleep(SCALE_EVERY_S)
