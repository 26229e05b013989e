"""The front: the same promises as the engine's, whatever happens to the workers."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from engine.fleet.autoscale import ScaleSettings
from engine.fleet.settings import FleetSettings
from engine.front import Front
from engine.request import (
    Cancelled,
    Declined,
    Draining,
    DrawFailed,
    Drawing,
    JobState,
    ModelAway,
    OutOfMemory,
    PngFile,
    QueueFull,
    StepTimeout,
    TooLarge,
)
from engine.settings import EngineConfig
from engine.shares import ShareTerms
from engine.worker.loaded import Offered
from engine.worker.protocol import Drawn, WorkerBusy, WorkerUnfit
from engine.worker.steploop import StepLoop
from engine.worker.watchdog import Cause
from tests.engine.fakes import PROFILE, FakeClock, FakeModel, Recorder
from tests.engine.fleet import virtual
from tests.engine.fleet.simulated import SimulatedFleet, SimulatedWorker
from tests.engine.studio import TIERS, ended, request, same, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from engine.request import DrawRequest
    from engine.tickets import Ticket

QUICK = FleetSettings(
    scale=ScaleSettings(max_workers=9),
    health_every_s=0.01,
    health_timeout_s=0.2,
    tries=3,
    aside_s=0.05,
    unmanned_alert_s=0.0,
)
SCALED_OFTEN = replace(QUICK, scale_every_s=0.01)


class Works:
    """A front with its fleet."""

    def __init__(self, fleet: SimulatedFleet, settings: FleetSettings, config: EngineConfig) -> None:
        self.fleet = fleet
        self.heard = Recorder()
        self.engine = Front(
            fleet=fleet,
            profile=PROFILE,
            config=config,
            settings=settings,
            clock=lambda: asyncio.get_running_loop().time(),
            observers=[self.heard],
        )

    def submit(self, *args: Any, **kwargs: Any) -> Ticket:
        return self.engine.submit(request(*args, **kwargs))

    def names(self) -> list[str]:
        return sorted(worker.name for worker in self.engine.snapshot().workers)

    def held(self) -> dict[str, int]:
        return {worker.name: worker.held for worker in self.engine.snapshot().workers}


@contextlib.asynccontextmanager
async def works(
    *workers: SimulatedWorker,
    settings: FleetSettings = QUICK,
    tiers: dict[str, ShareTerms] | None = None,
    **fleet: Any,
) -> AsyncIterator[Works]:
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: unhandled.append(what))
    world = Works(
        SimulatedFleet(workers, **fleet), settings, EngineConfig(tiers=tiers or TIERS, max_waiting=200)
    )
    async with world.engine:
        await until(lambda: len(world.names()) == len({worker.name for worker in workers}))
        yield world
    assert world.fleet.closed
    assert unhandled == []


def right(drawing: Drawing | Exception) -> bool:
    return isinstance(drawing, Drawing) and same(
        drawing.image, FakeModel().picture_of(replace(drawing.request, waited_s=0.0))
    )


async def all_right(tickets: Sequence[Ticket]) -> bool:
    return all(right(outcome) for outcome in await asyncio.gather(*map(ended, tickets)))


async def test_jobs_are_spread_and_each_is_drawn_once() -> None:
    one, two = SimulatedWorker("one"), SimulatedWorker("two", gpu="NVIDIA L4")
    async with works(one, two) as world:
        tickets = [world.submit(f"j{n}", flow=f"f{n}") for n in range(40)]
        assert await all_right(tickets)
        assert sorted(one.drawn + two.drawn) == sorted(ticket.job_id for ticket in tickets)
        assert min(len(one.drawn), len(two.drawn)) >= 15
        drawing = await tickets[-1].result()
        assert (drawing.usage.worker, drawing.usage.gpu) in {("one", "NVIDIA A10G"), ("two", "NVIDIA L4")}
        assert world.engine.snapshot().done == 40


async def test_a_window_keeps_the_order_in_our_queue() -> None:
    worker = SimulatedWorker("one")
    worker.gate.clear()
    async with works(worker) as world:
        many = [
            world.engine.submit(request(f"many{n}", "paid", "many"), accepted_before=True) for n in range(20)
        ]
        assert world.held() == {"one": 4}, "three places and one to spare"
        late = world.submit("late", "paid", "late")
        worker.gate.set()
        assert await all_right([*many, late])
        assert worker.drawn.index("late") <= 6, "not behind the nineteen of another"


async def test_twice_as_fast_gets_twice_the_work() -> None:
    device: dict[str, float] = {"slow": 0.0, "fast": 0.0}
    order: asyncio.Condition = asyncio.Condition()

    def ticking(name: str):  # type: ignore[no-untyped-def]
        async def tick(seconds: float) -> None:
            """Virtual time: whoever is behind goes first."""
            async with order:
                await order.wait_for(lambda: device[name] <= min(device.values()))
                device[name] += seconds
                order.notify_all()

        return tick

    twice = replace(PROFILE, step_s=replace(PROFILE.step_s, points=((4096, 0.5),)))
    slow = SimulatedWorker("slow", tick=ticking("slow"))
    fast = SimulatedWorker("fast", profile=twice, tick=ticking("fast"))
    async with works(slow, fast) as world:
        tickets = [world.submit(f"j{n}", flow=f"f{n}") for n in range(30)]
        await until(lambda: len(slow.drawn) + len(fast.drawn) >= 20)
        share = len(fast.drawn) / (len(slow.drawn) + len(fast.drawn))
        device["slow"] = device["fast"] = -1e9
        async with order:
            order.notify_all()
        for ticket in tickets:
            ticket.cancel()
        assert 0.55 < share < 0.8


class SlowerThanTold(SimulatedWorker):
    """Each job takes twenty times as long as the profile says; holds once one that pays is drawn."""

    async def draw(self, request: DrawRequest, *args: Any, **kwargs: Any) -> Drawing:
        drawing = await super().draw(request, *args, **kwargs)
        if request.tier == "paid":
            self.gate.clear()
        return replace(drawing, usage=replace(drawing.usage, gpu_s=20 * drawing.usage.gpu_s))


async def test_the_first_to_draw_on_a_slow_machine_does_not_pay_for_what_nobody_knew() -> None:
    worker = SlowerThanTold("one")
    async with works(worker) as world:
        free = [
            world.engine.submit(request(f"f{n}", "free", f"f{n}"), accepted_before=True) for n in range(12)
        ]
        first = world.submit("first", "paid")
        await first.result()
        await until(lambda: world.held() == {"one": 4})
        second = world.submit("second", "paid")
        await until(lambda: world.held() == {"one": 5})
        worker.gate.set()
        await second.result()
        worker.gate.set()
        await all_right(free)


def test_a_download_takes_as_long_as_it_takes() -> None:
    worker = SimulatedWorker("one", tick=asyncio.sleep)
    worker.fetch_s = 2 * FleetSettings().start_timeout_s

    async def play() -> None:
        world = Works(SimulatedFleet([worker]), FleetSettings(), EngineConfig(tiers=TIERS))
        async with world.engine:
            assert right(await world.submit("a").result())

    virtual.run(play())
    assert worker.starts == 1


async def test_a_dead_workers_jobs_are_drawn_elsewhere() -> None:
    one, two = SimulatedWorker("one"), SimulatedWorker("two")
    one.gate.clear()
    async with works(one, two) as world:
        tickets = [world.submit(f"j{n}", flow=f"f{n}") for n in range(8)]
        await until(lambda: len(one.jobs) == 4)
        one.die()
        assert await all_right(tickets)
        assert len(two.drawn) == 8
        assert world.names() == ["two"]
        assert len(world.heard.of("worker_lost")) == 1
        assert len(world.heard.of("job_requeued")) == 4
        assert world.fleet.gone == ["one"]
        assert one.stops == 1


async def test_a_hung_worker_is_left() -> None:
    one, two = SimulatedWorker("one"), SimulatedWorker("two")
    one.gate.clear()
    async with works(one, two) as world:
        tickets = [world.submit(f"j{n}", flow=f"f{n}") for n in range(8)]
        await until(lambda: len(one.jobs) == 4)
        one.hangs.set()
        one.gate.set()
        assert await all_right(tickets)
        assert len(two.drawn) == 8


async def test_what_comes_back_has_its_old_place() -> None:
    one, two = SimulatedWorker("one", max_active=1), SimulatedWorker("two", max_active=1)
    one.gate.clear()
    two.gate.clear()
    async with works(one, two) as world:
        first = [world.submit(f"first{n}", "paid", f"f{n}") for n in range(4)]
        await until(lambda: len(one.jobs) == len(two.jobs) == 2)
        lost = sorted(one.jobs)
        later = [world.submit(f"later{n}", "paid", f"l{n}") for n in range(4)]
        one.die()
        await until(lambda: world.names() == ["two"])
        positions = {ticket.job_id: ticket.progress().position for ticket in [*first, *later]}
        assert all(positions[job] < positions[ticket.job_id] for job in lost for ticket in later)
        two.gate.set()
        assert await all_right([*first, *later])
        assert {job[:5] for job in two.drawn[:4]} == {"first"}


async def test_no_worker_left_the_queue_waits_and_goes_on() -> None:
    one = SimulatedWorker("one")
    one.gate.clear()
    async with works(one, settings=SCALED_OFTEN) as world:
        ticket = world.submit("a")
        await until(lambda: bool(one.jobs))
        one.die()
        await until(lambda: not world.names())
        progress = ticket.progress()
        assert progress.unmanned
        assert progress.state is JobState.QUEUED
        another = world.submit("b")
        assert another.progress().unmanned
        await until(lambda: any(alert.cause is Cause.NO_WORKER for alert in world.heard.alerts))
        world.fleet.hire(SimulatedWorker("two"))
        assert await all_right([ticket, another])


async def test_what_every_worker_fails_on_is_failed_in_the_end() -> None:
    workers = [SimulatedWorker(name) for name in "abc"]
    async with works(*workers) as world:
        for worker in workers:
            worker.fails = [DrawFailed("poison")] * 3
        outcome = await ended(world.submit("poison"))
        assert isinstance(outcome, DrawFailed)
        assert len(world.heard.of("job_requeued")) == 2, "three attempts"
        assert len(world.names()) == 3


def test_a_worker_that_fails_again_and_again_is_replaced_and_tried_with_one_job() -> None:
    def fresh(worker: SimulatedWorker) -> SimulatedWorker:
        return SimulatedWorker(worker.name, tick=asyncio.sleep)

    good, bad = (SimulatedWorker(name, tick=asyncio.sleep) for name in ("good", "bad"))
    bad.fails = [StepTimeout("no answer")] * 3
    settings = FleetSettings(scale=ScaleSettings(min_workers=2, max_workers=2))

    async def play() -> None:
        async with works(good, bad, settings=settings, refills=fresh) as world:
            tickets = [world.submit(f"j{n}", flow=f"f{n}") for n in range(8)]
            assert await all_right(tickets)
            [alert] = [alert for alert in world.heard.alerts if alert.cause is Cause.WORKER_ASIDE]
            assert alert.details["worker"] == "bad"
            assert bad.stops == 1
            await asyncio.sleep(settings.aside_s)
            assert world.names() == ["bad", "good"]
            windows = {worker.name: worker.window for worker in world.engine.snapshot().workers}
            assert windows["bad"] == 1, "one job to see"
            more = [world.submit(f"k{n}", flow=f"f{n}") for n in range(12)]
            assert await all_right(more)
            windows = {worker.name: worker.window for worker in world.engine.snapshot().workers}
            assert windows["bad"] == windows["good"]

    virtual.run(play())


async def test_what_does_not_fit_one_worker_is_drawn_by_another() -> None:
    small, large = SimulatedWorker("a-small"), SimulatedWorker("large")
    small.fails = [TooLarge("does not fit")] * 5
    async with works(small, large) as world:
        assert right(await ended(world.submit("big")))
        assert large.drawn == ["big"]
        large.fails = [OutOfMemory("nor here")]
        assert isinstance(await ended(world.submit("huge", seed=2)), OutOfMemory | TooLarge)


def drawing_with(worker: SimulatedWorker, models: str) -> SimulatedWorker:
    """Its models are called by single letters."""
    drawn = tuple(Drawn(replace(PROFILE, name=name), name) for name in models)
    worker.card = replace(worker.card, models=drawn)
    return worker


async def test_workers_with_other_models_are_sent_only_jobs_of_theirs() -> None:
    one, two = drawing_with(SimulatedWorker("one"), "ab"), drawing_with(SimulatedWorker("two"), "bc")
    async with works(one, two) as world:
        tickets = [
            world.submit(f"{model}{n}", flow=f"f{n}", seed=n, model=model)
            for n in range(6)
            for model in "abc"
        ]
        assert await all_right(tickets)
        assert ({job[0] for job in one.drawn}, {job[0] for job in two.drawn}) == ({*"ab"}, {*"bc"})
        with pytest.raises(ModelAway, match="'d'"):
            world.submit("d", model="d")


async def test_a_job_waits_for_a_model_that_is_to_come_back_and_is_refused_once_that_has_left() -> None:
    one, two, again = (
        drawing_with(SimulatedWorker(name), models)
        for name, models in (("one", "ab"), ("two", "bc"), ("two", "bc"))
    )
    spare = [again]
    async with works(one, two, refills=lambda _: spare.pop() if spare else None) as world:
        two.die()
        await until(lambda: world.names() == ["one"])
        assert right(await ended(world.submit("waits", model="c")))
        await world.engine.drain("two")
        with pytest.raises(ModelAway, match="'c'"):
            world.submit("refused", model="c")


async def test_another_version_of_the_model_is_refused() -> None:
    one = SimulatedWorker("one")
    async with works(one) as world:
        other = SimulatedWorker("other", fingerprint="two")
        world.fleet.hire(other)
        await until(lambda: bool(world.heard.of("worker_refused")))
        assert world.names() == ["one"]
        await until(lambda: other.stops == 1)
        [alert] = [alert for alert in world.heard.alerts if alert.cause is Cause.WORKER_REFUSED]
        assert "another version of the model, two, not one" in alert.message


async def test_a_worker_that_would_draw_otherwise_is_refused() -> None:
    one, unfit = SimulatedWorker("one"), SimulatedWorker("unfit")
    unfit.unfit = WorkerUnfit("it paints dogs")
    async with works(one) as world:
        world.fleet.hire(unfit)
        await until(lambda: bool(world.heard.of("worker_refused")))
        await until(lambda: unfit.stops == 1)
        [alert] = [alert for alert in world.heard.alerts if alert.cause is Cause.WORKER_REFUSED]
        assert alert.message == "unfit: it paints dogs"
        assert world.names() == ["one"]


async def test_a_busy_worker_is_left_alone_for_a_while_and_is_not_to_blame() -> None:
    one = SimulatedWorker("one")
    one.fails = [WorkerBusy("slow down", 0.05)]
    async with works(one) as world:
        ticket = world.submit("a")
        await until(lambda: bool(world.heard.of("job_requeued")))
        assert [worker.state for worker in world.engine.snapshot().workers] == ["resting"]
        assert right(await ended(ticket))
        [worker] = world.engine.snapshot().workers
        assert (worker.done, worker.failed) == (1, 0)


async def test_what_one_worker_declines_is_drawn_by_another() -> None:
    prim, easy = SimulatedWorker("a-prim"), SimulatedWorker("easy")
    prim.fails = [Declined("not here") for _ in range(9)]
    async with works(prim, easy) as world:
        tickets = [world.submit(f"j{n}", flow=f"f{n}") for n in range(9)]
        assert await all_right(tickets)
        easy.fails = [Declined("nor here")]
        prim.fails = [Declined("not here")]
        assert isinstance(await ended(world.submit("nude", seed=2)), Declined)
        assert not world.heard.of("worker_set_aside"), "a prompt nobody draws is no fault of theirs"


async def test_a_drained_worker_finishes_what_it_holds_and_leaves() -> None:
    one, two = SimulatedWorker("one"), SimulatedWorker("two")
    one.gate.clear()
    async with works(one, two) as world:
        tickets = [world.submit(f"j{n}", flow=f"f{n}") for n in range(12)]
        await until(lambda: len(one.jobs) == 4)
        leaving = asyncio.create_task(world.engine.drain("one"))
        await until(lambda: len(two.drawn) == 8)
        assert not leaving.done()
        one.gate.set()
        await leaving
        assert await all_right(tickets)
        assert len(one.drawn) == 4
        assert not world.heard.of("job_requeued")
        assert not world.heard.of("worker_lost")
        await until(lambda: world.fleet.gone == ["one"])
        with pytest.raises(KeyError):
            await world.engine.drain("one")


async def test_a_place_is_filled_again_under_the_same_name() -> None:
    def refills(worker: SimulatedWorker) -> SimulatedWorker:
        return SimulatedWorker(worker.name)

    one = SimulatedWorker("one")
    async with works(one, refills=refills) as world:
        for n in range(2):
            one.die()
            assert right(await ended(world.submit(f"j{n}")))
        assert world.fleet.gone == ["one"]


async def test_cancelling_reaches_the_worker() -> None:
    one = SimulatedWorker("one")
    one.gate.clear()
    async with works(one) as world:
        running, waiting = world.submit("a"), [world.submit(f"b{n}", flow=f"f{n}") for n in range(4)]
        await until(lambda: world.held() == {"one": 4})
        assert waiting[-1].cancel()
        assert isinstance(await ended(waiting[-1]), Cancelled)
        assert running.cancel()
        assert not running.cancel()
        await until(lambda: "a" in one.cancelled)
        one.gate.set()
        outcome = await ended(running)
        assert isinstance(outcome, Cancelled)
        assert outcome.usage.gpu_s > 0
        assert await all_right(waiting[:-1])


async def test_cancelled_with_a_worker_that_dies_is_cancelled() -> None:
    one = SimulatedWorker("one")
    one.gate.clear()
    async with works(one) as world:
        ticket = world.submit("a")
        await until(lambda: bool(one.jobs))
        one.hangs.set()
        assert ticket.cancel()
        assert isinstance(await ended(ticket), Cancelled)


async def test_stopping_hands_back_what_is_not_drawn() -> None:
    one = SimulatedWorker("one")
    one.gate.clear()
    async with works(one) as world:
        tickets = [world.submit(f"j{n}", flow=f"f{n}") for n in range(6)]
        await until(lambda: len(one.jobs) == 4)
        assert await world.engine.stop(0.0) == tuple(ticket.job_id for ticket in tickets)
        assert all([isinstance(await ended(ticket), Draining) for ticket in tickets])
        with pytest.raises(Draining):
            world.submit("late")
        await world.engine.wait()


async def test_paused_nothing_is_sent_out() -> None:
    async with works(SimulatedWorker("one")) as world:
        world.engine.pause_admission()
        ticket = world.submit("a")
        assert world.engine.snapshot().admission_paused
        assert ticket.progress().state is JobState.QUEUED
        assert ticket.progress().paused
        world.engine.resume_admission()
        assert not ticket.progress().paused
        assert right(await ended(ticket))


async def test_backlog_caps_hold_and_the_same_picture_comes_from_the_cache() -> None:
    one = SimulatedWorker("one")
    async with works(one, tiers={"free": ShareTerms(max_waiting_per_flow=1)}) as world:
        first = await ended(world.submit("a", flow="f", prompt="cat"))
        again = await ended(world.submit("b", flow="f", prompt="cat"))
        assert right(first)
        assert isinstance(again, Drawing)
        assert again.usage.cached
        assert one.drawn == ["a"]
        world.engine.clear_caches()
        await until(lambda: one.cleared == 1)
        one.gate.clear()
        world.submit("c", flow="f", prompt="c")
        with pytest.raises(QueueFull):
            world.submit("d", flow="f")


async def test_a_file_is_made_of_the_picture_whoever_drew_it_and_kept_as_such() -> None:
    wanted = PngFile((("parameters", "a cat\nSteps: 4"),))
    async with works(SimulatedWorker("one")) as world:
        first = await ended(world.submit("a", flow="f", prompt="cat", png=wanted))
        again = await ended(world.submit("b", flow="f", prompt="cat", png=wanted))
        other = await ended(world.submit("c", flow="f", prompt="cat", png=replace(wanted, watermark="easel")))
    assert isinstance(first, Drawing)
    assert isinstance(again, Drawing)
    assert isinstance(other, Drawing)
    assert first.image.info["parameters"] == "a cat\nSteps: 4"
    assert same(first.image, FakeModel().picture_of(first.request))
    assert (again.png, again.usage.cached) == (first.png, True)
    assert (same(other.image, first.image), other.usage.cached) == (False, False)


async def test_more_work_more_workers_and_the_idlest_leave() -> None:
    scale = ScaleSettings(min_workers=1, max_workers=3, work_s=8.0, cool_down_s=0.0)
    settings = replace(SCALED_OFTEN, scale=scale)
    workers = [SimulatedWorker(f"w{n}") for n in range(3)]
    for worker in workers:
        worker.gate.clear()
    async with works(*workers[:1], settings=settings) as world:
        tickets = [world.submit(f"j{n}", flow=f"f{n}") for n in range(12)]
        await until(lambda: world.fleet.wanted[-1] == 3)
        for worker in workers[1:]:
            world.fleet.hire(worker)
        await until(lambda: len(world.names()) == 3)
        for worker in workers:
            worker.gate.set()
        assert await all_right(tickets)
        await until(lambda: len(world.names()) == 1)
        assert len(world.heard.of("worker_left")) == 2
        assert not world.heard.of("worker_lost")


async def test_a_job_the_worker_knows_nothing_of_is_drawn_again() -> None:
    one, two = SimulatedWorker("one"), SimulatedWorker("two")
    one.gate.clear()
    async with works(one, two) as world:
        two.gate.clear()
        ticket = world.submit("a")
        await until(lambda: bool(one.jobs or two.jobs))
        (one if one.jobs else two).jobs.clear()
        await until(lambda: bool(world.heard.of("job_requeued")))
        one.gate.set()
        two.gate.set()
        assert right(await ended(ticket))


# With the engine itself as the worker


@contextlib.asynccontextmanager
async def engines(count: int, **changes: Any) -> AsyncIterator[tuple[Works, list[FakeModel]]]:
    models = [FakeModel(FakeClock()) for _ in range(count)]
    fleet = SimulatedFleet([])
    for n, model in enumerate(models):
        config = EngineConfig(tiers=TIERS, **changes)
        fleet.hire(StepLoop(f"w{n}", models=[Offered(model)], config=config, clock=model.clock))  # type: ignore[arg-type]
    world = Works(fleet, replace(QUICK, health_timeout_s=10.0), EngineConfig(tiers=TIERS, max_waiting=200))
    async with world.engine:
        await until(lambda: len(world.names()) == count)
        yield world, models
        for model in models:
            model.gate.open()


async def test_engines_draw_what_one_engine_draws() -> None:
    async with engines(2) as (world, models):
        tickets = [world.submit(f"j{n}", flow=f"f{n}", seed=n, preview_every=1) for n in range(16)]
        assert await all_right(tickets)
        for model in models:
            assert model.names("decode")
        totals = world.engine.snapshot().totals
        assert totals.busy_s > 0
        usage = (await tickets[0].result()).usage
        assert usage.gpu_s > 0
        assert usage.gpu == "cpu"


async def test_progress_and_previews_come_across() -> None:
    async with engines(1) as (world, [model]):
        model.gate.close()
        ticket = world.submit("a", preview_every=1)
        updates = ticket.updates()
        seen = [await anext(updates)]
        for step in range(1, 4):
            model.gate.let()
            while seen[-1].step < step:
                seen.append(await anext(updates))
        assert any(progress.preview is not None for progress in seen)
        assert seen[-1].state is JobState.RUNNING
        ticket.cancel()
        model.gate.open()
        assert isinstance(await ended(ticket), Cancelled)


async def test_who_pays_takes_a_borrowed_place_at_the_next_step() -> None:
    """The front sends one more than the window holds, and the worker's own scheduler makes room."""
    async with engines(1, max_active=1) as (world, [model]):
        model.gate.close()
        free = [world.submit(f"free{n}", "free", f"f{n}", steps=8) for n in range(4)]
        model.gate.let(2)
        await until(lambda: any(ticket.progress().step >= 1 for ticket in free))
        [began] = [ticket.job_id for ticket in free if ticket.progress().step >= 1]
        paid = world.submit("paid", "paid")
        assert world.held() == {"w0": 3}
        model.gate.open()
        assert await all_right([paid, *free])
        decoded = [jobs[0] for jobs in model.names("decode") if jobs != ("warm-up",)]
        assert decoded[0] == "paid"
        steps = [jobs for jobs in model.names("step") if began in jobs]
        assert len(steps) == 8, "it went on from where it was"
