"""LoRAs and outlines followed by the embedded model, drawn with by many at once over the real engine."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bot.app import build_backend, open_store
from bot.imagine.asker import Asker
from bot.imagine.events import Done
from bot.imagine.inputs import Brought
from bot.imagine.loras import SHIPPED
from bot.imagine.models import find_models, offered_models
from bot.imagine.options import Options
from bot.imagine.pricing import Pricing
from bot.imagine.service import Service
from bot.imagine.source import png
from engine.families.zimage_control import Refiner
from engine.settings import EMBEDDED_FOLDER
from tests.easel import config_in
from tests.engine import controls

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = pytest.mark.model
MEMBERS = 40
LORAS = {name: {"file": SHIPPED["ink"].file} for name in ("ink", "line")}
TWO = "ink:0.3, line:-0.8"
ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"lora": TWO},
    {"control": "edges"},
    {"lora": "ink:0.8", "control": "edges", "control_strength": "0.4"},
    {"lora": TWO, "control": "edges"},
)


def ball() -> bytes:
    image = Image.new("RGB", (64, 64), "navy")
    ImageDraw.Draw(image).ellipse((12, 12, 52, 52), fill="orange")
    return png(image)


async def _drawn(service: Service, member: str, said: dict[str, Any]) -> NDArray[np.int_]:
    options = Options("a red boat at sunset", seed="7", size="64x64", steps="2", **said)
    brought = Brought(ball()) if options.control else None
    asker = Asker("console", member)
    live = await service.imagine(asker, options, key=member, address={}, brought=brought)
    done = await live.outcome()
    assert isinstance(done, Done)
    done = await service.read(done)
    assert isinstance(done, Done)
    await service.delivered(live, member)
    return np.asarray(Image.open(io.BytesIO(done.pictures[0].png)), int)


async def test_forty_members_with_two_loras_and_a_control_have_each_their_own_picture_and_one_charge(
    tmp_path: Path,
) -> None:
    controls.network(EMBEDDED_FOLDER, 16, Refiner.PLAIN, [0]).save_pretrained(tmp_path / "network")
    config = config_in(
        tmp_path,
        engine={"worker": "here", "result_cache_mb": 0},
        loras=LORAS,
        model={"control": tmp_path / "network"},
    )
    async with open_store(config) as store:
        engine = await asyncio.to_thread(build_backend, config, (), store.pictures.get_input)
        async with engine:
            service = Service(
                config=config,
                models=offered_models(find_models(config), config, engine),
                store=store,
                pricing=Pricing(config),
            )
            await service.start()
            try:
                alone = [await _drawn(service, f"first-{n}", said) for n, said in enumerate(ASKED)]
                together = await asyncio.gather(
                    *(_drawn(service, f"m{n}", ASKED[n % len(ASKED)]) for n in range(MEMBERS))
                )
                for n, picture in enumerate(together):
                    assert np.abs(picture - alone[n % len(alone)]).max() <= 2
                for n, one in enumerate(alone):
                    assert all(np.abs(one - other).max() > 10 for other in alone[n + 1 :])
                for n in range(MEMBERS):
                    quota = await service.members.quota(Asker("console", f"m{n}"))
                    assert (quota.used, quota.reserved) == (1, 0)
            finally:
                await service.stop()
