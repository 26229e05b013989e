"""Two real models behind one bot: the embedded one, and a tiny FLUX.2 klein of random weights that edits."""

from __future__ import annotations

import asyncio
import io
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageChops

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
MEMBERS, SEEDS = 40, 4
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


def apart(one: Done, other: Done) -> int:
    """The most that a value of two pictures differs by, of 255."""
    return max(high for _, high in ImageChops.difference(image(one), image(other)).getextrema())


async def test_forty_members_ask_for_two_models_at_once_and_get_what_each_would_have_got_alone(
    tmp_path: Path, models: dict[str, Any]
) -> None:
    """Allowances are exact, and neither model keeps the other's waiting."""
    engine = {"worker": "here", "result_cache_mb": 0}
    config = config_in(
        tmp_path, models=models, model={"device": "cpu"}, engine=engine, owners={"telegram": [1]}
    )
    async with open_service(config) as service:
        assert service.models.names == ("small", "editor")
        asked = {f"m{n}": ("small", "editor")[n % 2] for n in range(MEMBERS)}
        options = [
            Options("an orange cat", model=model, seed=str(n // 2 % SEEDS), **SMALLEST)
            for n, model in enumerate(asked.values())
        ]
        pictures = await asyncio.gather(*map(partial(drawn, service), asked, options))
        for (who, model), done in zip(asked.items(), pictures, strict=True):
            assert f"Model: {model}" in image(done).info["parameters"]
            quota = await service.members.quota(Asker("console", who))
            assert (quota.used, quota.reserved) == ({"small": 1, "editor": 2}[model], 0)
        rows = await service.store.ledger.rows()
        assert sorted(row.model for row in rows) == ["editor"] * 20 + ["small"] * 20
        assert {(row.model, row.counts_as) for row in rows} == {("small", 1), ("editor", 2)}
        first = [row.model for row in rows[: MEMBERS // 2]]
        assert min(first.count("small"), first.count("editor")) >= MEMBERS // 8
        alone = {one: await drawn(service, "alone", one) for one in dict.fromkeys(options)}
        assert max(apart(done, alone[one]) for one, done in zip(options, pictures, strict=True)) <= 2
        assert await service.store.check() == []
        card = await stats.gpu(service, translator("en"))
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
