"""Whatever becomes of the workers, every job is drawn, once, and the queue stays fair: in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import Action, Event, Observer
from engine.fleet.autoscale import ScaleSettings
from engine.fleet.settings import FleetSettings
from engine.front import Front
from engine.request import DrawFailed, Drawing
from engine.settings import EngineConfig
from tests.engine.fakes import PROFILE, FakeModel
from tests.engine.fleet import virtual
from tests.engine.fleet.simulated import SimulatedFleet, SimulatedWorker
from tests.engine.studio import TIERS, request, same

SETTINGS = FleetSettings(scale=ScaleSettings(min_workers=99, max_workers=99), tries=10**6, attempts=10**6)
END_S = 60.0
"""Nothing happens to the workers any more."""

moments = st.floats(0, END_S, width=16)


@dataclass(frozen=True)
class Blow:
    """Something that happens to a worker."""

    at_s: float
    kind: str
    worker: int


@dataclass(frozen=True)
class Order:
    """A job that comes."""

    at_s: float
    tier: str
    flow: str
    steps: int


blows = st.builds(Blow, moments, st.sampled_from(["die", "hang", "fail", "hire", "drain"]), st.integers(0, 9))
orders = st.builds(
    Order, moments, st.sampled_from(["free", "paid"]), st.sampled_from("abc"), st.integers(1, 4)
)


class Witness(Observer):
    """Hears what came of each job."""

    def __init__(self) -> None:
        self.told: list[tuple[Action, str | None]] = []

    def on_event(self, event: Event) -> None:
        self.told.append((event.action, event.job_id))


class World:
    def __init__(self, count: int) -> None:
        self.workers = [self.worker(n) for n in range(count)]
        self.fleet = SimulatedFleet(self.workers)
        self.witness = Witness()
        self.front = Front(
            fleet=self.fleet,
            profile=PROFILE,
            config=EngineConfig(tiers=TIERS, result_cache_bytes=0),
            settings=SETTINGS,
            clock=lambda: asyncio.get_running_loop().time(),
            observers=[self.witness],
        )

    @staticmethod
    def worker(number: int) -> SimulatedWorker:
        return SimulatedWorker(f"w{number}", max_active=1 + number % 3, tick=asyncio.sleep)

    def hire(self) -> None:
        self.workers.append(fresh := self.worker(len(self.workers)))
        self.fleet.hire(fresh)

    async def strike(self, blow: Blow) -> None:
        await asyncio.sleep(blow.at_s)
        if blow.kind == "hire" or not self.workers:
            self.hire()
            return
        worker = self.workers[blow.worker % len(self.workers)]
        if blow.kind == "die":
            worker.die()
        elif blow.kind == "hang":
            worker.hangs.set()
        elif blow.kind == "fail":
            worker.fails.append(DrawFailed("a bad day"))
        else:
            with contextlib.suppress(KeyError):  # gone before
                await self.front.drain(worker.name)

    def drawing(self) -> Counter[str]:
        """At how many workers each job is."""
        return Counter(job_id for worker in self.workers for job_id in worker.jobs)

    async def order(self, number: int, order: Order) -> Drawing:
        await asyncio.sleep(order.at_s)
        asked = request(f"j{number}", order.tier, order.flow, steps=order.steps, seed=number)
        return await self.front.submit(asked, accepted_before=True).result()


async def play(count: int, strikes: list[Blow], wanted: list[Order]) -> World:
    """All of it, and in the end a worker that stays."""
    world = World(count)
    async with world.front, asyncio.timeout(3600):
        striking = [asyncio.create_task(world.strike(blow)) for blow in strikes]
        ordering = [asyncio.create_task(world.order(n, order)) for n, order in enumerate(wanted)]
        for _ in range(round(END_S)):
            await asyncio.sleep(1.0)
            assert max(world.drawing().values(), default=0) <= 1
        # The last may come at this very moment, and must not strike who stays.
        await asyncio.gather(*striking)
        world.hire()
        drawings = await asyncio.gather(*ordering)
        for drawing in drawings:
            assert same(drawing.image, FakeModel().picture_of(replace(drawing.request, waited_s=0.0)))
        left = world.front.snapshot()
        assert (sum(left.waiting.values()), left.queued_s, left.active) == (0, 0.0, 0)
        assert not any(worker.load_s for worker in left.workers)
        assert not world.drawing()
    return world


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 4), st.lists(blows, max_size=12), st.lists(orders, min_size=1, max_size=20))
def test_nothing_is_lost_and_nothing_handed_out_twice(
    count: int, strikes: list[Blow], wanted: list[Order]
) -> None:
    world = virtual.run(play(count, strikes, wanted))
    told = Counter(world.witness.told)
    for number in range(len(wanted)):
        assert told[Action.DONE, f"j{number}"] == 1
        came_back = told[Action.REQUEUED, f"j{number}"]
        assert told[Action.ADMITTED, f"j{number}"] == 1 + came_back


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.lists(blows, max_size=8), moments)
def test_who_pays_overtakes_all_that_wait_for_free(count: int, strikes: list[Blow], at_s: float) -> None:
    crowd = [Order(0.0, "free", f"m{n % 7}", 4) for n in range(30)]
    world = virtual.run(play(count, strikes, [*crowd, Order(at_s, "paid", "p", 4)]))
    told = world.witness.told
    came, went = told.index((Action.SUBMITTED, "j30")), told.index((Action.ADMITTED, "j30"))
    overtaking = {job for action, job in told[came:went] if action is Action.ADMITTED}
    given_back = {job for action, job in told[:went] if action is Action.REQUEUED}
    assert overtaking <= given_back, "the next free place is its, but for what a worker lost"
