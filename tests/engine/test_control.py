"""Pictures that follow a control map: as diffusers draws them, alone and together."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from diffusers import ZImageControlNetPipeline
from PIL import Image, ImageDraw

from engine.build import engine_with
from engine.families.profile import CONTROL
from engine.families.zimage_control import Refiner, examine
from engine.placement import resolve
from engine.request import ControlKind, DrawRequest, Input, Role, Undrawable
from engine.settings import BadSetting, EngineConfig, ModelSettings
from engine.worker.memory import Mode
from engine.worker.pipeline import PipelineModel
from tests.engine import controls
from tests.engine.fakes import Recorder
from tests.engine.test_equality import difference
from tests.engine.test_from_pictures import file, psnr, source
from tests.engine.test_inputs import Shelf

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.model

SIDE = 64
WORDS = DrawRequest("a cat", SIDE, SIDE, steps=4, seed=7, job_id="words")
STRENGTH = 0.75


def edges(side: int = SIDE) -> Image.Image:
    """White outlines of a disc and a box on black."""
    image = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(image)
    draw.ellipse((side // 5, side // 5, side * 3 // 5, side * 3 // 5), outline="white")
    draw.rectangle((side // 2, side // 2, side * 7 // 8, side * 7 // 8), outline="white")
    return image


def following(
    job_id: str, kind: ControlKind = ControlKind.EDGES, strength: float = STRENGTH, **more: Any
) -> DrawRequest:
    return replace(WORDS, job_id=job_id, inputs=(Input(Role.CONTROL, "edges", strength, kind),), **more)


def model_with(folder: Path, control: Path, **settings: Any) -> PipelineModel:
    examined = examine(control, folder)
    return PipelineModel(
        resolve(ModelSettings(source=str(folder), device="cpu", control=examined, **settings))
    )


def drawn(model: PipelineModel, *requests: DrawRequest, side: int = SIDE) -> list[Image.Image]:
    """In one forward."""
    canvases = [
        model.begin(
            request, model.encode(model.profile.plan(request).texts), [edges(side)] * len(request.inputs)
        )
        for request in requests
    ]
    for _ in range(requests[0].steps):
        model.step(canvases)
    return [model.decode(canvas, tile_px=None) for canvas in canvases]


def theirs(model: PipelineModel, network: Any, request: DrawRequest, side: int = SIDE) -> Image.Image:
    image: Image.Image = ZImageControlNetPipeline(**model.pipeline.components, controlnet=network)(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        control_image=edges(side),
        controlnet_conditioning_scale=request.inputs[0].strength,
        height=request.height,
        width=request.width,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance,
        generator=torch.Generator("cpu").manual_seed(request.seed),
    ).images[0]
    return image


NETWORKS = {
    "1": (16, Refiner.PLAIN, [0]),
    "2.0": (33, Refiner.LAYERS, [0, 1]),
    "2.1": (33, Refiner.HINTS, [0, 1]),
}


@pytest.mark.parametrize("release", NETWORKS)
def test_a_picture_that_follows_a_map_is_that_of_diffusers(
    tiny_folder: Path, tmp_path: Path, release: str
) -> None:
    network = controls.network(tiny_folder, *NETWORKS[release])
    network.save_pretrained(tmp_path)
    model = model_with(tiny_folder, tmp_path)
    model.load()
    one, guided = following("one"), following("two", guidance=1.5, negative_prompt="grey")
    (alone,) = drawn(model, one)
    together = drawn(model, one, following("weak", strength=0.25, seed=9), guided)
    plain = model.reference(WORDS)
    reference = theirs(model, network, one)
    assert psnr(alone, reference) >= 45
    assert psnr(together[0], reference) >= 45
    assert psnr(together[2], theirs(model, network, guided)) >= 45
    assert psnr(alone, plain) < 30, "it makes a difference"


@pytest.fixture(scope="module")
def followed(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("control")
    controls.network(tiny_folder, *NETWORKS["2.1"]).save_pretrained(folder)
    return folder


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf()
    shelf.files = {"edges": file(edges()), "source": file(source())}
    return shelf


async def test_jobs_with_maps_of_each_kind_and_without_any_are_each_as_alone(
    tiny_folder: Path, followed: Path, shelf: Shelf
) -> None:
    begun = following("begun", strength=0.5)
    begun = replace(begun, inputs=(*begun.inputs, Input(Role.INIT, "source", 1.0)))
    requests = [
        WORDS,
        following("edges"),
        following("weak", strength=0.25, seed=8),
        following("depth", kind=ControlKind.DEPTH),
        begun,
    ]
    config, heard = EngineConfig(max_active=5, result_cache_bytes=0), Recorder()
    model = model_with(tiny_folder, followed)
    async with engine_with(model, config, observers=[heard], read=shelf.read) as engine:
        alone = [(await engine.submit(request).result()).image for request in requests]
        assert heard.largest() == 1
        together = await asyncio.gather(*(engine.submit(request).result() for request in requests))
    assert heard.largest() == 3, "those with a map of outlines"
    for before, after in zip(alone, together, strict=True):
        assert difference(before, after.image) <= 2
    assert difference(alone[0], alone[1]) > 20


@pytest.mark.parametrize("settings", [{"memory_mode": "low"}, {"memory_mode": "medium"}])
async def test_the_network_comes_and_goes_with_the_transformer(
    tiny_folder: Path, followed: Path, shelf: Shelf, settings: dict[str, str]
) -> None:
    usual = model_with(tiny_folder, followed)
    usual.load()
    (wanted,) = drawn(usual, following("edges"))
    model = model_with(tiny_folder, followed, **settings)
    async with engine_with(model, mode=Mode(settings["memory_mode"]), read=shelf.read) as engine:
        for name in ("first", "again"):
            picture = (await engine.submit(following(name)).result()).image
            assert difference(picture, wanted) <= 1
        model.park()
        model.bring()
        assert difference((await engine.submit(following("back")).result()).image, wanted) <= 1


def test_compiled_once_for_all_sizes_a_model_draws_from_words_and_maps_as_it_did(
    tiny_folder: Path, followed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the eager back end: the graph is captured whole, only code generation is left out."""
    compiled: list[Any] = []
    original = torch.nn.Module.compile

    def compile_eagerly(module: Any, *args: Any, **kwargs: Any) -> None:
        compiled.append(kwargs)
        original(module, *args, backend="eager", **kwargs)

    monkeypatch.setattr(torch.nn.Module, "compile", compile_eagerly)
    usual = model_with(tiny_folder, followed)
    model = model_with(tiny_folder, followed, compile_blocks=True)
    usual.load()
    model.load()
    assert compiled == [{"dynamic": True}] * 4, "each of the usual model's was left alone"
    for request in (WORDS, following("edges", steps=1)):
        assert difference(drawn(model, request)[0], drawn(usual, request)[0]) <= 1


def test_its_weights_and_hints_count_where_steps_run(tiny_folder: Path, followed: Path) -> None:
    model = model_with(tiny_folder, followed)
    model.load()
    profile = model.profile
    assert profile.weights_bytes[CONTROL] == model.weights_bytes()[CONTROL] > 0


def test_what_the_network_was_not_trained_on_or_is_too_strong_is_refused(
    tiny_folder: Path, followed: Path, tmp_path: Path
) -> None:
    state = controls.network(tiny_folder, *NETWORKS["2.1"]).state_dict()
    (tmp_path / "config.json").write_bytes((followed / "config.json").read_bytes())
    controls.save(tmp_path / "network.safetensors", state, kinds="edges")
    profile = model_with(tiny_folder, tmp_path).profile
    assert profile.controls == {ControlKind.EDGES}
    assert profile.plan(following("edges")).need.controls == 1
    for refused in (following("depth", kind=ControlKind.DEPTH), following("strong", strength=2.5)):
        with pytest.raises(Undrawable):
            profile.plan(refused)


@pytest.mark.parametrize("attention", ["flash", "_flash_3", "sage"])
def test_attention_that_takes_no_masks_is_refused_beside_a_network(
    tiny_folder: Path, followed: Path, attention: str
) -> None:
    with pytest.raises(BadSetting, match="takes no masks"):
        model_with(tiny_folder, followed, attention=attention)


async def test_a_quantised_model_follows_maps(tiny_folder: Path, followed: Path, shelf: Shelf) -> None:
    async with engine_with(model_with(tiny_folder, followed, quantisation="int8"), read=shelf.read) as engine:
        picture = (await engine.submit(following("edges")).result()).image
    usual = model_with(tiny_folder, followed)
    usual.load()
    (wanted,) = drawn(usual, following("edges"))
    assert psnr(picture, wanted) > 30
