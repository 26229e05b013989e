"""One world: the bot from its composition root, on a machine that its seed breaks, until all is quiet."""

from __future__ import annotations

import asyncio
import hashlib
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from bot.app import engine_config, open_service
from bot.config.money import Offer
from bot.config.schema import Config
from bot.faces.serving import serve_all
from bot.folders import DATABASE
from bot.messages import UserError
from engine.build import engine_with, local_front
from engine.families.registry import load_profile
from engine.fleet.autoscale import ScaleSettings
from engine.fleet.fleet import FixedFleet
from engine.fleet.settings import FleetSettings
from engine.front import Front
from engine.request import EngineError
from engine.worker.loaded import Offered
from engine.worker.steploop import StepLoop
from storage.clock import to_us
from storage.errors import StorageError
from storage.keys import PLATFORM
from tests.database import lay_out
from tests.world.clients import Api, draw_clients
from tests.world.device import Device, VirtualChild, WorldModel
from tests.world.face import WorldFace
from tests.world.fairness import Demand
from tests.world.faults import draw_faults, draw_start_us, strike
from tests.world.loop import WorldLoop, forget_the_dead
from tests.world.machine import MACHINE, Killed
from tests.world.people import ACTIVE_S, draw_street
from tests.world.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bot.imagine.service import Service
    from engine.events import Observer
    from engine.inputs import Reader
    from engine.settings import EngineConfig

MONTH_END_US = to_us(datetime(2026, 12, 1, tzinfo=UTC))
RESTART_S = 5.0
"""As systemd would."""
LOOK_EVERY_S = 5.0
FIRST_STEP_S = 90.0
"""When a first step counts as hung: 15 minutes in the field, which would be long to live through."""
QUIET_WITHIN_S = 1800.0
"""So long after the last fault nobody waits any more."""
MANY_LIVES = 100
WORKERS = ("here", "child", "two children")


@dataclass(eq=False)
class World:
    """Drawn from `seed`, with its files in `folder`."""

    seed: int
    folder: Path
    verbose: bool = False
    problems: list[str] = field(default_factory=list)
    lives: int = 0
    now: float = 0.0

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        self._digest = hashlib.sha256()
        self.faults = draw_faults(random.Random(chance.random()))
        self.platforms = [
            Platform(name, redelivers, random.Random(chance.random()), self.trace)
            for name, redelivers in (("attic", False), ("barn", True))
        ]
        self.street = draw_street(random.Random(chance.random()), self.platforms)
        self.clients = draw_clients(random.Random(chance.random()), ACTIVE_S, self.trace)
        self.workers_are = chance.choice(WORKERS)
        self.device = Device()
        self.demand = Demand(MACHINE.monotonic)
        self.workers: list[VirtualChild] = []
        self.config = _config(self.folder, chance)
        self._start_us = draw_start_us(chance, MONTH_END_US)
        self._machine_chance = random.Random(chance.random())
        self._coming = list(self.faults)
        self._repairs: list[tuple[float, Callable[[], None]]] = []
        self._loop: WorldLoop | None = None
        self._process: asyncio.Task[Any] | None = None
        self._dead = True

    # What a run is

    def run(self) -> World:
        """Live through it: one life of the process after the other."""
        MACHINE.chance, MACHINE.wall_us, MACHINE.disk_full = self._machine_chance, self._start_us, False
        structlog.configure(processors=[self._log], cache_logger_on_first_use=False)
        lay_out(self.config.storage.folder / DATABASE)
        try:
            while not self._live():
                if self.lives == MANY_LIVES:
                    self.problems.append(f"not quiet after {self.lives} lives")
                    break
                self.now += RESTART_S
                for platform in self.platforms:
                    self.street.process_died(platform, self.now)
                self.clients.process_died(self.now)
        finally:
            MACHINE.loop = None
        return self

    @property
    def digest(self) -> str:
        """Of all that happened: the same seed, the same digest."""
        return self._digest.hexdigest()[:16]

    @property
    def database(self) -> Path:
        return self.config.storage.folder / DATABASE

    def trace(self, what: str, /, **fields: object) -> None:
        """Something happened."""
        if self._dead:
            return
        told = " ".join(f"{name}={value}" for name, value in fields.items())
        line = f"{self._loop.time() if self._loop else self.now:9.3f} {self.lives} {what} {told}"
        self._digest.update(line.encode())
        if self.verbose:
            print(line)

    # One life

    def _live(self) -> bool:
        """Whether all is quiet at its end."""
        self.lives += 1
        self._loop = MACHINE.loop = WorldLoop(self.now)
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._unhandled)
        self._dead = False
        self.workers.clear()
        try:
            return self._loop.run_until_complete(self._life())
        except Killed:
            self.trace("killed")
            return False
        finally:
            self._dead = True
            self.now = self._loop.time()
            self.demand.process_died()
            MACHINE.bury(self.folder)
            self._loop.bury()
            asyncio.set_event_loop(None)
            self._process = None
            forget_the_dead()

    async def _life(self) -> bool:
        self._process = asyncio.create_task(self._serve())
        breaking = asyncio.create_task(self._break())
        looking = asyncio.create_task(self._look())
        await asyncio.wait({self._process, looking}, return_when=asyncio.FIRST_COMPLETED)
        quiet = looking.done() and not self._process.done()
        if breaking.done():
            breaking.result()
        self._process.cancel()
        breaking.cancel()
        looking.cancel()
        answers = await asyncio.gather(self._process, breaking, looking, return_exceptions=True)
        for error in answers:
            if isinstance(error, Exception):
                self._could_not(error)
        return quiet

    async def _serve(self) -> None:
        async with open_service(self.config, self._build) as service:
            self.trace("serving")
            chats = {platform.name: self._face(platform) for platform in self.platforms}
            await serve_all(service, chats | {PLATFORM: lambda service: Api(service, self.clients).serve()})

    def _face(self, platform: Platform) -> Callable[[Service], Any]:
        return lambda service: WorldFace(service, platform, self.street).serve()

    def _could_not(self, error: Exception) -> None:
        """The process ended with this: as it may where the disk is full or the model does not load."""
        self.trace("ended", error=f"{type(error).__name__}: {error}")
        if not isinstance(error, StorageError | UserError | EngineError):
            self.problems.append(f"the process ended with {type(error).__name__}: {error}")

    async def _look(self) -> None:
        """Until nobody waits any more."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self._coming or self._repairs or not (self.street.quiet and self.clients.quiet):
                continue
            now = asyncio.get_running_loop().time()
            if not self.waiting():
                return
            if now > self.calm_at + QUIET_WITHIN_S:
                self.problems.append(f"still waiting: {', '.join(self.waiting())}")
                return

    @property
    def calm_at(self) -> float:
        """When the last fault is over and the last person has asked."""
        deeds = [deed.at_s for deed in self.street.given]
        return max([fault.at_s + fault.for_s for fault in self.faults] + deeds, default=0.0)

    def waiting(self) -> list[str]:
        """What is not over: requests that nobody is to fetch, deeds, payments, refunds."""
        from tests.world.invariants import unfinished, unwritten

        untaken = [deed.key for deed in self.street.given if not deed.taken]
        return untaken or unfinished(self.database) or unwritten(self)

    # The engine

    def _build(self, config: Config, observers: Sequence[Observer], read: Reader) -> Front:
        terms, observers = engine_config(config), [*observers, self.demand]
        terms = replace(terms, watchdog=replace(terms.watchdog, first_deadline_s=FIRST_STEP_S))
        if self.workers_are == "here":
            return engine_with(WorldModel(self.device), terms, observers=observers, read=read)
        self.workers += [self._child(name, terms) for name in self._names]
        if self.workers_are == "child":
            return local_front(self.workers[0], terms, observers=observers, replaces=True, read=read)
        return Front(
            fleet=FixedFleet(self.workers),
            profile=load_profile("embedded"),
            config=terms,
            settings=FleetSettings(scale=ScaleSettings(2, 2)),
            observers=observers,
            read=read,
        )

    @property
    def _names(self) -> tuple[str, ...]:
        return ("local",) if self.workers_are == "child" else ("one", "two")

    def _child(self, name: str, terms: EngineConfig) -> VirtualChild:
        def build(named: str, observers: Sequence[Observer]) -> StepLoop:
            return StepLoop(
                named, models=[Offered(WorldModel(self.device))], config=terms, observers=observers
            )

        return VirtualChild(name, build)

    # Faults

    async def _break(self) -> None:
        """Let each fault happen at its time, and be over at its time."""
        loop = asyncio.get_running_loop()
        while self._coming or self._repairs:
            due = min([f.at_s for f in self._coming[:1]] + [at_s for at_s, _ in self._repairs])
            await asyncio.sleep(due - loop.time())
            for repair in [entry for entry in self._repairs if entry[0] <= loop.time()]:
                self._repairs.remove(repair)
                repair[1]()
            while self._coming and self._coming[0].at_s <= loop.time():
                fault = self._coming.pop(0)
                self.trace("fault", fault=fault)
                if (repair := strike(self, fault)) is not None:
                    self._repairs.append((fault.at_s + fault.for_s, repair))

    def disk_full(self, full: bool) -> None:
        MACHINE.disk_full = full

    def kill_in(self, steps: int) -> None:
        """Kill the process before its so manieth callback from now."""
        assert self._loop is not None
        self._loop.kill_at = self._loop.steps + steps

    def stop(self) -> None:
        """SIGTERM."""
        assert self._process is not None
        self._process.cancel()

    def step_clock(self, seconds: float) -> None:
        MACHINE.wall_us += round(seconds * 1e6)

    # What is told

    def _log(self, logger: object, level: str, event: dict[str, Any]) -> str:
        error = event.pop("exc_info", None)
        self.trace(f"{level} {event.pop('event')}", **event, error=repr(error) if error else "")
        if level in ("error", "exception", "critical") and not self._dead:
            self.problems.append(f"logged as an error: {event} {error!r}")
        raise structlog.DropEvent

    def _unhandled(self, loop: object, context: dict[str, Any]) -> None:
        if not self._dead:
            self.problems.append(f"unhandled: {context.get('message')} {context.get('exception')!r}")


BASE = Config()
OFFERS = {
    "boost": Offer(images=5, stars=9),
    "month": Offer(tier="member", days=30, stars=20),
}


def _config(folder: Path, chance: random.Random) -> Config:
    free = BASE.tiers["free"].model_copy(update={"images_a_month": chance.choice([3, 8, 100])})
    engine = {"preview_every": 0, "max_waiting": chance.choice([4, 20, 1000])}
    return BASE.model_copy(
        update={
            "storage": BASE.storage.model_copy(update={"folder": folder / "data"}),
            "engine": BASE.engine.model_copy(update=engine),
            "time_zone": chance.choice(["UTC", "Asia/Shanghai"]),
            "tiers": BASE.tiers | {"free": free},
            "sales": BASE.sales.model_copy(update={"enabled": True}),
            "offers": OFFERS,
        }
    )
