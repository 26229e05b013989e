"""Who works: taking workers on, watching over them, and letting them go."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from engine.events import Action
from engine.fleet.circuit import Circuit
from engine.fleet.seat import Seat
from engine.worker.accounting import Totals
from engine.worker.protocol import WorkerLost, WorkerUnfit
from engine.worker.watchdog import Alert, Cause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from engine.events import Announcer
    from engine.fleet.seat import Parcel
    from engine.fleet.settings import ClusterSettings
    from engine.worker.accounting import Clock
    from engine.worker.protocol import Card, Fleet, Health, Worker

MISSED = 2
"""So often in a row a worker may leave out a job it was given: the first may be a result on its way."""


class Roster:
    """The seats of a front. `lost` hears of parcels that went with a worker, `ready` that there is room."""

    def __init__(
        self,
        fleet: Fleet,
        settings: ClusterSettings,
        *,
        clock: Clock,
        says: Announcer,
        lost: Callable[[Sequence[Parcel], str], None],
        ready: Callable[[], None],
    ) -> None:
        self.seats: dict[str, Seat] = {}
        self._fleet = fleet
        self._settings = settings
        self._clock = clock
        self._says = says
        self._on_lost = lost
        self._on_ready = ready
        self._circuits: dict[str, Circuit] = {}
        self._fingerprint: str | None = None
        self._alert_at: float | None = None
        self._departed = Totals(0.0, 0.0, 0.0)
        self._hiring: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Take on whoever comes."""
        self._hiring = asyncio.create_task(self._hire(), name="hiring")

    async def stop(self) -> None:
        """Let everybody go."""
        tasks = [*self._tasks, *([self._hiring] if self._hiring is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(seat.worker.stop() for seat in self.seats.values()))
        self.seats.clear()
        await self._fleet.close()

    @property
    def hiring(self) -> asyncio.Task[None]:
        """Runs as long as the front does."""
        assert self._hiring is not None, "not started"
        return self._hiring

    # Looking

    def openings(self, now: float) -> tuple[int, list[Seat]]:
        """How many jobs may be out (each window, or what a worker holds where that is more); who has room."""
        places, seats = 0, []
        for seat in self.seats.values():
            window, held = seat.window(now), seat.places
            places += max(window, held)
            if held < window:
                seats.append(seat)
        return places, seats

    def manned(self, now: float) -> bool:
        """True where somebody is there to draw."""
        return any(seat.window(now) for seat in self.seats.values())

    def holder(self, job_id: str) -> Seat | None:
        return next((seat for seat in self.seats.values() if job_id in seat.parcels), None)

    @property
    def load_s(self) -> float:
        """Predicted seconds of all that is out."""
        return sum(seat.load_s for seat in self.seats.values())

    def totals(self) -> Totals:
        """The devices' time, of those who left too: it never goes back."""
        told = [seat.health.totals for seat in self.seats.values() if seat.health is not None]
        return _sum([self._departed, *(totals for totals in told if totals is not None)])

    # Coming and going

    def drain(self, seat: Seat) -> None:
        """Nothing more for this one; it leaves when it is through."""
        seat.draining = True
        seat.stirred.set()

    def want(self, count: int) -> None:
        """The fleet is told, and those who are too many leave when they are through, the idlest first."""
        self._fleet.want(count)
        staying = [seat for seat in self.seats.values() if not seat.draining]
        for seat in sorted(staying, key=lambda seat: seat.load_s)[: max(0, len(staying) - count)]:
            self.drain(seat)

    def strike(self, seat: Seat, reason: str) -> None:
        """It failed on a job. Too often in a row, and it is set aside."""
        if seat.circuit.failed(self._clock()):
            self._set_aside(seat.name, seat.circuit, reason)

    def lose(self, seat: Seat, reason: str) -> None:
        """It is gone, and what it held comes back. Once for each seat."""
        if self.seats.get(seat.name) is not seat:
            return
        self._unseat(seat)
        parcels = tuple(seat.parcels.values())
        seat.parcels.clear()
        self._says.tell(Action.WORKER_LOST, worker=seat.name, reason=reason, jobs=len(parcels))
        self.strike(seat, reason)
        seat.left.set()
        seat.stirred.set()
        self._on_lost(parcels, reason)

    def look_for_hands(self, *, waiting: int) -> None:
        """Jobs that wait with nobody there, for longer than a worker takes to be replaced, are told of."""
        now = self._clock()
        if not waiting or self.manned(now):
            self._alert_at = None
        elif self._alert_at is None:
            self._alert_at = now + self._settings.unmanned_alert_s
        elif now >= self._alert_at:
            self._alert_at = math.inf  # once for each time it comes to that
            self._says.alert(Alert(Cause.NO_WORKER, f"{waiting} jobs wait and no worker is there.", now))

    def ask(self, seat: Seat, call: Callable[[], Awaitable[None]]) -> None:
        """Have a worker told something; one that does not take it in time is lost."""
        self._spawn(self._ask(seat, call))

    async def _ask(self, seat: Seat, call: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(self._settings.health_timeout_s):
                await call()
        except (WorkerLost, TimeoutError) as error:
            self.lose(seat, str(error) or "no answer")

    async def _hire(self) -> None:
        async for worker in self._fleet.arrivals():
            self._spawn(self._employ(worker))

    async def _employ(self, worker: Worker) -> None:
        """A worker's whole time here, from its start until its place may be filled again."""
        circuit = self._circuits.setdefault(worker.name, self._circuit())
        try:
            if (card := await self._begin(worker, circuit)) is not None:
                seat = self.seats[worker.name] = Seat(worker, card, circuit)
                self._says.tell(Action.WORKER_JOINED, worker=seat.name, gpu=card.gpu)
                self._on_ready()
                await self._watch(seat)
        finally:
            await worker.stop()
        await asyncio.sleep(circuit.aside_for_s(self._clock()))
        self._fleet.refill(worker)

    async def _begin(self, worker: Worker, circuit: Circuit) -> Card | None:
        """Its card, where it starts and would draw what the others draw."""
        try:
            async with asyncio.timeout(self._settings.start_timeout_s):
                card = await worker.start()
        except WorkerUnfit as error:
            self._refuse(worker, circuit, str(error))
            return None
        except Exception as error:
            reason = f"did not start: {error or type(error).__name__}"
            self._says.tell(Action.WORKER_LOST, worker=worker.name, reason=reason, jobs=0)
            if circuit.failed(self._clock()):
                self._set_aside(worker.name, circuit, reason)
            return None
        self._fingerprint = self._fingerprint or card.fingerprint
        if card.fingerprint == self._fingerprint:
            return card
        reason = f"it has another version of the model, {card.fingerprint}, not {self._fingerprint}"
        self._refuse(worker, circuit, reason)
        return None

    def _refuse(self, worker: Worker, circuit: Circuit, reason: str) -> None:
        circuit.set_aside(self._clock())
        self._says.tell(Action.WORKER_REFUSED, worker=worker.name, reason=reason)
        self._alert(Cause.WORKER_REFUSED, worker.name, reason)

    async def _watch(self, seat: Seat) -> None:
        """Until it is lost, or has left in peace."""
        while not seat.left.is_set():
            if seat.draining and not seat.parcels:
                self._unseat(seat)
                seat.left.set()
                self._says.tell(Action.WORKER_LEFT, worker=seat.name)
                break
            asked_at = self._clock()
            try:
                async with asyncio.timeout(self._settings.health_timeout_s):
                    health = await seat.worker.health()
            except (WorkerLost, TimeoutError) as error:
                self.lose(seat, str(error) or "no answer")
                break
            self._look_over(seat, health, asked_at)
            self._on_ready()  # one that was set aside may be tried again by now
            seat.stirred.clear()
            if not (seat.draining and not seat.parcels):
                await _first(seat.stirred, self._settings.health_every_s)

    def _look_over(self, seat: Seat, health: Health, asked_at: float) -> None:
        seat.health = health
        for worked in health.worked:
            self._says.work(worked)
        for alert in health.alerts:
            self._alert(alert.cause, seat.name, alert.message)
        if health.jobs is None:
            return
        for parcel in tuple(seat.parcels.values()):
            here = parcel.job.job_id in health.jobs or parcel.sent_at >= asked_at
            parcel.missed = 0 if here else parcel.missed + 1
            if parcel.missed > MISSED:
                del seat.parcels[parcel.job.job_id]
                self._on_lost([parcel], f"{seat.name} knows nothing of it")

    def _unseat(self, seat: Seat) -> None:
        del self.seats[seat.name]
        if seat.health is not None and (totals := seat.health.totals) is not None:
            self._departed = _sum([self._departed, totals])

    def _set_aside(self, name: str, circuit: Circuit, reason: str) -> None:
        for_s = circuit.aside_for_s(self._clock())
        self._says.tell(Action.WORKER_ASIDE, worker=name, reason=reason, for_s=round(for_s))
        self._alert(Cause.WORKER_ASIDE, name, f"{reason} It is tried again in {for_s:.0f} s.")

    def _alert(self, cause: Cause, worker: str, message: str) -> None:
        self._says.alert(Alert(cause, f"{worker}: {message}", self._clock(), {"worker": worker}))

    def _circuit(self) -> Circuit:
        return Circuit(failures=self._settings.failures, aside_s=self._settings.aside_s)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _sum(totals: Sequence[Totals]) -> Totals:
    return Totals(
        sum(each.busy_s for each in totals),
        sum(each.overhead_s for each in totals),
        sum(each.idle_s for each in totals),
    )


async def _first(event: asyncio.Event, timeout_s: float) -> None:
    """Until the event, at most so long."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
