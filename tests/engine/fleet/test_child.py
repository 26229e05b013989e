"""A worker in a process of its own: it draws the same, and whatever befalls it, its jobs are drawn."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.build import LOCAL, local_front
from engine.fleet.child import ChildWorker
from engine.fleet.fleet import FixedFleet
from engine.front import Front
from engine.request import Cancelled, ModelLost, PngFile
from engine.settings import EngineConfig
from engine.worker.watchdog import Cause, WatchdogSettings
from tests.engine.fakes import FakeClock, FakeModel, Recorder
from tests.engine.fleet.raycluster import SlowModel
from tests.engine.studio import TIERS, ended, request, same, until
from tests.engine.test_inputs import Shelf, png
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from engine.events import Observer
    from engine.fleet.settings import FleetSettings
    from engine.worker.steploop import StepLoop

pytestmark = pytest.mark.e2e

CONFIG = EngineConfig(tiers=TIERS, watchdog=WatchdogSettings(keep_warm_every_s=None))
PATIENT = replace(LOCAL, health_timeout_s=600.0)
"""No process is taken for hung because this machine is busy."""


def slow_worker(folder: Path, name: str, observers: Sequence[Observer]) -> StepLoop:
    """In the child: a model whose steps take a while."""
    from engine.worker.loaded import Offered
    from engine.worker.steploop import StepLoop

    return StepLoop(name, models=[Offered(SlowModel(folder, 0.02))], config=CONFIG, observers=observers)


def broken_worker(name: str, observers: Sequence[Observer]) -> StepLoop:
    """In the child: a model that does not load."""
    from engine.worker.loaded import Offered
    from engine.worker.steploop import StepLoop

    def fail(_: object) -> None:
        raise OSError("no such folder")

    model = FakeModel(FakeClock())
    model.before["load"] = fail
    return StepLoop(name, models=[Offered(model)], config=CONFIG, observers=observers)


def children() -> set[int]:
    """The processes this one has started, by id."""
    (tasks,) = Path("/proc/self/task").glob(f"{os.getpid()}/children")
    return {int(pid) for pid in tasks.read_text().split()}


@contextlib.asynccontextmanager
async def child(
    folder: Path, *, imports: Sequence[str] = (), settings: FleetSettings = PATIENT
) -> AsyncIterator[tuple[Front, ChildWorker, Recorder]]:
    heard, worker = Recorder(), ChildWorker("local", partial(slow_worker, folder), imports=imports)
    fleet = FixedFleet([worker], again_after_s=0.0, on_close=worker.close)
    front = Front(fleet=fleet, config=CONFIG, settings=settings, observers=[heard])
    async with front:
        yield front, worker, heard


async def test_it_draws_what_this_process_would_and_tells_how_it_goes(tmp_path: Path) -> None:
    async with child(tmp_path) as (front, worker, heard):
        assert worker.pid not in (None, os.getpid())
        ticket = front.submit(request("a", preview_every=1))
        seen = [progress async for progress in ticket.updates()]
        drawing = await ticket.result()
        assert same(drawing.image, FakeModel().picture_of(drawing.request))
        assert (drawing.usage.worker, drawing.usage.gpu) == ("", "")
        assert {progress.step for progress in seen} >= {1, 2, 3}
        await until(lambda: bool(heard.works))
        filed = await front.submit(request("f", png=PngFile((("parameters", "a fox"),)))).result()
        assert same(filed.image, FakeModel().picture_of(filed.request))
        assert filed.image.info["parameters"] == "a fox"
        waiting = front.submit(request("b", steps=500))
        await until(lambda: waiting.progress().step > 0)
        assert waiting.cancel()
        assert isinstance(await ended(waiting), Cancelled)


async def test_a_killed_process_is_replaced_and_its_jobs_are_drawn(tmp_path: Path) -> None:
    async with child(tmp_path) as (front, worker, heard):
        tickets = [front.submit(request(f"{n}", steps=9, seed=n)) for n in range(6)]
        await until(lambda: tickets[0].progress().step > 2)
        first = worker.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        for ticket in tickets:
            drawing = await ticket.result()
            assert same(drawing.image, FakeModel().picture_of(replace(drawing.request, waited_s=0.0)))
        assert worker.pid != first
        (alert,) = [alert for alert in heard.alerts if alert.cause is Cause.WORKER_LOST]
        assert "SIGKILL" in alert.message
        done = [event.job_id for event in heard.of("job_done")]
        assert sorted(done, key=str) == sorted(f"{n}" for n in range(6)), "each is handed out once"


async def test_a_stopped_process_is_replaced_and_its_jobs_are_drawn(tmp_path: Path) -> None:
    quick = replace(LOCAL, health_every_s=0.1, health_timeout_s=2.0, attempts=100)
    async with child(tmp_path, settings=quick) as (front, worker, heard):
        tickets = [front.submit(request(f"{n}", steps=9, seed=n)) for n in range(6)]
        await until(lambda: tickets[0].progress().step > 2)
        first = worker.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        for ticket in tickets:
            drawing = await ticket.result()
            assert same(drawing.image, FakeModel().picture_of(replace(drawing.request, waited_s=0.0)))
        assert first not in children(), "it would keep the device"
        assert Cause.HUNG_STEP in {alert.cause for alert in heard.alerts}


async def test_a_spare_process_takes_over_from_a_lost_one_if_it_lives(tmp_path: Path) -> None:
    before = children()
    async with child(tmp_path, imports=["json"]) as (front, worker, _):
        first, ours = worker.pid, children() - before
        assert first is not None
        (spare,) = ours - {first}
        os.kill(first, signal.SIGKILL)
        await front.submit(request("a")).result()
        assert worker.pid == spare
        (another,) = children() - before - ours
        os.kill(another, signal.SIGKILL)
        await until(lambda: another not in children())
        os.kill(spare, signal.SIGKILL)
        assert (await front.submit(request("b")).result()).usage.gpu_s > 0
    assert children() == before, "none is left behind"


async def test_libraries_do_not_fill_the_log_at_import(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with child(tmp_path, imports=("torchao",)) as (front, _, _):
        await front.submit(request("a")).result()
    assert capfd.readouterr().err == ""


async def test_a_model_that_does_not_load_is_told_at_the_start() -> None:
    front = local_front(ChildWorker("local", broken_worker), CONFIG, replaces=True)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ModelLost, match="no such folder"):
            await front.start()


async def test_a_picture_goes_to_the_process_once(tmp_path: Path) -> None:
    worker = ChildWorker("local", partial(slow_worker, tmp_path))
    shelf = Shelf()
    source = shelf.put(png("red"))
    async with local_front(worker, CONFIG, replaces=True, read=shelf.read) as front:
        jobs = [request(f"j{n}", inputs=(source,)) for n in range(3)]
        await asyncio.gather(*(front.submit(job).result() for job in jobs))
        assert len(shelf.read_for) == 1
        os.kill(worker.pid or 0, signal.SIGKILL)
        await front.submit(request("again", inputs=(source,))).result()
    assert len(shelf.read_for) == 2, "another process has to be sent it again"
