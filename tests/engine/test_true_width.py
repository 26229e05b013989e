"""At Z-Image-Turbo's own widths, in bf16: the engine's picture is the pipeline's.

Slow: a minute, with 6 GB of memory and 4 GB of disk.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from diffusers import ZImageControlNetPipeline
from PIL import Image, ImageDraw

from engine.families.zimage_control import Refiner, Release, examine
from engine.placement import resolve
from engine.request import ControlKind, DrawRequest, Input, Role
from engine.selftest import psnr_db
from engine.settings import ModelSettings
from engine.worker.pipeline import PipelineModel
from tests.engine import controls, true_width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.model

REQUEST = DrawRequest("an orange cat on a green meadow", 256, 256, steps=2, seed=7, job_id="wide")
FOLLOWING = replace(
    REQUEST, width=128, height=128, inputs=(Input(Role.CONTROL, "map", 0.7, ControlKind.EDGES),)
)
ENOUGH_DB = 45.0
"""Seen: 49.6 of words alone, 48.6 of a map."""


@pytest.fixture(scope="module")
def network() -> list[Any]:
    """diffusers' own, once it is made."""
    return []


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, network: list[Any]) -> Iterator[PipelineModel]:
    """With a control network of release 2.1, that gives hints to the first of two layers."""
    folder = true_width.build(tmp_path_factory.mktemp("true_width"))
    network.append(controls.network(folder, 33, Refiner.HINTS, [0]).bfloat16())
    file = controls.save(folder / "control.safetensors", network[0].state_dict())
    control = examine(file, folder)
    assert control.layout.release is Release.V2_1
    settings = ModelSettings(source=str(folder), device="cpu", dtype="bfloat16", control=control)
    model = PipelineModel(resolve(settings))
    model.load()
    shutil.rmtree(folder)  # else gigabytes are written to the disk, for which other tests wait
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    yield model
    torch.set_num_threads(1)


def first_of_two(
    model: PipelineModel, request: DrawRequest, pictures: Sequence[Image.Image] = ()
) -> Image.Image:
    captions = model.encode([request.prompt])
    canvases = [model.begin(replace(request, seed=seed), captions, pictures) for seed in (7, 8)]
    for _ in range(request.steps):
        model.step(canvases)
    return model.decode(canvases[0], tile_px=None)


def test_one_of_two_pictures_at_true_widths_is_the_pipelines(model: PipelineModel) -> None:
    theirs = model.reference(REQUEST)
    assert np.asarray(theirs).std() > 1, "an empty picture would equal anything"
    assert psnr_db(first_of_two(model, REQUEST), theirs) >= ENOUGH_DB


def test_one_of_two_pictures_that_follow_a_map_is_the_pipelines(
    model: PipelineModel, network: list[Any]
) -> None:
    followed = Image.new("RGB", (FOLLOWING.width, FOLLOWING.height))
    ImageDraw.Draw(followed).ellipse((30, 20, 100, 110), outline="white")
    drawn = first_of_two(model, FOLLOWING, [followed])
    pipeline = ZImageControlNetPipeline(**model.pipeline.components, controlnet=network[0])
    theirs = pipeline(
        prompt=FOLLOWING.prompt,
        control_image=followed,
        controlnet_conditioning_scale=FOLLOWING.inputs[0].strength,
        height=FOLLOWING.height,
        width=FOLLOWING.width,
        num_inference_steps=FOLLOWING.steps,
        guidance_scale=0.0,
        generator=torch.Generator("cpu").manual_seed(FOLLOWING.seed),
    ).images[0]
    assert psnr_db(drawn, theirs) >= ENOUGH_DB
