"""Another Easel draws here: what it asks for is what it gets, with what that took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.families.registry import load_profile
from engine.fleet.golden import Golden
from engine.fleet.openai_worker import OpenAIWorker, Server
from engine.request import Draining, DrawRequest
from tests.easel import colour_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bot.web.conftest import Site, Stage

PROFILE = load_profile("embedded")
WANTED = DrawRequest(
    "a cat", 128, 192, 6, seed=2**40 + 7, guidance=1.5, negative_prompt="dogs", job_id="job-1"
)


def worker(site: Site, key: str, folder: Path) -> OpenAIWorker:
    server = Server("upstairs", f"{site.url}/v1", api_key=key)
    golden = Golden(folder / "golden.png", "embedded", PROFILE, tolerance=6.0)
    return OpenAIWorker(server, model="embedded", profile=PROFILE, golden=golden, timeout_s=60.0)


async def test_an_easel_draws_for_another(site: Site, tmp_path: Path) -> None:
    text, key = await site.key()
    upstairs = worker(site, text, tmp_path)
    await upstairs.start()
    try:
        drawing = await upstairs.draw(WANTED, lambda _: None)
    finally:
        await upstairs.stop()
    assert drawing.image.size == (128, 192)
    assert drawing.image.getpixel((0, 0)) == colour_of(WANTED.seed)
    await site.settled()
    charged = [row for row in await site.service.store.ledger.rows() if row.member == key.member]
    assert (charged[-1].width, charged[-1].height, charged[-1].steps) == (128, 192, 6)
    assert drawing.usage.gpu_s == pytest.approx(charged[-1].gpu_us / 1e6)


async def test_a_stopping_easel_says_so(stage: Stage, tmp_path: Path) -> None:
    async with stage.site() as site:
        text, _ = await site.key()
        upstairs = worker(site, text, tmp_path)
        await upstairs.start()
        site.delivery.draining = True
        with pytest.raises(Draining):
            await upstairs.draw(WANTED, lambda _: None)
        await upstairs.stop()
