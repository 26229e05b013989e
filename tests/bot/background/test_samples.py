"""Samples of LoRAs: each is drawn once and by itself, after everybody who wants a picture, for nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PIL import Image

from bot.background.samples import LoraSamples
from bot.imagine.asker import Asker
from bot.imagine.events import Done
from bot.imagine.options import Options
from tests.easel import FieldModel, config_in, easel

if TYPE_CHECKING:
    from pathlib import Path

ANNA = Asker("console", "anna")


async def test_each_lora_gets_its_sample_once_and_nobody_pays_for_it(tmp_path: Path) -> None:
    model = FieldModel()
    async with easel(config_in(tmp_path), model) as service:
        for _ in range(2):
            await LoraSamples(service, quiet_s=0).draw()
        assert model.drawn == ["sample-flat", "sample-ink", "sample-sepia"]
        for name in service.loras.of():
            with Image.open(service.loras.sample(name)) as shown:
                assert shown.format == "PNG"
        assert await service.store.ledger.rows() == []


async def test_a_sample_that_is_being_drawn_makes_way_for_a_member(tmp_path: Path) -> None:
    model = FieldModel()
    async with easel(config_in(tmp_path), model) as service:
        engine = service.models.default.backend
        model.gate.clear()
        drawing = asyncio.create_task(LoraSamples(service, quiet_s=0, look_every_s=0.001).draw())
        while not engine.snapshot().active:  # noqa: ASYNC110 - a worker tells nobody
            await asyncio.sleep(0.001)
        live = await service.imagine(ANNA, Options("a dog"), key="1", address={})
        while not engine.snapshot().cancelled:
            model.gate.allow(1)
            await asyncio.sleep(0.01)
        model.gate.set()
        assert isinstance(await live.outcome(), Done)
        await service.delivered(live, "a message")
        await drawing
        assert sorted(model.drawn) == [f"{live.request_id}-0", "sample-flat", "sample-ink", "sample-sepia"]


async def test_one_that_cannot_be_drawn_leaves_the_others_theirs(tmp_path: Path) -> None:
    model = FieldModel(fail=[RuntimeError("boom")])
    async with easel(config_in(tmp_path), model) as service:
        await LoraSamples(service, quiet_s=0).draw()
        assert model.drawn == ["sample-ink", "sample-sepia"]
