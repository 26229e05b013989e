"""FLUX.2 klein draws and edits as diffusers' own pipeline does, alone and with others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoTokenizer

from engine.families.family import Placement
from engine.families.flux2_klein import FAMILY, Flux2Klein
from engine.families.model import Caption
from engine.families.registry import families, load_profile
from engine.placement import resolve
from engine.request import DrawRequest, Input, Role
from engine.selftest import psnr_db
from engine.settings import EMBEDDED_FOLDER, ModelSettings
from engine.worker.memory import Mode
from engine.worker.pipeline import PipelineModel
from tests.engine import klein

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.families.flux2_klein import KleinSampler

pytestmark = pytest.mark.model

REQUEST = DrawRequest("an orange cat on a meadow", 64, 96, steps=2, seed=5, job_id="klein")
ENOUGH_DB = 45.0


def picture(width: int, height: int) -> Image.Image:
    return Image.fromarray(
        np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8), "RGB"
    )


def theirs(
    pipeline: Any, request: DrawRequest, references: Sequence[Image.Image], **said: Any
) -> Image.Image:
    pipeline.set_progress_bar_config(disable=True)
    drawn: Image.Image = pipeline(
        image=list(references) or None,
        height=request.height,
        width=request.width,
        num_inference_steps=request.steps,
        generator=torch.Generator("cpu").manual_seed(request.seed),
        guidance_scale=request.guidance,
        **said,
    ).images[0]
    assert np.asarray(drawn).std() > 1, "an empty picture would equal anything"
    return drawn


@torch.inference_mode()
def ours(
    sampler: KleinSampler,
    pipeline: Any,
    request: DrawRequest,
    captions: Sequence[Caption],
    references: Sequence[Image.Image],
) -> Image.Image:
    """In one forward with the picture of another seed."""
    canvases = [sampler.begin(replace(request, seed=seed), captions, references) for seed in (5, 6)]
    for _ in range(request.steps):
        sampler.step(canvases)
    pixels = pipeline.vae.decode(sampler.decodable(canvases[0]), return_dict=False)[0]
    drawn: Image.Image = pipeline.image_processor.postprocess(pixels, output_type="pil")[0]
    return drawn


@pytest.fixture(scope="module", params=[True, False], ids=["distilled", "base"])
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PipelineModel:
    folder = klein.build(tmp_path_factory.mktemp("klein"), distilled=request.param)
    model = PipelineModel(resolve(ModelSettings(source=str(folder), device="cpu")))
    model.load()
    return model


@pytest.mark.parametrize("references", [(), (picture(64, 96),), (picture(64, 96), picture(80, 64))])
def test_a_picture_is_the_pipelines(tiny: PipelineModel, references: tuple[Image.Image, ...]) -> None:
    family = tiny.profile.planner
    assert isinstance(family, Flux2Klein)
    request = replace(REQUEST, guidance=3.0)
    texts = family.plan(request).texts
    assert len(texts) == (1 if family.distilled else 2)
    sampler = family.sampler(tiny.pipeline, placement_of(family))
    drawn = ours(sampler, tiny.pipeline, request, tiny.encode(texts), references)
    assert psnr_db(drawn, theirs(tiny.pipeline, request, references, prompt=request.prompt)) >= ENOUGH_DB


def test_a_model_draws_from_start_to_end(tiny: PipelineModel) -> None:
    captions = tiny.encode(tiny.profile.plan(REQUEST).texts)
    canvas = tiny.begin(REQUEST, captions, ())
    for _ in range(REQUEST.steps):
        tiny.step([canvas])
        assert tiny.preview(canvas).size == (32, 48)
    drawn = tiny.decode(canvas, tile_px=None)
    assert psnr_db(drawn, tiny.reference(REQUEST)) >= ENOUGH_DB


def test_what_shares_a_forward(tiny: PipelineModel) -> None:
    family = tiny.profile.planner
    assert isinstance(family, Flux2Klein)
    sampler = family.sampler(tiny.pipeline, placement_of(family))
    short, long = tiny.encode(["a cat", "a cat, a dog, " * 20])
    plain = sampler.begin(REQUEST, [short], ())
    assert sampler.begin(replace(REQUEST, steps=9), [long, short], ()).key == plain.key, (
        "captions have one length"
    )
    assert sampler.begin(replace(REQUEST, width=96), [short], ()).key != plain.key
    edit = sampler.begin(REQUEST, [short], [picture(64, 96)])
    assert edit.key not in (plain.key, sampler.begin(REQUEST, [short], [picture(96, 96)]).key)
    assert edit.tokens == plain.tokens + 24, "a token for each 16 x 16 pixels of the reference"


def test_it_is_found_by_its_pipeline() -> None:
    assert families()["Flux2KleinPipeline"] == FAMILY


def test_references_make_a_step_longer_and_leave_the_rest_as_it_is() -> None:
    edit = replace(REQUEST, inputs=(Input(Role.REFERENCE, "0" * 64),))
    need = FAMILY.plan(edit).need
    assert need.references == 1
    assert need.step_pixels == 2 * need.pixels
    assert type(need).parse(str(need)) == need


def placement_of(family: Flux2Klein, dtype: torch.dtype = torch.float32) -> Placement:
    return Placement(
        source="",
        revision=None,
        family=family,
        profile=load_profile("flux.2-klein-4b"),
        device="cpu",
        device_name="cpu",
        dtype=dtype,
        mode=Mode.HIGH,
        budget_bytes=None,
        attention=None,
        compile_blocks=False,
        quantisation=None,
        threads=1,
    )


@pytest.fixture(scope="module")
def wide() -> Any:
    """As wide as FLUX.2 klein 4B, in bf16, with one block of each kind; its text encoder is a tiny one."""
    torch.set_default_dtype(torch.bfloat16)
    try:
        sizes = {**klein.WIDE, "encoder": klein.TINY["encoder"]}
        return klein.pipeline(sizes, AutoTokenizer.from_pretrained(EMBEDDED_FOLDER / "tokenizer"))
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.model
@pytest.mark.parametrize("references", [(), (picture(128, 128),)], ids=["text", "edit"])
def test_a_picture_at_true_widths_is_the_pipelines(wide: Any, references: tuple[Image.Image, ...]) -> None:
    request = replace(REQUEST, width=128, height=128, steps=1)
    embedding = torch.randn(64, 7680).bfloat16()  # a pipeline of its own would pad it to 512, for no gain
    sampler = FAMILY.sampler(wide, placement_of(FAMILY, torch.bfloat16))
    torch.set_num_threads(2)
    try:
        drawn = ours(sampler, wide, request, [Caption(embedding, embedding.nbytes)], references)
        assert psnr_db(drawn, theirs(wide, request, references, prompt_embeds=embedding[None])) >= ENOUGH_DB
    finally:
        torch.set_num_threads(1)
