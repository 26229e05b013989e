"""Two real models behind one bot: the embedded one, and a tiny FLUX.2 klein of random weights that edits."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from bot.app import open_service
from bot.commands import stats
from bot.imagine.asker import Asker
from bot.imagine.events import Done
from bot.imagine.inputs import Brought
from bot.imagine.options import Options
from bot.imagine.source import png
from bot.messages import translator
from tests.easel import config_in
from tests.engine.klein import build

if TYPE_CHECKING:
    from pathlib import Path

    from bot.imagine.service import Service

pytestmark = pytest.mark.model
MEMBERS = 40
SMALLEST: dict[str, Any] = {"size": "64x64", "steps": "2"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    klein = build(tmp_path_factory.mktemp("klein"))
    return {
        "small": {"path": "embedded", "default": True},
        "editor": {"path": str(klein), "price_factor": 2},
    }


async def drawn(service: Service, who: str, options: Options, brought: Brought | None = None) -> Done:
    """A request, delivered."""
    asker = Asker("console", who)
    live = await service.imagine(asker, options, key=f"{who} {options}", address={}, brought=brought)
    done = await live.outcome()
    assert isinstance(done, Done), done
    done = await service.read(done)
    await service.delivered(live, "shown")
    assert isinstance(done, Done)
    return done


def image(done: Done) -> Image.Image:
    return Image.open(io.BytesIO(done.pictures[0].png))


async def test_forty_members_ask_for_two_models_at_once_and_each_allowance_is_exact(
    tmp_path: Path, models: dict[str, Any]
) -> None:
    config = config_in(
        tmp_path, models=models, model={"device": "cpu"}, engine={"worker": "here"}, owners={"telegram": [1]}
    )
    async with open_service(config) as service:
        assert service.models.names == ("small", "editor")
        asked = {f"m{n}": ("small", "editor")[n % 2] for n in range(MEMBERS)}
        pictures = await asyncio.gather(
            *(
                drawn(service, who, Options("an orange cat", model=model, seed=str(n), **SMALLEST))
                for n, (who, model) in enumerate(asked.items())
            )
        )
        for (who, model), done in zip(asked.items(), pictures, strict=True):
            assert f"Model: {model}" in image(done).info["parameters"]
            quota = await service.quota(Asker("console", who))
            assert (quota.used, quota.reserved) == ({"small": 1, "editor": 2}[model], 0)
        rows = await service.store.ledger.rows()
        assert sorted(row.model for row in rows) == ["editor"] * 20 + ["small"] * 20
        assert {(row.model, row.counts_as) for row in rows} == {("small", 1), ("editor", 2)}
        assert await service.store.check() == []
        card = await stats.gpu(service, Asker("telegram", "1"), translator("en"))
        assert dict(card.facts)["Models"] == "small: on the device\neditor: on the device"


async def test_words_on_a_picture_edit_it_where_the_model_can_and_vary_it_elsewhere(
    tmp_path: Path, models: dict[str, Any]
) -> None:
    config = config_in(tmp_path, models=models, model={"device": "cpu"}, engine={"worker": "here"})
    brought = Brought(png(Image.new("RGB", (128, 128), "orange")))
    async with open_service(config) as service:
        for model, note in (("editor", "note-edited"), ("small", "note-varied")):
            options = Options("make the cat black", model=model, seed="7", **SMALLEST)
            live = await service.imagine(
                Asker("console", model), options, key=model, address={}, brought=brought
            )
            assert note in [told.id for told in live.accepted.notes]
            assert isinstance(await live.outcome(), Done)
