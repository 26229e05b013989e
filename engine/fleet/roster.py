"""Who works: taking workers on, watching over them, replacing the lost, and letting them go."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING

from engine.events import Action
from engine.fleet.circuit import Circuit
from engine.fleet.member import Member
from engine.request import ModelLost
from engine.worker.accounting import Totals
from engine.worker.protocol import WorkerLost, WorkerUnfit
from engine.worker.watchdog import Alert, Cause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
    from typing import Protocol

    from engine.events import Announcer
    from engine.families.plan import Plan
    from engine.families.profile import Profile
    from engine.fleet.fleet import Fleet
    from engine.fleet.member import Assignment
    from engine.fleet.settings import FleetSettings
    from engine.request import DrawRequest
    from engine.worker.accounting import Clock
    from engine.worker.protocol import Card, Health, Worker

    class Lost(Protocol):
        def __call__(self, left: Sequence[Assignment], error: WorkerLost, *, blamed: bool) -> None: ...


MISSED = 2
"""So often in a row a worker may leave out a job it was given: the first may be a result on its way."""
AGAIN_AFTER_S = 3600.0
"""A worker that is lost again within this time is not told of again."""


class Roster:
    """The workers of a front. `lost` hears of jobs that went with one, `ready` that there is room, `changed`
    that one came or went.
    """

    def __init__(
        self,
        fleet: Fleet,
        settings: FleetSettings,
        *,
        clock: Clock,
        says: Announcer,
        lost: Lost,
        ready: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self.members: dict[str, Member] = {}
        self._cards: dict[str, Card | None] = {}
        """By name, of those that are here or being replaced; None while the first of that name loads."""
        self._fleet = fleet
        self._settings = settings
        self._clock = clock
        self._says = says
        self._on_lost = lost
        self._on_ready = ready
        self._on_change = changed
        self._circuits: dict[str, Circuit] = {}
        self._alerted: dict[tuple[Cause, str], float] = {}
        self._fingerprints: dict[str, str] = {}
        """By model."""
        self._unmanned_at: float | None = None
        self._departed = Totals()
        self._hiring: asyncio.Task[None] | None = None
        self._first: asyncio.Future[Profile] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Take on whoever comes."""
        self._first = asyncio.get_running_loop().create_future()
        self._first.add_done_callback(lambda first: first.cancelled() or first.exception())
        self._hiring = asyncio.create_task(self._hire(), name="hiring")

    async def stop(self) -> None:
        """Let everybody go."""
        tasks = [*self._tasks, *([self._hiring] if self._hiring is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._departed = self.totals()
        self.members.clear()
        await self._fleet.close()

    @property
    def hiring(self) -> asyncio.Task[None]:
        """Runs as long as the front does."""
        assert self._hiring is not None, "not started"
        return self._hiring

    @property
    def first(self) -> asyncio.Future[Profile]:
        """The profile of the first worker that came; what its start raised, where that failed."""
        assert self._first is not None, "not started"
        return self._first

    # Looking

    def serving(self, request: DrawRequest) -> Mapping[str, Member]:
        """Those that draw such a job: with its model, or that of whoever came first, from its pictures."""
        wanted = self._wanted(request)
        return {name: member for name, member in self.members.items() if member.card.serves(wanted, request)}

    def ever_serves(self, request: DrawRequest) -> bool:
        """False where workers are there, and none draws such a job, nor one that loads or is replaced."""
        wanted, cards = self._wanted(request), self._cards.values()
        return not self.members or any(card is None or card.serves(wanted, request) for card in cards)

    def _wanted(self, request: DrawRequest) -> str:
        return request.model or next(iter(self._fingerprints), "")

    def manned(self, now: float, request: DrawRequest | None = None) -> bool:
        """True where somebody is there to draw, this job or at all."""
        members = self.members if request is None else self.serving(request)
        return any(member.window(now) for member in members.values())

    def fits(self, request: DrawRequest, plan: Plan) -> bool:
        """False where every worker says that its device could never hold this."""
        wanted = self._wanted(request)
        told = (member.card.drawn(wanted) for member in self.serving(request).values())
        rooms = [drawn.room for drawn in told if drawn is not None]
        return not rooms or any(room is None or room.ever_fits(plan.need, plan.pictures) for room in rooms)

    def holder(self, job_id: str) -> Member | None:
        return next((member for member in self.members.values() if job_id in member.assignments), None)

    @property
    def load_s(self) -> float:
        """Predicted seconds of all that is out."""
        return sum(member.load_s for member in self.members.values())

    def totals(self) -> Totals:
        """The devices' time, of those who left too: it never goes back."""
        told = (member.worker.snapshot() for member in self.members.values())
        return sum((device.totals for device in told if device is not None), self._departed)

    # Coming and going

    def drain(self, member: Member) -> None:
        """Nothing more for this one; it leaves when it is through."""
        member.draining = True
        member.stirred.set()

    def want(self, count: int) -> None:
        """The fleet is told, and those who are too many leave when they are through, the idlest first."""
        self._fleet.want(count)
        staying = [member for member in self.members.values() if not member.draining]
        for member in sorted(staying, key=lambda member: member.load_s)[: max(0, len(staying) - count)]:
            self.drain(member)

    def strike(self, member: Member, job_id: str, reason: str) -> None:
        """It failed on a job. Too often in a row, and it is replaced: its process may be what is wrong."""
        if self.members.get(member.name) is member and member.circuit.failed(self._clock(), job_id):
            self._set_aside(member.name, member.circuit, reason)
            self._let_go(member, WorkerLost(reason), blamed=False)

    def lose(self, member: Member, error: WorkerLost) -> None:
        """It is gone, and what it held comes back. Once for each member."""
        if self.members.get(member.name) is not member:
            return
        held = len(member.assignments)
        self._says.tell(Action.WORKER_LOST, worker=member.name, reason=str(error), jobs=held)
        again = "It is replaced" if self._settings.replaces else "The process ends, to be started anew"
        self._alert(error.cause, member.name, f"{error}. {again}; {held} jobs go back to their places.")
        if member.circuit.failed(self._clock(), None):
            self._set_aside(member.name, member.circuit, str(error))
        self._let_go(member, error, blamed=True)

    def look_for_hands(self, *, waiting: int) -> None:
        """Jobs that wait with nobody there, for longer than a worker takes to be replaced, are told of."""
        now = self._clock()
        if not waiting or self.manned(now):
            self._unmanned_at = None
        elif self._unmanned_at is None:
            self._unmanned_at = now + self._settings.unmanned_alert_s
        elif now >= self._unmanned_at:
            self._unmanned_at = math.inf  # once for each time it comes to that
            self._says.alert(Alert(Cause.NO_WORKER, f"{waiting} jobs wait and no worker is there.", now))

    def ask(self, member: Member, call: Callable[[], Awaitable[None]]) -> None:
        """Have a worker told something; one that does not take it in time is lost."""
        self._spawn(self._ask(member, call))

    async def _ask(self, member: Member, call: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(self._settings.health_timeout_s):
                await call()
        except Exception as error:
            self.lose(member, _lost(error))

    async def _hire(self) -> None:
        async for worker in self._fleet.arrivals():
            self._spawn(self._employ(worker))

    async def _employ(self, worker: Worker) -> None:
        """A worker's whole time here, from its start until its place may be filled again."""
        circuit = self._circuits.setdefault(
            worker.name, Circuit(failures=self._settings.failures, aside_s=self._settings.aside_s)
        )
        try:
            card = await self._begin(worker, circuit)
            if card is None:
                self._cards.pop(worker.name, None)
            else:
                self._cards[worker.name] = card
                member = self.members[worker.name] = Member(worker, card, circuit)
                self._says.tell(Action.WORKER_JOINED, worker=member.name, gpu=card.gpu)
                if not self.first.done():
                    self.first.set_result(card.models[0].profile)
                self._on_change()
                self._on_ready()
                await self._watch(member)
        finally:
            await worker.stop()
        if self._settings.replaces:
            await asyncio.sleep(circuit.aside_for_s(self._clock()))
            self._fleet.refill(worker)

    async def _begin(self, worker: Worker, circuit: Circuit) -> Card | None:
        """Its card, where it starts and would draw what the others draw."""
        try:
            await worker.fetch()
            self._cards.setdefault(worker.name, None)
            first = self._settings.local and not self.first.done()  # whoever starts the bot sees it wait
            async with asyncio.timeout(None if first else self._settings.start_timeout_s):
                card = await worker.start()
        except WorkerUnfit as error:
            self._refuse(worker, circuit, str(error))
            return None
        except Exception as error:
            if self._settings.local and not self.first.done():
                await worker.stop()  # before anybody is told, who might end this task
                lost = ModelLost(str(error)) if isinstance(error, WorkerLost) else error
                self.first.set_exception(lost)
                return None
            reason = f"did not start: {error or type(error).__name__}"
            self._says.tell(Action.WORKER_LOST, worker=worker.name, reason=reason, jobs=0)
            if circuit.failed(self._clock(), None):
                self._set_aside(worker.name, circuit, reason)
            return None
        for drawn in card.models:
            name, told = drawn.profile.name, drawn.fingerprint
            if told != (known := self._fingerprints.setdefault(name, told)):
                reason = f"it has another version of the model, {told}, not {known}"
                self._refuse(worker, circuit, reason)
                return None
        return card

    def _refuse(self, worker: Worker, circuit: Circuit, reason: str) -> None:
        circuit.set_aside(self._clock())
        self._says.tell(Action.WORKER_REFUSED, worker=worker.name, reason=reason)
        self._alert(Cause.WORKER_REFUSED, worker.name, reason)

    async def _watch(self, member: Member) -> None:
        """Until it is lost, or has left in peace."""
        while not member.left.is_set():
            if member.draining and not member.assignments:
                self._strike_off(member)
                self._cards.pop(member.name, None)
                self._says.tell(Action.WORKER_LEFT, worker=member.name)
                return
            asked_at = self._clock()
            try:
                async with asyncio.timeout(self._settings.health_timeout_s):
                    health = await member.worker.health()
            except Exception as error:  # an answer that cannot be read is none
                self.lose(member, _lost(error))
                return
            self._look_over(member, health, asked_at)
            self._on_ready()  # one that was set aside may be tried again by now
            member.stirred.clear()
            if not (member.draining and not member.assignments) and not member.left.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._settings.health_every_s):
                        await member.stirred.wait()

    def _look_over(self, member: Member, health: Health, asked_at: float) -> None:
        for event in health.events:
            self._says.tell(event.action, event.job_id, **{**event.fields, "worker": member.name})
        for worked in health.worked:
            self._says.work(worked)
        for alert in health.alerts:
            message, details = f"{self._named(member.name)}{alert.message}", {**alert.details}
            self._says.alert(Alert(alert.cause, message, self._clock(), details | {"worker": member.name}))
        if health.jobs is None:
            return
        for assignment in tuple(member.assignments.values()):
            here = assignment.job.job_id in health.jobs or assignment.sent_at >= asked_at
            assignment.missed = 0 if here else assignment.missed + 1
            if assignment.missed > MISSED and member.give_up(assignment):
                error = WorkerLost(f"{member.name} knows nothing of it")
                self._on_lost([assignment], error, blamed=True)

    def _let_go(self, member: Member, error: WorkerLost, *, blamed: bool) -> None:
        self._strike_off(member)
        left = tuple(member.assignments.values())
        for assignment in left:
            member.give_up(assignment)
        self._on_lost(left, error, blamed=blamed)

    def _strike_off(self, member: Member) -> None:
        del self.members[member.name]
        if (device := member.worker.snapshot()) is not None:
            self._departed += device.totals
        member.left.set()
        member.stirred.set()
        self._on_change()

    def _set_aside(self, name: str, circuit: Circuit, reason: str) -> None:
        for_s = circuit.aside_for_s(self._clock())
        self._says.tell(Action.WORKER_ASIDE, worker=name, reason=reason, for_s=round(for_s))
        self._alert(Cause.WORKER_ASIDE, name, f"{reason} It is tried again in {for_s:.0f} s.")

    def _alert(self, cause: Cause, worker: str, message: str) -> None:
        """Told once in a while for each cause and worker."""
        now = self._clock()
        if now - self._alerted.get((cause, worker), -math.inf) >= AGAIN_AFTER_S:
            self._alerted[cause, worker] = now
            self._says.alert(Alert(cause, f"{self._named(worker)}{message}", now, {"worker": worker}))

    def _named(self, worker: str) -> str:
        return "" if self._settings.local else f"{worker}: "

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _lost(error: Exception) -> WorkerLost:
    """Whatever a worker's call raised, as its loss."""
    if isinstance(error, WorkerLost):
        return error
    if isinstance(error, TimeoutError):
        return WorkerLost("no answer", Cause.HUNG_STEP)
    return WorkerLost(f"{type(error).__name__}: {error}")
