"""Pictures that come with a request: read by their digest, sent to each worker once, opened there."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from engine.build import engine_with, local_front
from engine.events import Action, Phase
from engine.families.profile import Curve
from engine.fleet.autoscale import ScaleSettings
from engine.fleet.settings import FleetSettings
from engine.front import Front
from engine.request import Cancelled, ControlKind, Input, JobState, Role, Undrawable, UnreadableInput
from engine.settings import EngineConfig
from engine.worker.loaded import Offered
from engine.worker.protocol import Drawn
from engine.worker.steploop import StepLoop
from tests.engine.fakes import PROFILE, FakeModel, Recorder
from tests.engine.fleet.simulated import SimulatedFleet, SimulatedWorker
from tests.engine.studio import PLAIN, request, until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.inputs import Reader

SETTINGS = FleetSettings(scale=ScaleSettings(max_workers=9), health_every_s=0.01, tries=3)


def png(colour: str, mode: str = "RGB") -> bytes:
    buffer = BytesIO()
    Image.new(mode, (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


class Shelf:
    """Where the bot keeps pictures."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.read_for: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    def put(self, file: bytes, role: Role = Role.INIT, **more: float) -> Input:
        digest = hashlib.sha256(file).hexdigest()
        self.files[digest] = file
        return Input(role, digest, **more)

    async def read(self, digest: str) -> bytes:
        self.read_for.append(digest)
        await self.open.wait()
        return self.files[digest]


def fleet_front(read: Reader, *workers: SimulatedWorker) -> Front:
    return Front(fleet=SimulatedFleet(workers), profile=PROFILE, config=PLAIN, settings=SETTINGS, read=read)


async def test_a_model_begins_with_the_pictures_of_the_request_in_its_order() -> None:
    shelf, model = Shelf(), FakeModel()
    inputs = (shelf.put(png("red"), strength=0.5), shelf.put(png("white", "1"), Role.MASK))
    async with engine_with(model, read=shelf.read) as engine:
        await engine.submit(request("a", inputs=inputs)).result()
        await engine.submit(request("b")).result()
    assert model.seen["a"] == [("RGB", (64, 64)), ("L", (64, 64))]
    assert model.seen["b"] == []


@pytest.mark.parametrize("file", [None, b"not a picture", png("red")[:-30]])
async def test_a_picture_that_cannot_be_read_fails_its_job_once_and_costs_nothing(file: bytes | None) -> None:
    shelf, heard = Shelf(), Recorder()
    broken = shelf.put(file or b"")
    if file is None:
        shelf.files.clear()
    async with engine_with(FakeModel(), observers=[heard], read=shelf.read) as engine:
        with pytest.raises(UnreadableInput, match=broken.digest) as failed:
            await engine.submit(request("a", inputs=(broken,))).result()
        assert not failed.value.usage.billable
        assert failed.value.usage.gpu_s == 0
        assert len(shelf.read_for) == 1
        await engine.submit(request("b")).result()
    assert not heard.of(Action.REQUEUED)


async def test_an_engine_without_a_reader_says_so() -> None:
    async with engine_with(FakeModel()) as engine:
        with pytest.raises(UnreadableInput, match="nobody keeps"):
            await engine.submit(request("a", inputs=(Input(Role.INIT, "0" * 64),))).result()


async def test_a_worker_is_sent_a_picture_once_whatever_number_of_jobs_comes_with_it() -> None:
    shelf, worker = Shelf(), SimulatedWorker("one")
    source, other = shelf.put(png("red")), shelf.put(png("blue"))
    async with fleet_front(shelf.read, worker) as front:
        await until(lambda: len(front.snapshot().workers) == 1)
        jobs = [request(f"j{n}", inputs=(other if n == 3 else source,)) for n in range(6)]
        await asyncio.gather(*(front.submit(job).result() for job in jobs))
    assert sorted(worker.sent) == sorted([source.digest, other.digest])


async def test_a_job_with_a_picture_goes_to_a_worker_that_takes_it() -> None:
    shelf, blind, seeing = Shelf(), SimulatedWorker("blind"), SimulatedWorker("seeing")
    blind.card = replace(blind.card, models=(Drawn(replace(PROFILE, takes_pictures=False), "one"),))
    async with fleet_front(shelf.read, blind, seeing) as front:
        await until(lambda: len(front.snapshot().workers) == 2)
        jobs = [request(f"j{n}", inputs=(shelf.put(png("red")),)) for n in range(6)]
        await asyncio.gather(*(front.submit(job).result() for job in jobs))
    assert len(seeing.drawn) == 6


async def test_where_only_words_reach_whoever_draws_a_picture_is_refused() -> None:
    profile = replace(PROFILE, takes_pictures=False)
    front = Front(fleet=SimulatedFleet([]), profile=profile, config=PLAIN, settings=SETTINGS)
    async with front:
        front.submit(request("a"))
        with pytest.raises(Undrawable, match="pictures"):
            front.submit(request("b", inputs=(Input(Role.INIT, "0" * 64),)))


async def test_without_a_control_network_a_map_to_follow_is_refused() -> None:
    front = Front(fleet=SimulatedFleet([]), profile=PROFILE, config=PLAIN, settings=SETTINGS)
    async with front:
        edges = Input(Role.CONTROL, "0" * 64, kind=ControlKind.EDGES)
        with pytest.raises(Undrawable, match="no control network here that follows edges"):
            front.submit(request("a", inputs=(edges,)))


async def test_a_job_is_cancelled_while_its_picture_is_on_its_way() -> None:
    shelf, worker = Shelf(), SimulatedWorker("one")
    shelf.open.clear()
    async with fleet_front(shelf.read, worker) as front:
        ticket = front.submit(request("a", inputs=(shelf.put(png("red")),)))
        await until(lambda: bool(shelf.read_for))
        asked = worker.asked
        await until(lambda: worker.asked > asked + 5)  # it is not missed at the worker meanwhile
        assert len(shelf.read_for) == 1
        front.cancel("a")
        shelf.open.set()
        with pytest.raises(Cancelled):
            await ticket.result()
    assert worker.drawn == []


async def test_encoding_a_picture_is_a_call_of_its_own_whose_peak_is_learned(
    tmp_path: Path,
) -> None:
    shelf, model, heard = Shelf(), FakeModel(), Recorder()
    config = EngineConfig(learned_path=tmp_path / "learned.json", result_cache_bytes=0)
    model.peak_bytes = 777
    async with engine_with(model, config, observers=[heard], read=shelf.read) as engine:
        await engine.submit(request("words", steps=2)).result()
        words = [worked.phase for worked in heard.works]
        heard.works.clear()
        await engine.submit(request("picture", steps=2, inputs=(shelf.put(png("red")),))).result()
        picture = [worked.phase for worked in heard.works]
    assert words == [Phase.ENCODE, Phase.DENOISE, Phase.DENOISE, Phase.DECODE]
    assert picture == [Phase.ENCODE, Phase.BEGIN, Phase.DENOISE, Phase.DENOISE, Phase.DECODE]
    learned = json.loads((tmp_path / "learned.json").read_text())
    assert learned["peak_bytes"]["begin"] == {"64x64x1": 777}


async def test_encoding_a_picture_waits_until_there_is_memory_for_it() -> None:
    shelf, model = Shelf(), FakeModel()
    model.profile = replace(PROFILE, peaks=replace(PROFILE.peaks, begin=Curve(((64 * 64, 9000.0),))))
    config = EngineConfig(memory_budget_bytes=10_000 + 9_500, step_threads=2, result_cache_bytes=0)
    together: list[tuple[str, ...]] = []
    model.before["begin"] = lambda canvases: together.append(tuple(c.request.job_id for c in canvases))
    async with engine_with(model, config, read=shelf.read) as engine:
        model.gate.close()
        words = engine.submit(request("words", steps=1))
        await until(lambda: words.progress().state is JobState.RUNNING)
        picture = engine.submit(request("picture", steps=1, inputs=(shelf.put(png("red")),)))
        encoded = "encode", ("prompt of picture",)
        await until(lambda: encoded in model.calls and picture.progress().state is JobState.QUEUED)
        assert ("picture",) not in together
        model.gate.open()
        await asyncio.gather(words.result(), picture.result())
    assert ("picture",) in together


class Forgetful(StepLoop):
    """Has its caches cleared when it has just been sent a picture, once."""

    forgot = False

    async def keep(self, files: Mapping[str, bytes]) -> None:
        await super().keep(files)
        if not self.forgot:
            self.forgot = True
            await self.clear_caches()


async def test_a_picture_that_was_dropped_before_its_job_came_is_sent_again() -> None:
    shelf, worker = Shelf(), Forgetful("local", models=[Offered(FakeModel())], config=EngineConfig())
    async with local_front(worker, EngineConfig(), replaces=False, read=shelf.read) as engine:
        await engine.submit(request("a", inputs=(shelf.put(png("red")),))).result()
    assert len(shelf.read_for) == 2
