"""A card of 24 GB with the true sizes, whose driver and allocator disagree, and which breaks when told to."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.build import local_front
from engine.events import Phase
from engine.families.model import Place
from engine.request import Declined, Draining, DrawRequest, ModelLost
from engine.selftest import Kind, SelfTest, Todo
from engine.settings import EngineConfig
from engine.worker.loaded import Offered
from engine.worker.memory import Mode, choose_mode
from engine.worker.steploop import StepLoop
from engine.worker.telemetry import NvmlTelemetry
from engine.worker.watchdog import Cause
from tests.engine.card import CONTEXT_BYTES, GIB, Card, CardModel, turbo
from tests.engine.fakes import Recorder
from tests.engine.studio import same, until
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.front import Front
    from tests.engine.nvml_stub import StandIn

pytestmark = pytest.mark.model

USABLE = 0.95


@pytest.fixture
def card(gpu: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    card = Card(gpu, tmp_path)
    card.install(monkeypatch)
    return card


@pytest.fixture
def heard() -> Recorder:
    return Recorder()


@pytest.fixture
def on(card: Card, tiny_folder: Path, heard: Recorder) -> Callable[..., Front]:
    def build(*models: CardModel) -> Front:
        models = models or (CardModel(card, tiny_folder),)
        budget = round(USABLE * card.total)
        config = EngineConfig(memory_budget_bytes=budget, result_cache_bytes=0)
        worker = StepLoop(
            "local",
            models=[Offered(model) for model in models],
            config=config,
            telemetry=NvmlTelemetry(0, every_s=0.02),
            observers=[heard],
        )
        return local_front(worker, config, observers=[heard], replaces=False)

    return build


def asked(name: str, side: int = 64, steps: int = 3) -> DrawRequest:
    return DrawRequest(f"a cat called {name}", side, side, steps, seed=3, job_id=name)


async def test_the_real_model_fits_a_24_gb_card_whose_driver_calls_our_memory_nothing(
    card: Card, on: Callable[..., Front]
) -> None:
    assert choose_mode(turbo(), round(USABLE * card.total), 64 * 64) is Mode.HIGH
    async with on() as front, asyncio.timeout(PATIENCE_S):
        names = "abcdef"
        drawn = await asyncio.gather(*(front.submit(asked(name)).result() for name in names))
        assert len(drawn) == len(names)
        assert card.free < turbo().resident_bytes, "by the driver's word alone it would not fit once more"
        device = front.snapshot().device
        assert device is not None
        assert device.gpu is not None
        assert (device.gpu.memory_ours_bytes, device.gpu.memory_free_bytes) == (card.reserved, card.free)
    assert card.refused == 0, "what shares a forward was reckoned right"


async def test_a_neighbour_is_waited_for_and_the_pictures_come_when_it_leaves(
    card: Card, on: Callable[..., Front]
) -> None:
    async with on() as front, asyncio.timeout(PATIENCE_S):
        card.neighbours(card.free - GIB)  # a step fits beside it, a decode does not
        ticket = front.submit(asked("a"))
        await until(lambda: front.snapshot().active == 1)
        assert not ticket.done
        card.neighbours(0)
        await ticket.result()
    assert card.refused == 0


async def test_running_out_of_memory_all_the_same_costs_no_picture(
    card: Card, on: Callable[..., Front], heard: Recorder
) -> None:
    async with on() as front, asyncio.timeout(PATIENCE_S):
        room = turbo().peak_bytes(Phase.DECODE, 64 * 64) - 1
        card.unseen(card.total - CONTEXT_BYTES - card.weights - room)
        drawn = await front.submit(asked("a")).result()
    assert card.refused > 0
    assert heard.of("out_of_memory")
    assert "empty_cache" in card.calls
    assert drawn.image.size == (64, 64)


async def test_a_step_that_does_not_fit_beside_the_encoder_is_drawn_without_it(
    card: Card, on: Callable[..., Front], heard: Recorder
) -> None:
    async with on() as front, asyncio.timeout(PATIENCE_S):
        room = turbo().peak_bytes(Phase.DENOISE, 64 * 64) - 1
        card.unseen(card.total - CONTEXT_BYTES - card.weights - room)
        drawn = [await front.submit(asked(name)).result() for name in "ab"]
        device = front.snapshot().device
    remedies = [event.fields["remedy"] for event in heard.of("out_of_memory")]
    assert remedies == ["drop the caches", "send the text encoder out"], "and it was out for the second"
    assert all(drawing.image.size == (64, 64) for drawing in drawn)
    assert device is not None
    assert device.memory_mode is Mode.MEDIUM
    assert device.resident_bytes == card.weights


async def test_a_broken_context_fails_no_picture_and_ends_the_process(
    card: Card, on: Callable[..., Front], heard: Recorder
) -> None:
    front = on()
    await front.start()
    try:
        tickets = [front.submit(asked(name, steps=400)) for name in "abcd"]
        await until(lambda: tickets[0].progress().step > 0)
        card.fault()
        with pytest.raises(ModelLost, match="illegal memory access"):
            await front.wait()
        for ticket in tickets:
            with pytest.raises(Draining):
                await ticket.result()
    finally:
        await front.stop(0.0)
    assert [alert.cause for alert in heard.alerts] == [Cause.GPU_LOST]


@pytest.mark.parametrize(
    ("neighbours", "todo"), [(0, Todo.NOTHING), (3 * GIB, Todo.NEIGHBOUR)], ids=["alone", "beside another"]
)
def test_selftest_holds_the_driver_against_the_allocator(
    card: Card, tiny_folder: Path, neighbours: int, todo: Todo
) -> None:
    card.neighbours(neighbours)
    model = CardModel(card, tiny_folder)
    checks = {check.kind: check for check in SelfTest(model, model.placement, 64, quick=True).run()}
    assert checks[Kind.TELEMETRY].todo is todo, checks[Kind.TELEMETRY].found
    assert checks[Kind.MEMORY].passed, checks[Kind.MEMORY].found


def places(front: Front) -> dict[str, Place]:
    device = front.snapshot().device
    assert device is not None
    return {told.name: told.place for told in device.models}


@pytest.mark.parametrize(
    ("host", "parked", "pinned"),
    [(64 * GIB, Place.HOST, True), (3 * GIB, Place.DISK, False)],
    ids=["ample main memory", "little main memory"],
)
async def test_of_two_models_the_one_that_does_not_fit_waits_where_there_is_room(
    card: Card, on: Callable[..., Front], tiny_folder: Path, host: int, parked: Place, pinned: bool
) -> None:
    card.host(host)
    one, other = (CardModel(card, tiny_folder, name) for name in ("one", "other"))
    async with on(one, other) as front, asyncio.timeout(PATIENCE_S):
        assert places(front) == {"one": Place.DEVICE, "other": Place.DISK}, "not read before it is asked for"
        assert other.loads == 0
        before = await front.submit(replace(asked("a"), model="one")).result()
        drawn = await front.submit(replace(asked("b"), model="other")).result()
        assert places(front) == {"one": parked, "other": Place.DEVICE}
        assert card.loaded == {"one": 0, "other": turbo().resident_bytes}
        after = await front.submit(replace(asked("a"), job_id="a2", model="one")).result()
        assert places(front) == {"one": Place.DEVICE, "other": parked}
    assert same(before.image, after.image)
    assert not same(before.image, drawn.image), "of other words"
    assert (one.loads, other.loads) == ((1, 1) if parked is Place.HOST else (2, 1))
    assert bool(card.pinned) is pinned
    assert card.refused == 0


async def test_a_model_that_cannot_be_loaded_costs_the_others_nothing(
    card: Card, on: Callable[..., Front], tiny_folder: Path, tmp_path: Path, heard: Recorder
) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "other")
    one, other = CardModel(card, tiny_folder, "one"), CardModel(card, folder, "other")
    async with on(one, other) as front, asyncio.timeout(PATIENCE_S):
        shutil.rmtree(folder / "vae")
        with pytest.raises(Declined, match="could not be brought"):
            await front.submit(replace(asked("b"), model="other")).result()
        await front.submit(replace(asked("a"), model="one")).result()
    assert [alert.cause for alert in heard.alerts] == [Cause.UNLOADABLE]
    assert heard.of("model_load_failed")
