"""The front over a real Ray: what breaks there is drawn again, comes out the same, and is charged once."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("ray")

import ray

from engine.build import build_engine
from engine.fleet.settings import FleetSettings
from engine.request import Adapter, Cancelled, Drawing, DrawRequest, JobState, ModelAway
from engine.settings import EngineConfig
from tests.engine.fakes import FakeModel, Recorder
from tests.engine.fleet.raycluster import (
    INK,
    ONE_THREAD,
    Herd,
    actors,
    front_on,
    of_two_kinds,
    ray_cluster,
)
from tests.engine.studio import ended, request, same
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from engine.front import Front
    from engine.tickets import Ticket

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning"
    ),
]

QUICK = FleetSettings(health_every_s=0.2, health_timeout_s=3.0, aside_s=0.5, attempts=99)
"""A busy machine may take a worker for hung that is not: that costs time, and nothing else."""
PATIENT = replace(QUICK, health_timeout_s=PATIENCE_S)


@pytest.fixture(scope="module")
def head() -> Iterator[Any]:
    cluster = ray_cluster(cpus=2)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def herd(tmp_path: Path) -> Herd:
    return Herd(tmp_path)


async def until(condition: Callable[[], bool]) -> None:
    """Other processes are waited for here, so the loop sleeps a little between looks."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def workers(engine: Front) -> int:
    return len(engine.snapshot().workers)


def submit_many(engine: Front, count: int, **more: Any) -> list[Ticket]:
    return [engine.submit(request(f"j{n}", flow=f"f{n % 4}", seed=n, **more)) for n in range(count)]


def right(drawing: Drawing) -> bool:
    asked: DrawRequest = replace(drawing.request, waited_s=0.0)
    return same(drawing.image, FakeModel().picture_of(asked))


async def all_right_once(tickets: Sequence[Ticket], heard: Recorder) -> None:
    """Each picture as one machine would have drawn it, each told and billed once."""
    async with asyncio.timeout(PATIENCE_S):
        drawings = [await ticket.result() for ticket in tickets]
    assert all(map(right, drawings))
    assert all(drawing.usage.billable for drawing in drawings)
    done = [event.job_id for event in heard.of("job_done")]
    assert sorted(done) == sorted(ticket.job_id for ticket in tickets)


async def test_progress_previews_cancel_and_usage_come_across(
    head: Any, herd: Herd, capfd: pytest.CaptureFixture[str]
) -> None:
    async with front_on(head.address, 2, build=herd.build, settings=QUICK) as engine:
        await until(lambda: workers(engine) == 2)
        ticket = engine.submit(request("a", steps=8, preview_every=2))
        seen = [progress async for progress in ticket.updates()]
        assert {JobState.RUNNING, JobState.DONE} <= {progress.state for progress in seen}
        assert any(progress.preview is not None for progress in seen)
        drawing = await ticket.result()
        assert right(drawing)
        assert drawing.usage.gpu == "fake"
        assert drawing.usage.worker in ("worker-1", "worker-2")
        endless = engine.submit(request("b", steps=10_000))
        await until(lambda: endless.progress().step > 1)
        assert endless.cancel()
        outcome = await ended(endless)
        assert isinstance(outcome, Cancelled)
        assert outcome.usage.denoise_s > 0
        await until(lambda: not any(w.device and w.device.active for w in engine.snapshot().workers))
    assert "autoscaler_not_told" not in capfd.readouterr().out


async def test_a_killed_worker_and_one_that_hangs(head: Any, herd: Herd) -> None:
    heard = Recorder()
    async with front_on(head.address, 2, build=herd.build, settings=QUICK, observers=[heard]) as engine:
        await until(lambda: workers(engine) == 2)
        tickets = submit_many(engine, 24)
        await until(lambda: len(heard.of("job_done")) >= 2)
        killed = herd.pids()[0]
        herd.signal(killed)
        await until(lambda: bool(heard.of("worker_lost")))
        await until(lambda: workers(engine) == 2)
        lost = len(heard.of("worker_lost"))
        hanging = herd.pids()[0]
        herd.signal(hanging, signal.SIGSTOP)
        await until(lambda: len(heard.of("worker_lost")) > lost)
        await all_right_once(tickets, heard)
        await until(lambda: hanging not in herd.pids())
        assert heard.of("job_requeued")


async def test_a_lost_node(head: Any, herd: Herd) -> None:
    heard = Recorder()
    node = head.add_node(num_cpus=1, object_store_memory=80 << 20)
    async with front_on(head.address, 3, build=herd.build, settings=QUICK, observers=[heard]) as engine:
        await until(lambda: workers(engine) == 3)
        tickets = submit_many(engine, 18, steps=30)
        await until(lambda: all(worker.held for worker in engine.snapshot().workers))
        head.remove_node(node, allow_graceful=False)
        await until(lambda: bool(heard.of("worker_lost")))
        await all_right_once(tickets, heard)
        await until(lambda: workers(engine) == 2)


async def test_a_full_object_store(head: Any, herd: Herd) -> None:
    import ray

    heard = Recorder()
    async with front_on(head.address, 2, build=herd.build, settings=QUICK, observers=[heard]) as engine:
        await until(lambda: workers(engine) == 2)
        kept = [await asyncio.to_thread(ray.put, bytes(8 << 20)) for _ in range(12)]
        tickets = submit_many(engine, 6, width=512, height=512)
        await all_right_once(tickets, heard)
        assert len(kept) == 12


async def test_a_drained_worker_is_replaced_while_the_other_draws(head: Any, herd: Herd) -> None:
    heard = Recorder()
    async with front_on(head.address, 2, build=herd.build, settings=PATIENT, observers=[heard]) as engine:
        await until(lambda: workers(engine) == 2)
        tickets = submit_many(engine, 16)
        before = herd.pids()
        async with asyncio.timeout(PATIENCE_S):
            await engine.drain("worker-1")
        await until(lambda: workers(engine) == 2)
        assert len(set(herd.pids()) - set(before)) == 1
        await all_right_once(tickets, heard)
        assert not heard.of("job_requeued")
        assert not heard.of("worker_lost")


async def test_actors_with_other_models_are_sent_only_jobs_of_theirs(head: Any) -> None:
    async with front_on(head.address, 2, build=of_two_kinds, settings=PATIENT) as engine:
        await until(lambda: workers(engine) == 2)
        asked = [
            request(f"{model}{n}", flow=f"f{n}", seed=n, model=model) for n in range(4) for model in "abc"
        ]
        tickets = [engine.submit(one) for one in asked]
        async with asyncio.timeout(PATIENCE_S):
            drawings = [await ticket.result() for ticket in tickets]
        assert all(map(right, drawings))
        drawn = {(drawing.request.model, drawing.usage.worker) for drawing in drawings}
        assert {pair for pair in drawn if pair[0] != "b"} == {("a", "worker-1"), ("c", "worker-2")}
        with pytest.raises(ModelAway):
            engine.submit(request("d", model="d"))


@pytest.mark.model
async def test_the_embedded_model_draws_the_same_with_a_worker_killed(head: Any) -> None:
    """As one engine does here, but for what a shared forward rounds otherwise; every third with a LoRA."""
    ink = Adapter("ink", 0.8, INK.digest)
    asked = [
        DrawRequest("an orange cat on a green meadow", 128, 128, 4, seed=n, flow=f"f{n}",
                    adapters=() if n % 3 else (ink,), job_id=f"m{n}")
        for n in range(10)
    ]  # fmt: skip
    async with build_engine(ONE_THREAD, EngineConfig(result_cache_bytes=0)) as alone:
        expected = [(await alone.submit(one).result()).image for one in asked]
    heard = Recorder()
    # A model that loads keeps a process from answering; that it was killed, Ray tells at once.
    settings = FleetSettings(health_every_s=0.5, health_timeout_s=PATIENCE_S, aside_s=1.0)
    async with front_on(head.address, 2, settings=settings, observers=[heard]) as engine:
        tickets = [engine.submit(one) for one in asked]
        async with asyncio.timeout(PATIENCE_S):
            await tickets[0].result()
            os.kill(next(actors(head)), signal.SIGKILL)
            drawings = [await ticket.result() for ticket in tickets]
    assert len(heard.of("job_done")) == len(asked)
    for drawing, image in zip(drawings, expected, strict=True):
        apart = np.asarray(drawing.image, np.int16) - np.asarray(image, np.int16)
        assert np.abs(apart).max() <= 1


@pytest.fixture(params=["forgets", "remembers"])
def memory(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    unused_tcp_port: int,
) -> Iterator[bool]:
    """Whether a head that comes back knows of the time before, from what Redis kept for it."""
    if request.param == "forgets":
        yield False
        return
    program = shutil.which("redis-server") or pytest.skip("needs redis-server")
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    options = {"port": unused_tcp_port, "save": "", "dir": folder, "unixsocket": socket}
    command = [program, *(str(word) for key, value in options.items() for word in (f"--{key}", value))]
    monkeypatch.setenv("RAY_REDIS_ADDRESS", f"127.0.0.1:{unused_tcp_port}")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as redis:
        while not socket.exists():
            assert redis.poll() is None, "it did not start"
            time.sleep(0.02)
        yield True
        redis.terminate()


async def test_the_head_is_gone_and_comes_back(herd: Herd, memory: bool) -> None:
    """Its process alone: the workers live on, but the connection to them has ended."""
    heard = Recorder()
    cluster = ray_cluster(cpus=2)
    port = int(cluster.address.rpartition(":")[2])
    lost_soon = {"look_every_s": 0.2, "head_timeout_s": 1.0}
    try:
        async with front_on(
            cluster.address, 2, build=herd.build, settings=QUICK, observers=[heard], **lost_soon
        ) as engine:
            await until(lambda: workers(engine) == 2)
            tickets = submit_many(engine, 60)
            await until(lambda: len(heard.of("job_done")) >= 2)
            cluster.head_node.kill_gcs_server()
            await until(lambda: workers(engine) == 0)
            await until(lambda: tickets[-1].progress().unmanned or tickets[-1].done)
            if memory:  # the nodes stayed, and with them, for now, the actors and all that these hold
                cluster.head_node.start_gcs_server()
            else:
                await until(lambda: not ray.is_initialized())  # a driver that still has its node dies with it
                rest = cluster.head_node
                await asyncio.to_thread(rest.kill_all_processes, check_alive=False, allow_graceful=False)
                cluster = ray_cluster(2, gcs_server_port=port)
            await all_right_once(tickets, heard)
            # None of the time before is left running.
            await until(lambda: len(herd.pids()) == workers(engine))
    finally:
        cluster.shutdown()
