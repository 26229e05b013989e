"""LoRAs of the embedded model, drawn with by many at once over the real engine."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bot.app import build_backend, open_store
from bot.imagine.asker import Asker
from bot.imagine.events import Done
from bot.imagine.loras import SHIPPED
from bot.imagine.models import Model, Models, load_capabilities
from bot.imagine.options import Options
from bot.imagine.pricing import Pricing
from bot.imagine.service import Service
from tests.easel import config_in

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = pytest.mark.model
MEMBERS = 40
LORAS = {name: {"file": SHIPPED["ink"].file} for name in ("ink", "line")}
ASKED = (None, "ink:0.8", "ink:0.3, line:-0.8", "line:0.5")


async def _drawn(service: Service, member: str, options: Options) -> NDArray[np.int_]:
    live = await service.imagine(Asker("console", member), options, key=member, address={})
    done = await live.outcome()
    assert isinstance(done, Done)
    done = await service.read(done)
    assert isinstance(done, Done)
    await service.delivered(live, member)
    return np.asarray(Image.open(io.BytesIO(done.pictures[0].png)), int)


async def test_forty_members_with_two_loras_have_each_their_own_picture_and_one_charge(
    tmp_path: Path,
) -> None:
    config = config_in(tmp_path, engine={"worker": "here", "result_cache_mb": 0}, loras=LORAS)
    engine = await asyncio.to_thread(build_backend, config)
    async with engine, open_store(config) as store:
        service = Service(
            config=config,
            models=Models(Model(load_capabilities("embedded"), engine)),
            store=store,
            pricing=Pricing(config),
        )
        await service.start()
        try:
            options = [
                Options(prompt="a red boat at sunset", seed="7", size="64x64", steps="2", lora=lora)
                for lora in ASKED
            ]
            alone = [await _drawn(service, f"first-{n}", asked) for n, asked in enumerate(options)]
            together = await asyncio.gather(
                *(_drawn(service, f"m{n}", options[n % len(options)]) for n in range(MEMBERS))
            )
            for n, picture in enumerate(together):
                assert np.abs(picture - alone[n % len(alone)]).max() <= 2
            assert all(np.abs(alone[0] - other).max() > 10 for other in alone[1:])
            for n in range(MEMBERS):
                quota = await service.quota(Asker("console", f"m{n}"))
                assert (quota.used, quota.reserved) == (1, 0)
        finally:
            await service.stop()
