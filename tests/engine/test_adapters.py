"""LoRAs: every format loads and is drawn with, together with others and beside jobs without any."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.adapters import examine
from engine.build import engine_with
from engine.events import Action
from engine.placement import resolve
from engine.request import Adapter, DrawFailed, DrawRequest
from engine.settings import BadSetting, EngineConfig, ModelSettings
from engine.weights import BadWeights, Flaw
from engine.worker.memory import ADAPTERS, Mode
from engine.worker.pipeline import PipelineModel
from tests.engine import klein, loras
from tests.engine.test_equality import difference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image

    from engine.adapters import AdapterFile
    from engine.events import Event

pytestmark = pytest.mark.model

PLAIN = DrawRequest("a cat", 64, 64, steps=2, seed=7, job_id="plain")


def with_loras(request: DrawRequest, job_id: str, *adapters: Adapter) -> DrawRequest:
    return replace(request, job_id=job_id, adapters=adapters)


def model_with(folder: Path, files: Sequence[AdapterFile], **settings: Any) -> PipelineModel:
    return PipelineModel(
        resolve(ModelSettings(source=str(folder), device="cpu", adapters=tuple(files), **settings))
    )


def merged(folder: Path, request: DrawRequest, *added: tuple[loras.Pairs, float]) -> Image:
    """By the pipeline itself, with the weights changed by hand."""
    model = PipelineModel(resolve(ModelSettings(source=str(folder), device="cpu")))
    model.load()
    for pairs, scale in added:
        for layer, (up, down) in pairs.items():
            weight = model.pipeline.transformer.get_submodule(layer).weight
            weight.data += 2 * scale * up @ down
    return model.reference(request)


@pytest.fixture(scope="module")
def ink(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> loras.Pairs:
    return loras.random_pairs(tiny_folder)


@pytest.mark.parametrize("form", loras.FORMS)
async def test_every_format_draws_the_picture_of_the_changed_weights(
    tiny_folder: Path, ink: loras.Pairs, form: str, tmp_path: Path
) -> None:
    file = examine("ink", loras.write(tmp_path, form, ink), tiny_folder)
    model = model_with(tiny_folder, [file])
    async with engine_with(model) as engine:
        drawn = await engine.submit(with_loras(PLAIN, "ink", Adapter("ink", 0.5))).result()
        plain = await engine.submit(PLAIN).result()
    assert not model.refused_adapters()
    assert difference(drawn.image, merged(tiny_folder, PLAIN, (ink, 0.5))) <= 1
    assert difference(plain.image, merged(tiny_folder, PLAIN)) <= 1
    assert difference(drawn.image, plain.image) > 20


async def test_jobs_with_one_two_and_no_loras_are_each_as_alone(
    tiny_folder: Path, ink: loras.Pairs, tmp_path: Path
) -> None:
    wash = loras.random_pairs(tiny_folder, seed=1)
    files = [
        examine("ink", loras.write(tmp_path / "ink", "diffusers", ink)),
        examine("wash", loras.write(tmp_path / "wash", "kohya", wash)),
    ]
    both = (Adapter("ink", 0.4), Adapter("wash", 0.7))
    requests = [
        PLAIN,
        with_loras(PLAIN, "ink", Adapter("ink", 1.0)),
        with_loras(PLAIN, "weak", Adapter("ink", 0.2)),
        with_loras(PLAIN, "both", *both),
        with_loras(replace(PLAIN, seed=8, steps=3), "other", *both),
    ]
    config = EngineConfig(max_active=4, step_threads=2, threads=2, result_cache_bytes=0)
    async with engine_with(model_with(tiny_folder, files), config) as engine:
        alone = [(await engine.submit(request).result()).image for request in requests]
        together = await asyncio.gather(*(engine.submit(request).result() for request in requests))
    assert difference(alone[3], merged(tiny_folder, PLAIN, (ink, 0.4), (wash, 0.7))) <= 1
    for before, after in zip(alone, together, strict=True):
        assert difference(before, after.image) <= 2


async def test_loras_leave_for_others_where_there_is_no_room_for_all(
    tiny_folder: Path, ink: loras.Pairs, tmp_path: Path
) -> None:
    files = [examine(f"n{n}", loras.write(tmp_path / str(n), "diffusers", ink)) for n in range(6)]
    model = model_with(tiny_folder, files, adapters_bytes=1)
    four = files[0].parameters * 4 * 4
    assert model.profile.weights_bytes[ADAPTERS] == four
    async with engine_with(model) as engine:
        for name in ("n0", "n1", "n2", "n3", "n4", "n0"):
            drawn = await engine.submit(with_loras(PLAIN, name, Adapter(name))).result()
            assert difference(drawn.image, merged(tiny_folder, PLAIN, (ink, 1.0))) <= 1
        assert len(model.pipeline.transformer.peft_config) == 4


async def test_what_does_not_load_is_told_and_the_others_are_drawn_with(
    tiny_folder: Path, ink: loras.Pairs, tmp_path: Path
) -> None:
    strange = {layer.replace("layers.1", "layers.7"): pair for layer, pair in ink.items()}
    files = [
        examine("strange", loras.write(tmp_path / "strange", "diffusers", strange), tiny_folder),
        examine("ink", loras.write(tmp_path / "ink", "diffusers", ink)),
    ]
    told: list[Event] = []

    class Listener:
        def on_event(self, event: Event) -> None:
            told.append(event)

        def on_alert(self, alert: object) -> None: ...
        def on_work(self, worked: object) -> None: ...

    async with engine_with(model_with(tiny_folder, files), observers=[Listener()]) as engine:
        refused = [event.fields for event in told if event.action is Action.LORA_REFUSED]
        assert [fields["lora"] for fields in refused] == ["strange"]
        assert "layers.7" in str(refused[0]["reason"])
        await engine.submit(with_loras(PLAIN, "ink", Adapter("ink"))).result()
        with pytest.raises(DrawFailed, match="strange"):
            await engine.submit(with_loras(PLAIN, "strange", Adapter("strange"))).result()


async def test_a_file_that_has_changed_since_the_start_is_not_drawn_with(
    tiny_folder: Path, ink: loras.Pairs, tmp_path: Path
) -> None:
    file = examine("ink", loras.write(tmp_path, "diffusers", ink))
    async with engine_with(model_with(tiny_folder, [file])) as engine:
        save_file({key: weights * 2 for key, weights in load_file(file.path).items()}, file.path)
        with pytest.raises(DrawFailed, match="has changed"):
            await engine.submit(with_loras(PLAIN, "ink", Adapter("ink"))).result()


@pytest.mark.parametrize(("kind", "nearer"), [("int8", 4), ("float8", 2)])
async def test_a_quantised_model_draws_with_loras(
    tiny_folder: Path, ink: loras.Pairs, tmp_path: Path, kind: str, nearer: int
) -> None:
    file = examine("ink", loras.write(tmp_path, "diffusers", ink))
    async with engine_with(model_with(tiny_folder, [file], quantisation=kind)) as engine:
        plain = await engine.submit(PLAIN).result()
        drawn = await engine.submit(with_loras(PLAIN, "ink", Adapter("ink"))).result()
    exact, without = merged(tiny_folder, PLAIN, (ink, 1.0)), merged(tiny_folder, PLAIN)
    assert _distance(plain.image, without) < _distance(exact, without) / nearer
    assert _distance(drawn.image, exact) < _distance(exact, without) / nearer


def _distance(one: Image, other: Image) -> float:
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


async def test_an_offloaded_model_draws_with_loras(
    tiny_folder: Path, ink: loras.Pairs, tmp_path: Path
) -> None:
    file = examine("ink", loras.write(tmp_path, "diffusers", ink))
    async with engine_with(model_with(tiny_folder, [file], memory_mode="low"), mode=Mode.LOW) as engine:
        for n, adapters in enumerate([(Adapter("ink"),), (), (Adapter("ink", 0.5),)]):
            drawn = await engine.submit(with_loras(PLAIN, f"{n}", *adapters)).result()
            scale = sum(adapter.scale for adapter in adapters)
            assert difference(drawn.image, merged(tiny_folder, PLAIN, (ink, scale))) <= 1


@pytest.mark.parametrize("form", ["diffusers", "peft"])
async def test_flux2_klein_draws_with_loras(tmp_path: Path, form: str) -> None:
    folder = klein.build(tmp_path / "klein")
    pairs = loras.pairs_for(folder, loras.KLEIN, strength=20.0)
    file = examine("ink", loras.write(tmp_path, form, pairs), folder)
    async with engine_with(model_with(folder, [file])) as engine:
        drawn = await engine.submit(with_loras(PLAIN, "ink", Adapter("ink", 0.5))).result()
        plain = await engine.submit(PLAIN).result()
    assert difference(drawn.image, merged(folder, PLAIN, (pairs, 0.5))) <= 1
    assert difference(plain.image, merged(folder, PLAIN)) <= 1
    assert difference(drawn.image, plain.image) > 20


def test_a_lora_of_another_family_is_told_at_once(
    tiny_folder: Path, ink: loras.Pairs, tmp_path: Path
) -> None:
    folder = klein.build(tmp_path / "klein")
    with pytest.raises(BadWeights) as refused:
        examine("ink", loras.write(tmp_path, "diffusers", ink), folder)
    assert refused.value.flaw is Flaw.OTHER_MODEL
    with pytest.raises(BadWeights):
        examine("ink", loras.write(tmp_path, "diffusers", loras.pairs_for(folder, loras.KLEIN)), tiny_folder)


def test_a_compiled_model_takes_no_loras(tiny_folder: Path, ink: loras.Pairs, tmp_path: Path) -> None:
    file = examine("ink", loras.write(tmp_path, "diffusers", ink))
    with pytest.raises(BadSetting, match="compiled anew"):
        model_with(tiny_folder, [file], compile_blocks=True)


def _saved(folder: Path, pairs: loras.Pairs, rename: Any) -> Path:
    path = loras.write(folder, "diffusers", pairs)
    save_file(rename(load_file(path)), path)
    return path


def _beside(key: str) -> Any:
    return lambda state: state | {key: torch.ones(2)}


@pytest.mark.parametrize(
    ("flaw", "change"),
    [
        (Flaw.DORA, _beside("transformer.layers.0.attention.to_q.dora_scale")),
        (Flaw.LOHA, _beside("diffusion_model.layers.0.attention.to_q.hada_w1_a")),
        (Flaw.LOKR, _beside("diffusion_model.layers.0.attention.to_q.lokr_w1")),
        (Flaw.TEXT_ENCODER, _beside("lora_te_layers_0_q.lora_down.weight")),
        (Flaw.NO_LORA, lambda state: {"layers.0.weight": torch.ones(2)}),
        (
            Flaw.DOUBLE_UNDERSCORE,
            lambda s: {k.replace("transformer.", "lora_unet__"): v for k, v in s.items()},
        ),
    ],
)
def test_what_a_file_holds_is_told_from_its_header(
    tiny_folder: Path, ink: loras.Pairs, tmp_path: Path, flaw: Flaw, change: Any
) -> None:
    with pytest.raises(BadWeights) as refused:
        examine("ink", _saved(tmp_path, ink, change), tiny_folder)
    assert refused.value.flaw is flaw


def test_what_is_no_such_file_is_never_read_as_one(
    tiny_folder: Path, ink: loras.Pairs, tmp_path: Path
) -> None:
    pickled = tmp_path / "pickled.safetensors"
    torch.save({"a": torch.ones(2)}, pickled)
    whole = loras.write(tmp_path / "whole", "diffusers", ink)
    short = tmp_path / "short.safetensors"
    short.write_bytes(whole.read_bytes()[:-1])
    other = _saved(tmp_path / "other", ink, lambda s: {k: torch.ones(4, 4) for k in s})
    for path, flaw in {
        pickled: Flaw.PICKLE,
        short: Flaw.UNREADABLE,
        tmp_path / "none": Flaw.MISSING,
        tmp_path: Flaw.MISSING,
        other: Flaw.OTHER_MODEL,
    }.items():
        with pytest.raises(BadWeights) as refused:
            examine("ink", path, tiny_folder)
        assert refused.value.flaw is flaw, path


def test_another_file_is_another_digest(ink: loras.Pairs, tmp_path: Path) -> None:
    one = examine("ink", loras.write(tmp_path / "one", "diffusers", ink).parent)
    other = examine("ink", loras.write(tmp_path / "other", "kohya", ink))
    assert one.digest != other.digest
