"""Previews look like the picture they announce, and cost next to nothing."""

from __future__ import annotations

import math
import shutil
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny

from engine.build import engine_with
from engine.placement import resolve
from engine.request import DrawRequest
from engine.settings import ModelSettings
from engine.worker.pipeline import PipelineModel
from engine.worker.preview import Projection
from tests.engine.studio import Studio

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

pytestmark = pytest.mark.model


def test_the_map_is_found_from_pictures() -> None:
    torch.manual_seed(0)
    factors, offset = torch.randn(16, 3) * 0.2, torch.tensor([0.1, -0.2, 0.0])

    def decoded(latents: torch.Tensor) -> torch.Tensor:
        small = torch.einsum("chw,cr->rhw", latents, factors) + offset[:, None, None]
        return torch.nn.functional.interpolate(small[None], scale_factor=8, mode="nearest")[0]

    projection = Projection(16)
    blank = torch.randn(16, 4, 6)
    assert projection.rgb(blank).abs().max() == 0, "grey before the first picture"
    for _ in range(3):
        latents = torch.randn(16, 12, 8)
        projection.learn(latents, decoded(latents))
    unseen = torch.randn(16, 4, 6)
    error = projection.rgb(unseen) - torch.nn.functional.avg_pool2d(decoded(unseen)[None], 8)[0]
    assert error.abs().max() < 0.01


async def previews(model: PipelineModel, steps: int = 6) -> tuple[list[Image.Image], Image.Image]:
    async with engine_with(model) as engine:
        await engine.submit(DrawRequest("a cat", 128, 128, 2, seed=1, job_id="first")).result()
        request = DrawRequest("a red house", 128, 96, steps, seed=5, preview_every=1, job_id="a")
        ticket = engine.submit(request)
        seen = [p.preview async for p in ticket.updates() if p.preview is not None]
        return seen, (await ticket.result()).image


async def test_the_last_preview_resembles_the_picture(model: PipelineModel) -> None:
    seen, picture = await previews(model)
    assert seen
    assert seen[-1].size == (64, 48)
    small = np.asarray(picture.resize((16, 12)), dtype=float)
    shown = np.asarray(seen[-1].resize((16, 12)), dtype=float)
    flat = np.full_like(small, small.mean())
    assert np.abs(shown - small).mean() < 0.9 * np.abs(flat - small).mean()


def test_it_shows_what_the_picture_will_be_not_the_noise_it_still_is(tiny_folder: Path) -> None:
    model = PipelineModel(resolve(ModelSettings(source=str(tiny_folder), device="cpu")))
    model.load()
    canvas = model.begin(DrawRequest("a cat", 64, 64, 4, seed=1, job_id="a"), model.encode(["a cat"]), ())
    model.step([canvas])
    model.decode(canvas, tile_px=None)
    shown = np.asarray(model.preview(canvas))
    canvas.latents = torch.randn_like(canvas.latents)
    assert (np.asarray(model.preview(canvas)) == shown).all()


async def test_a_small_decoder_beside_the_model_is_used(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    AutoencoderTiny(
        latent_channels=16,
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    ).save_pretrained(folder / "preview_decoder")
    seen, _ = await previews(PipelineModel(resolve(ModelSettings(source=str(folder), device="cpu"))))
    assert seen
    assert seen[-1].size == (128, 96)


async def test_previews_come_every_k_steps_and_never_for_the_last() -> None:
    async with Studio(preview_part=math.inf) as studio:  # steps take no time here
        shown: list[int] = []
        studio.model.before["preview"] = lambda canvases: shown.append(canvases[0].step)
        await studio.submit("a", steps=9, preview_every=3).result()
        assert shown == [3, 6]
        await studio.submit("b", steps=4).result()
        assert shown == [3, 6]


async def test_previews_that_cost_too_much_are_left_out() -> None:
    async with Studio() as studio:
        studio.model.before["preview"] = lambda _: time.sleep(0.05)
        await studio.submit("a", steps=4, preview_every=1).result()
        ticket = studio.submit("b", steps=4, preview_every=1)
        assert all([p.preview is None async for p in ticket.updates()])
