"""Servers that speak OpenAI's image API as workers, over real HTTP: what is asked, and what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse, Response

from engine.fleet.autoscale import ScaleSettings
from engine.fleet.fleet import FixedFleet
from engine.fleet.golden import Golden
from engine.fleet.openai_worker import OpenAIWorker, Server
from engine.fleet.settings import FleetSettings
from engine.front import Front
from engine.request import Cancelled, Declined, Drawing, JobState
from engine.settings import EngineConfig
from engine.worker.watchdog import Cause
from tests.engine.fakes import PROFILE, FakeModel, Recorder
from tests.engine.fleet.image_server import MODEL, ImageServer
from tests.engine.studio import TIERS, ended, request, same
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from pathlib import Path

    from engine.tickets import Ticket

pytestmark = pytest.mark.e2e

SETTINGS = FleetSettings(
    scale=ScaleSettings(min_workers=9, max_workers=9),
    health_every_s=0.05,
    health_timeout_s=2.0,
    aside_s=0.1,
    unmanned_alert_s=0.0,
)


class House:
    """A front before servers."""

    def __init__(self, folder: Path, servers: dict[str, ImageServer], **options: Any) -> None:
        self.heard = Recorder()
        golden = Golden(folder / "golden.png", MODEL, PROFILE, tolerance=6.0)
        self.workers = [
            OpenAIWorker(
                Server(name, server.url, gpu="NVIDIA L4"),
                model=MODEL,
                profile=PROFILE,
                golden=golden,
                **({"timeout_s": 20.0} | options),
            )
            for name, server in servers.items()
        ]
        self.engine = Front(
            fleet=FixedFleet(self.workers, again_after_s=0.05),
            profile=PROFILE,
            config=EngineConfig(tiers=TIERS, max_waiting=100),
            settings=SETTINGS,
            observers=[self.heard],
        )

    def submit(self, *args: Any, **kwargs: Any) -> Ticket:
        return self.engine.submit(request(*args, **({"seed": 1} | kwargs)))

    def seats(self) -> list[str]:
        return sorted(worker.name for worker in self.engine.snapshot().workers)


@contextlib.asynccontextmanager
async def house(
    folder: Path, *servers: ImageServer, seats: int | None = None, **options: Any
) -> AsyncIterator[House]:
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server)
        world = House(folder, dict(zip("abc", servers, strict=False)), **options)
        async with world.engine:
            await until(lambda: len(world.seats()) == (len(servers) if seats is None else seats))
            yield world


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def drawn(ticket: Ticket) -> Drawing:
    outcome = await ended(ticket)
    assert isinstance(outcome, Drawing), outcome
    assert same(outcome.image, FakeModel().picture_of(replace(outcome.request, waited_s=0.0)))
    return outcome


async def test_steps_and_guidance_are_said_even_where_they_are_0(tmp_path: Path) -> None:
    vllm = ImageServer()
    async with house(tmp_path, vllm) as world:
        await drawn(world.submit("a", prompt="a cat", seed=0, steps=8))
        [body] = vllm.bodies
        assert body == {
            "model": MODEL,
            "prompt": "a cat",
            "n": 1,
            "size": "64x64",
            "response_format": "b64_json",
            "output_format": "png",
            "seed": 0,
            "num_inference_steps": 8,
            "guidance_scale": 0.0,
            "generator_device": "cpu",
        }
        assert "idempotency-key" not in vllm.headers[0]
        assert vllm.headers[0]["authorization"] == "Bearer none"
        await drawn(world.submit("b", guidance=2.0, negative_prompt="a dog"))
        assert (vllm.bodies[1]["guidance_scale"], vllm.bodies[1]["negative_prompt"]) == (2.0, "a dog")


async def test_what_a_server_does_not_tell_is_estimated(tmp_path: Path) -> None:
    vllm = ImageServer()
    async with house(tmp_path, vllm) as world:
        vllm.gate.clear()
        tickets = [world.submit(f"j{n}", flow=f"f{n}") for n in range(3)]
        await until(lambda: len(vllm.bodies) == 2)
        assert world.engine.snapshot().workers[0].held == 3, "two with the server, one in our hands"
        vllm.gate.set()
        usages = [(await drawn(ticket)).usage for ticket in tickets]
        assert all(usage.estimated and usage.billable for usage in usages)
        assert {(usage.worker, usage.gpu) for usage in usages} == {("a", "NVIDIA L4, estimated")}
        for usage in usages[:2]:
            assert 0 < usage.gpu_s < usage.denoise_s, "two were there: neither is billed the whole time"
        billed_s = sum(usage.gpu_s for usage in usages)
        await until(lambda: world.engine.snapshot().totals.busy_s >= billed_s)
        [worker] = world.engine.snapshot().workers
        assert worker.totals is not None
        assert worker.totals.idle_s > 0


async def test_another_easel_tells_what_it_took(tmp_path: Path) -> None:
    easel = ImageServer(owner="easel")
    async with house(tmp_path, easel) as world:
        usage = (await drawn(world.submit("a", steps=6))).usage
        assert (usage.gpu_s, usage.denoise_s, usage.energy_j) == (1.5, 2.0, 90.0)
        assert (usage.gpu, usage.estimated) == ("NVIDIA L4", False)
        [body] = easel.bodies
        assert (body["steps"], body["guidance"]) == (6, 0.0)
        assert not {"num_inference_steps", "guidance_scale", "generator_device"} & set(body)


async def test_previews_come_across(tmp_path: Path) -> None:
    easel = ImageServer(owner="easel")
    async with house(tmp_path, easel) as world:
        easel.gate.clear()
        ticket = world.submit("a", steps=8, preview_every=2)
        await until(lambda: ticket.progress().preview is not None)
        progress = ticket.progress()
        assert (progress.state, progress.step) == (JobState.RUNNING, 2)
        assert (easel.bodies[0]["stream"], easel.bodies[0]["partial_images"]) == (True, 3)
        easel.gate.set()
        assert (await drawn(ticket)).usage.gpu_s == 1.5


@pytest.mark.parametrize("owner", ["vllm", "easel"])
async def test_a_cancel_closes_the_request(tmp_path: Path, owner: str) -> None:
    server = ImageServer(owner=owner)
    async with house(tmp_path, server) as world:
        server.gate.clear()
        ticket = world.submit("a", preview_every=1)
        await until(lambda: len(server.bodies) == 1)
        assert ticket.cancel()
        outcome = await ended(ticket)
        assert isinstance(outcome, Cancelled)
        assert (outcome.usage.estimated, outcome.usage.billable) == (True, False)
        async with asyncio.timeout(PATIENCE_S):
            await server.left.wait()
        server.gate.set()
        await drawn(world.submit("b"))


@pytest.mark.parametrize(
    "fault",
    [
        JSONResponse({"error": {"message": "slow down"}}, 429, {"retry-after": "0"}),
        JSONResponse({"error": {"message": "no room", "code": "unavailable"}}, 503),
        JSONResponse({"error": {"message": "boom"}}, 500),
        JSONResponse({"error": {"message": "leaving", "code": "draining"}}, 503),
        JSONResponse({"error": {"message": "not that", "code": "content_policy_violation"}}, 400),
        JSONResponse({"error": {"message": "too wide"}}, 422),
        Response("<html>Bad gateway</html>", 502, media_type="text/html"),
        Response("it works", 200, media_type="text/plain"),
        Response("{", 200, media_type="application/json"),
        JSONResponse({"data": []}),
        JSONResponse({"data": {"b64_json": "x"}}),
        "no picture",
        "garbage",
        "not base64",
        "small",
    ],
    ids=lambda fault: fault if isinstance(fault, str) else f"{fault.status_code} {fault.body[:24].decode()}",
)
async def test_whatever_one_server_answers_the_job_is_drawn_once(
    tmp_path: Path, fault: Response | str
) -> None:
    good, bad = ImageServer(), ImageServer()
    async with house(tmp_path, good, bad) as world:
        bad.faults, bad.gate = [fault], good.gate
        good.gate.clear()
        tickets = [world.submit(f"j{n}", flow=f"f{n}", seed=100 + n) for n in range(6)]
        await until(lambda: not bad.faults)
        good.gate.set()
        for ticket in tickets:
            await drawn(ticket)
        assert world.engine.snapshot().done == 6
        assert len(good.bodies) + len(bad.bodies) == 7, "one was asked for twice, none a third time"
        assert len(world.heard.of("job_done")) == 6
        assert len(world.heard.of("job_requeued")) >= 1


async def test_a_busy_server_is_left_alone_as_long_as_it_asks(tmp_path: Path) -> None:
    server = ImageServer()
    async with house(tmp_path, server) as world:
        server.faults = [JSONResponse({"error": {"message": "slow down"}}, 429, {"retry-after": "1"})]
        ticket = world.submit("a")
        await until(lambda: bool(world.heard.of("job_requeued")))
        assert world.engine.snapshot().workers[0].state == "resting"
        await drawn(ticket)
        assert len(server.bodies) == 2
        assert not world.heard.of("worker_lost")


async def test_a_server_that_hangs_is_asked_no_longer_than_it_may_take(tmp_path: Path) -> None:
    good, hung = ImageServer(), ImageServer()
    async with house(tmp_path, good, hung, timeout_s=1.0) as world:
        hung.gate.clear()
        tickets = [world.submit(f"j{n}", flow=f"f{n}", seed=100 + n) for n in range(6)]
        for ticket in tickets:
            await drawn(ticket)
        assert any("no picture within 1 s" in str(e.fields) for e in world.heard.of("job_requeued"))


async def test_a_server_killed_in_the_middle_and_back_later(tmp_path: Path) -> None:
    good, mortal = ImageServer(), ImageServer()
    async with house(tmp_path, good, mortal) as world:
        mortal.gate.clear()
        good.gate.clear()
        tickets = [world.submit(f"j{n}", flow=f"f{n}", seed=100 + n) for n in range(4)]
        await until(lambda: len(mortal.bodies) == 2)
        await mortal.kill()
        good.gate.set()
        for ticket in tickets:
            await drawn(ticket)
        assert len(good.bodies) == 4
        await until(lambda: world.seats() == ["a"])
        mortal.gate.set()
        await mortal.start()
        await until(lambda: world.seats() == ["a", "b"])


async def test_nobody_there_and_the_queue_waits(tmp_path: Path) -> None:
    server = ImageServer()
    async with house(tmp_path, server) as world:
        await server.kill()
        ticket = world.submit("a")
        await until(lambda: ticket.progress().unmanned)
        await server.start()
        await drawn(ticket)
        assert len(server.bodies) == 1


async def test_another_model_is_refused(tmp_path: Path) -> None:
    good, other = ImageServer(), ImageServer(model="sdxl")
    async with house(tmp_path, good, other, seats=1) as world:
        await until(lambda: bool(world.heard.alerts))
        alert = world.heard.alerts[0]
        assert alert.cause is Cause.WORKER_REFUSED
        assert alert.message == "b: it serves sdxl, not fake"
        assert world.seats() == ["a"]


async def test_a_server_that_does_not_know_our_key_is_refused(tmp_path: Path) -> None:
    good, closed = ImageServer(), ImageServer()
    refusal = {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}
    closed.refusal = JSONResponse(refusal, 401)
    async with house(tmp_path, good, closed, seats=1) as world:
        await until(lambda: bool(world.heard.alerts))
        alert = world.heard.alerts[0]
        assert alert.cause is Cause.WORKER_REFUSED
        assert alert.message.startswith("b: ")
        assert "Incorrect API key" in alert.message
        good.refusal = closed.refusal  # withdrawn while it works: lost, and looked for again
        await until(lambda: bool(world.heard.of("worker_lost")))
        assert not world.seats()


async def test_a_server_that_draws_otherwise_is_refused(tmp_path: Path) -> None:
    first = ImageServer()
    async with house(tmp_path, first):
        assert (tmp_path / "golden.png").exists()
    strange = ImageServer()
    strange.strange = True
    async with house(tmp_path, strange, seats=0) as world:
        ticket = world.submit("a")
        await until(lambda: bool(world.heard.alerts))
        alert = world.heard.alerts[0]
        assert alert.cause is Cause.WORKER_REFUSED
        assert "golden.png" in alert.message
        assert not strange.bodies, "it is not asked for a member's picture"
        strange.strange = False
        await drawn(ticket)


async def test_a_server_without_credit_is_refused_until_it_has_some(tmp_path: Path) -> None:
    server = ImageServer()
    async with house(tmp_path, server) as world:
        quota = {"error": {"message": "this month's cap", "code": "insufficient_quota"}}
        server.faults = [JSONResponse(quota, 429)]
        await drawn(world.submit("a"))
        [lost] = world.heard.of("worker_lost")
        assert "this month's cap" in str(lost.fields["reason"])


async def test_an_easel_that_drew_something_else_is_not_believed(tmp_path: Path) -> None:
    easel = ImageServer(owner="easel")
    async with house(tmp_path, easel) as world:
        drew = {"seed": 1, "steps": 2, "guidance": 0.0}
        facts = {"easel": drew | {"gpu_s": 1.0, "draw_s": 1.0}}
        picture = easel.picture({"prompt": "a cat", "size": "64x64", **drew}, "")
        body = {"data": [{"b64_json": picture} | facts]} | facts
        easel.faults = [JSONResponse(body)]
        outcome = await ended(world.submit("a", steps=4))
        assert isinstance(outcome, Declined)
        assert "steps" in str(outcome)


@pytest.mark.parametrize("ends", ["drawn", "cancelled", "unreadable", "killed"])
async def test_no_answer_is_left_half_read(tmp_path: Path, ends: str) -> None:
    """A generator of the client's that is collected half-way closes itself some time later, or never."""
    half_read: list[str] = []
    hooks = sys.get_asyncgen_hooks()

    def collected(generator: AsyncGenerator[object, None]) -> None:
        half_read.append(generator.__qualname__)
        hooks.finalizer(generator)

    easel = ImageServer(owner="easel")
    async with house(tmp_path, easel) as world:
        sys.set_asyncgen_hooks(hooks.firstiter, collected)
        try:
            easel.gate.clear()
            easel.faults = ["garbage"] if ends == "unreadable" else []
            ticket = world.submit("a", steps=8, preview_every=2)
            await until(lambda: ticket.progress().preview is not None or ends == "unreadable")
            match ends:
                case "cancelled":
                    ticket.cancel()
                case "killed":
                    await easel.kill()
                    await until(lambda: not world.seats())
                    ticket.cancel()
            easel.gate.set()
            await ended(ticket)
            gc.collect()
        finally:
            sys.set_asyncgen_hooks(*hooks)
    assert half_read == []
