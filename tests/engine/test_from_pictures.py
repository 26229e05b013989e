"""Varying, inpainting and enlarging: what Z-Image draws from a picture that comes with a request."""

from __future__ import annotations

import asyncio
import copy
import io
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, ZImageImg2ImgPipeline, ZImageInpaintPipeline
from PIL import Image, ImageDraw

from engine.build import engine_with
from engine.families.flow import LEAST_STEP, levels
from engine.placement import resolve
from engine.request import DrawRequest, Input, Role, Undrawable
from engine.settings import EngineConfig, ModelSettings
from engine.worker.inpainting import feathered, pasted
from engine.worker.pipeline import PipelineModel
from tests.engine.fakes import Recorder
from tests.engine.test_equality import difference
from tests.engine.test_inputs import Shelf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.families.model import Canvas

pytestmark = pytest.mark.model

SIDE = 64
WORDS = DrawRequest("an orange cat on a green meadow", SIDE, SIDE, steps=8, seed=7, job_id="words")
TOGETHER = EngineConfig(max_active=4, result_cache_bytes=0)


def source(side: int = SIDE) -> Image.Image:
    """A red disc on slow changes of colour."""
    light = Image.linear_gradient("L").resize((side, side))
    image = Image.merge("RGB", [light.reduce(1), light.transpose(Image.Transpose.ROTATE_90), light])
    ImageDraw.Draw(image).ellipse((side // 5, side // 5, side * 4 // 5, side * 4 // 5), fill=(210, 50, 30))
    return image


def left_half() -> Image.Image:
    mask = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(mask).rectangle((0, 0, SIDE // 2 - 1, SIDE), fill=255)
    return mask


def file(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def varied(strength: float, **more: Any) -> DrawRequest:
    return replace(WORDS, job_id="varied", inputs=(Input(Role.INIT, "source", strength),), **more)


INPAINTED = replace(varied(1.0), job_id="inpainted", inputs=(*varied(1.0).inputs, Input(Role.MASK, "mask")))


def drawn(model: PipelineModel, request: DrawRequest, pictures: Sequence[Image.Image]) -> Canvas:
    canvas = model.begin(request, model.encode([request.prompt]), pictures)
    for _ in range(model.profile.plan(request).steps):
        model.step([canvas])
    return canvas


@pytest.fixture(scope="module")
def kept(model_folder: Path) -> PipelineModel:
    return PipelineModel(resolve(ModelSettings(source=str(model_folder), device="cpu")))


@pytest.fixture
def model(kept: PipelineModel) -> PipelineModel:
    """Loaded; an engine lets go of its model when it stops."""
    if kept.pipeline is None:
        kept.load()
    return kept


def test_the_steps_that_are_run_are_those_of_the_schedule_below_the_strength(tiny_folder: Path) -> None:
    profile = resolve(ModelSettings(source=str(tiny_folder), device="cpu")).profile
    steps = {strength: profile.plan(varied(strength)).steps for strength in (0.001, 0.3, 0.31, 0.6, 0.9, 1.0)}
    assert steps == {0.001: 1, 0.3: 1, 0.31: 2, 0.6: 3, 0.9: 6, 1.0: 8}
    for strength in (0.0, -1.0, 1.1, float("nan")):
        with pytest.raises(Undrawable):
            profile.plan(varied(strength))


@pytest.mark.parametrize("steps", [1, 4, 8, 50])
def test_the_front_knows_the_schedule_of_the_scheduler(steps: int) -> None:
    scheduler: Any = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(sigmas=torch.linspace(1, 1 / steps, steps).tolist())
    assert np.abs(np.array(levels(steps, 3.0)) - scheduler.sigmas.numpy()).max() < LEAST_STEP / 100


def test_a_mask_alone_or_two_pictures_are_refused(tiny_folder: Path) -> None:
    profile = resolve(ModelSettings(source=str(tiny_folder), device="cpu")).profile
    begun, mask = INPAINTED.inputs
    for inputs in ((mask,), (begun, begun), (begun, Input(Role.REFERENCE, "other"))):
        with pytest.raises(Undrawable):
            profile.plan(replace(WORDS, inputs=inputs))


def test_any_strength_draws_another_picture_and_the_same_one_draws_the_same(model: PipelineModel) -> None:
    strengths = (0.2, 0.25, 0.3, 0.6, 1.0)
    pictures = [drawn(model, varied(strength), [source()]) for strength in (*strengths, 0.6)]
    *different, again = (np.asarray(model.decode(canvas, tile_px=None), int) for canvas in pictures)
    assert all((one != other).any() for one, other in itertools.pairwise(different))
    assert (different[3] == again).all()
    words = np.asarray(model.decode(drawn(model, WORDS, []), tile_px=None), int)
    assert (different[4] == words).all(), "all noise: nothing is left of the picture"


async def test_words_variation_and_inpainting_share_a_forward_and_each_is_as_alone(
    model: PipelineModel,
) -> None:
    shelf, heard = Shelf(), Recorder()
    shelf.files = {"source": file(source()), "mask": file(left_half())}
    requests = [WORDS, varied(0.9), INPAINTED]
    async with engine_with(model=model, config=TOGETHER, observers=[heard], read=shelf.read) as engine:
        alone = [(await engine.submit(request).result()).image for request in requests]
        assert heard.largest() == 1
        together = await asyncio.gather(*(engine.submit(request).result() for request in requests))
    assert heard.largest() == 3
    for before, after in zip(alone, together, strict=True):
        assert difference(before, after.image) <= 2
    kept = np.asarray(left_half()) == 0
    assert (np.asarray(alone[2])[kept] == np.asarray(source())[kept]).all(), "to the pixel"
    assert (np.asarray(alone[2])[~kept] != np.asarray(source())[~kept]).mean() > 0.5


def reference(model: PipelineModel, kind: type, request: DrawRequest, **more: Any) -> Image.Image:
    """By diffusers' own pipeline, from the same noise and sigmas."""
    parts = dict(model.pipeline.components)
    parts["vae"] = copy.deepcopy(parts["vae"])  # its posterior is sampled there: make it as narrow as can be
    last = parts["vae"].quant_conv or parts["vae"].encoder.conv_out
    half = len(last.bias) // 2
    with torch.no_grad():
        last.weight[half:], last.bias[half:] = 0, -30
    pictures = [source(), left_half()][: len(request.inputs)]
    canvas: Any = model.begin(request, model.encode([request.prompt]), pictures)
    unbent = [float(sigma / (3 - 2 * sigma)) for sigma in canvas.sigmas[:-1]]
    image: Image.Image = kind(**parts)(
        prompt=request.prompt,
        image=source(),
        height=request.height,
        width=request.width,
        strength=1.0,
        sigmas=unbent,
        num_inference_steps=len(unbent),
        guidance_scale=0.0,
        latents=canvas.latents[None],
        generator=torch.Generator("cpu").manual_seed(request.seed),
        **more,
    ).images[0]
    return image


def psnr(one: Image.Image, other: Image.Image) -> float:
    off = np.asarray(one, float) - np.asarray(other, float)
    return float(20 * np.log10(255 / max(1e-9, np.sqrt((off**2).mean()))))


def test_a_variation_is_that_of_diffusers(model: PipelineModel) -> None:
    ours = model.decode(drawn(model, varied(0.7), [source()]), tile_px=None)
    assert psnr(ours, reference(model, ZImageImg2ImgPipeline, varied(0.7))) >= 45


def test_inpainting_is_that_of_diffusers_but_for_what_is_pasted_back(model: PipelineModel) -> None:
    pictures = [source(), left_half()]
    request = replace(INPAINTED, inputs=(replace(INPAINTED.inputs[0], strength=0.9), INPAINTED.inputs[1]))
    ours = model.decode(drawn(model, request, pictures), tile_px=None)
    theirs = reference(model, ZImageInpaintPipeline, request, mask_image=left_half())
    assert psnr(ours, theirs) >= 45
    assert psnr(pasted(ours, request, pictures), pasted(theirs, request, pictures)) >= 45


def test_the_edge_of_a_mask_is_soft_and_inside_it() -> None:
    mask = left_half().resize((512, 512), Image.Resampling.NEAREST)
    soft = np.asarray(feathered(mask, 8), int)
    assert (soft[:, 256:] == 0).all()
    assert (soft[:, :240] == 255).all()
    assert 4 <= len(set(soft[256, 240:256])) <= 16
    assert feathered(mask, 0) == mask


async def test_a_picture_is_enlarged_beyond_the_models_sizes_in_tiles_of_its_usual_size(
    model: PipelineModel,
) -> None:
    shelf, profile = Shelf(), model.profile
    shelf.files = {"source": file(source(128))}
    large = varied(0.2, width=320, height=256)
    plan = profile.plan(large)
    assert (plan.need.width, plan.need.height, plan.steps) == (128, 128, 3 * 3)
    with pytest.raises(Undrawable, match="1024x512"):
        profile.plan(replace(large, width=1024, height=512))
    async with engine_with(model=model, config=TOGETHER, read=shelf.read) as engine:
        ticket = engine.submit(large)
        heard = [progress.step async for progress in ticket.updates()]
        drawing = await ticket.result()
    assert set(range(9)) <= set(heard), "progress by the tile"
    assert drawing.image.size == (320, 256)
    if model.name == "tiny":
        return  # its weights are random: what it draws looks like nothing
    wanted = source(128).resize((320, 256), Image.Resampling.LANCZOS)
    assert difference(*(image.resize((8, 8), Image.Resampling.BOX) for image in (drawing.image, wanted))) < 80


def test_where_tiles_overlap_they_are_drawn_from_the_same_noise(model: PipelineModel) -> None:
    large = varied(0.3, width=320, height=256)
    canvas = drawn(model, large, [source(128).resize((320, 256))])
    image = np.asarray(model.decode(canvas, tile_px=None), float)
    across = np.abs(np.diff(image, axis=1)).mean(axis=(0, 2))
    assert across[96:224].max() < 4 * np.median(across) + 8
