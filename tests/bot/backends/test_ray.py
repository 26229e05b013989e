"""The bot with a cluster in place of the engine: drawn, told, priced and drained like with one machine."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bot.app import engine_config
from bot.background.drains import Drains, order_drain
from bot.commands.stats import gpu as stats_gpu
from bot.config.engine import Ray
from bot.folders import open_store
from bot.imagine.asker import Asker
from bot.imagine.capabilities import load_capabilities
from bot.imagine.events import Done, Waiting
from bot.imagine.models import Model, Models
from bot.imagine.options import Options
from bot.imagine.pricing import Pricing
from bot.imagine.service import Service
from bot.messages import UserError, translator
from bot.metrics import readings
from bot.render import status
from engine.families.registry import load_profile
from engine.fleet.settings import FleetSettings
from engine.front import Front
from storage.settings import DRAINS
from tests.easel import config_in
from tests.engine.fleet.simulated import SimulatedFleet, SimulatedWorker
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from bot.config.schema import Config

OWNER = Asker("discord", "1")
QUICK = FleetSettings(health_every_s=0.01, health_timeout_s=1.0)
RENT = [
    {"valid_from": "2025-01-01", "gpu_an_hour": 4},
    {"valid_from": "2025-01-01", "gpu_an_hour": 36, "gpu": "H100"},
]


@contextlib.asynccontextmanager
async def bot(
    config: Config, *workers: SimulatedWorker, models: Sequence[str] = ("",)
) -> AsyncIterator[tuple[Service, Front, SimulatedFleet]]:
    fleet, first = SimulatedFleet(workers), load_profile("embedded")
    profiles = [replace(first, name=name or first.name) for name in models]
    engine = Front(
        fleet=fleet,
        profile=profiles[0],
        others=profiles[1:],
        config=engine_config(config),
        settings=QUICK,
    )
    async with open_store(config) as store, engine:
        service = Service(
            config=config,
            models=Models(*(Model(load_capabilities("embedded"), engine, name) for name in models)),
            store=store,
            pricing=Pricing(config),
        )
        await service.start()
        try:
            yield service, engine, fleet
        finally:
            await engine.stop(0.0)
            await service.stop()


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def with_owner(folder: Path) -> Config:
    return config_in(folder, owners={"discord": [1]}, rent=RENT)


async def imagine(service: Service, key: str, model: str | None = None) -> Any:
    return await service.imagine(
        OWNER, Options(prompt="a cat", size="64x64", model=model), key=key, address={}
    )


async def test_each_picture_costs_what_its_card_costs(tmp_path: Path) -> None:
    worker = SimulatedWorker("worker-1", gpu="NVIDIA H100 80GB HBM3")
    async with bot(with_owner(tmp_path), worker) as (service, _, _):
        live = await imagine(service, "1")
        done = await live.outcome()
        assert isinstance(done, Done)
        await service.delivered(live, "receipt")
        [row] = await service.store.ledger.rows()
        assert row.device == "NVIDIA H100 80GB HBM3 (worker-1)"
        assert row.cost_micro == pytest.approx(row.gpu_us * 36_000_000 / 3_600_000_000, abs=1)
        assert done.pictures[0].cost_micro == row.cost_micro


async def test_a_model_that_no_worker_has_is_refused_in_one_sentence_and_costs_nothing(
    tmp_path: Path,
) -> None:
    config = with_owner(tmp_path)
    async with bot(config, SimulatedWorker("worker-1"), models=("fake", "other")) as (service, engine, _):
        await until(lambda: engine.snapshot().workers)
        with pytest.raises(UserError) as refused:
            await imagine(service, "1", model="other")
        assert "draw with other right now" in translator("en")(refused.value.message)
        quota = await service.members.quota(OWNER)
        assert (quota.used, quota.reserved) == (0, 0)
        assert isinstance(await (await imagine(service, "2", model="fake")).outcome(), Done)


async def test_with_nobody_there_people_are_told_and_it_goes_on(tmp_path: Path) -> None:
    async with bot(with_owner(tmp_path)) as (service, _, fleet):
        live = await imagine(service, "1")
        await until(lambda: isinstance(live.latest, Waiting) and live.latest.unmanned)
        assert "nothing can draw" in status(live.latest, translator("en"))
        fleet.hire(SimulatedWorker("worker-1"))
        assert isinstance(await live.outcome(), Done)


async def test_owners_see_each_worker(tmp_path: Path) -> None:
    workers = SimulatedWorker("worker-1", gpu="NVIDIA L4"), SimulatedWorker("worker-2", gpu="NVIDIA H100")
    async with bot(with_owner(tmp_path), *workers) as (service, engine, _):
        await until(lambda: len(engine.snapshot().workers) == 2)
        card = await stats_gpu(service, translator("en"))
        told = dict(card.facts)
        assert told["NVIDIA L4 (worker-1)"].startswith("idle · 0 / 4 · 0 done, 0 failed · ")
        assert "36.00" in told["NVIDIA H100 (worker-2)"]
        families = {family.name: family for family in readings.engine(engine.snapshot(), ["free"])}
        labels = [sample.labels for sample in families["easel_worker_up"].samples]
        assert {"worker": "worker-2", "gpu": "NVIDIA H100"} in labels


async def test_an_order_to_drain_reaches_the_running_bot(tmp_path: Path) -> None:
    config = with_owner(tmp_path)
    workers = SimulatedWorker("worker-1"), SimulatedWorker("worker-2")
    async with bot(config, *workers) as (service, engine, _):
        await until(lambda: len(engine.snapshot().workers) == 2)
        drains = Drains(engine, service.store, every_s=0.01)
        drains.start()
        async with open_store(config, serving=False) as beside:
            await order_drain(beside, "worker-1", every_s=0.01)
            assert [worker.name for worker in engine.snapshot().workers] == ["worker-2"]
            with pytest.raises(UserError) as refused:
                await order_drain(beside, "worker-9", every_s=0.01)
            assert refused.value.message.id == "drain-unknown"
        await drains.stop()


async def test_without_a_bot_the_order_is_taken_back(tmp_path: Path) -> None:
    async with open_store(with_owner(tmp_path)) as store:
        with pytest.raises(UserError) as refused:
            await order_drain(store, "worker-1", every_s=0.01, heard_within_s=0.05)
        assert refused.value.message.id == "drain-unheard"
        assert await store.settings.of(DRAINS) == {}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, (1, 1)),
        ({"workers": 3}, (3, 3)),
        ({"max_workers": 4}, (1, 4)),
        ({"min_workers": 0, "max_workers": 4}, (0, 4)),
        ({"min_workers": 2}, (2, 2)),
    ],
)
def test_how_many_workers(table: dict[str, int], expected: tuple[int, int]) -> None:
    assert Ray.model_validate(table).range == expected


@pytest.mark.parametrize(
    "table",
    [{"workers": 2, "max_workers": 3}, {"min_workers": 3, "max_workers": 2}, {"address": "ray://x:1"}],
)
def test_what_cannot_be(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must have workers|more than max_workers|pattern"):
        Ray.model_validate(table)
