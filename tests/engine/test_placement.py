"""Settings for a GPU, carried out on a CPU up to the device call; none of them changes the picture."""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from engine.build import build_engine, engine_with
from engine.families.recognise import profile_of
from engine.families.registry import families
from engine.placement import resolve, weights_on_disk
from engine.request import DrawFailed, DrawRequest, ModelLost
from engine.settings import BadSetting, EngineConfig, ModelSettings
from engine.worker.memory import Mode
from engine.worker.pipeline import PipelineModel
from engine.worker.watchdog import Cause
from tests.engine.fakes import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from engine.families.model import Canvas

pytestmark = pytest.mark.model

REQUEST = DrawRequest("an orange cat", 64, 64, steps=2, seed=3, job_id="a")


def settings(folder: Path, **more: Any) -> ModelSettings:
    return ModelSettings(source=str(folder), device="cpu", **more)


async def draw(model: PipelineModel) -> Image.Image:
    async with engine_with(model) as engine:
        return (await engine.submit(REQUEST).result()).image


def difference(one: Image.Image, other: Image.Image) -> int:
    return int(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).max())


class Card:
    """What torch would say of a GPU; nothing is ever sent to it."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, name: str, gigabytes: float, *, bf16: bool = True
    ) -> None:
        properties = type("Properties", (), {"total_memory": round(gigabytes * 1e9)})
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: name)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda *_: properties)
        monkeypatch.setattr(
            torch.cuda, "is_bf16_supported", lambda including_emulation: bf16 or including_emulation
        )
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)


class TestWhatAutoMeans:
    def test_a_real_model_is_never_drawn_on_a_cpu_by_surprise(self, tiny_folder: Path) -> None:
        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
        with pytest.raises(BadSetting, match=r"torch sees no GPU here \(.*allowed: cpu"):
            resolve(ModelSettings(source=str(tiny_folder)))
        assert resolve(ModelSettings(source=str(tiny_folder), device="cpu")).device == "cpu"

    def test_on_a_cpu(self) -> None:
        placement = resolve(ModelSettings())
        assert (placement.device, placement.dtype, placement.mode) == ("cpu", torch.float32, Mode.HIGH)
        assert placement.budget_bytes is None

    @pytest.mark.parametrize(
        ("gigabytes", "mode"), [(80, "high"), (25.4, "high"), (23.6, "medium"), (16, "low")]
    )
    def test_on_a_card(self, monkeypatch: pytest.MonkeyPatch, gigabytes: float, mode: str) -> None:
        Card(monkeypatch, "NVIDIA GeForce RTX 3090", gigabytes)
        placement = resolve(ModelSettings(source="Tongyi-MAI/Z-Image-Turbo"))
        assert (placement.device, placement.dtype) == ("cuda:0", torch.bfloat16)
        assert placement.mode.value == mode
        assert placement.budget_bytes == pytest.approx(0.95 * gigabytes * 1e9)
        assert placement.profile.known_device
        assert placement.profile.name == "z-image-turbo", "never the article's table"

    def test_the_largest_picture_offered_decides_with_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Card(monkeypatch, "NVIDIA A10G", 24.1)
        assert resolve(ModelSettings(source="x/y", largest_px=768)).mode is Mode.HIGH
        assert resolve(ModelSettings(source="x/y", largest_px=1024)).mode is Mode.MEDIUM
        smaller_tiles = ModelSettings(source="x/y", largest_px=2048, tile_above_px=768)
        assert resolve(smaller_tiles).mode is Mode.HIGH

    @pytest.mark.parametrize("dtype", ["auto", "bfloat16"])
    def test_an_old_card_only_emulates_bfloat16(self, monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
        Card(monkeypatch, "Tesla T4", 16, bf16=False)
        with pytest.raises(BadSetting, match="no bfloat16 of its own"):
            resolve(ModelSettings(source="x/y", dtype=dtype))
        assert resolve(ModelSettings(source="x/y", dtype="float32")).dtype is torch.float32

    def test_float16_would_draw_black_pictures(self) -> None:
        with pytest.raises(BadSetting, match="overflows in float16 and draws black pictures"):
            resolve(ModelSettings(dtype="float16"))

    def test_eight_bit_weights_make_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Card(monkeypatch, "NVIDIA GeForce RTX 4080", 16)
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
        placement = resolve(ModelSettings(source="x/y", quantisation="float8"))
        assert placement.profile.weights_bytes["transformer"] == 6_293_612_672

    def test_what_the_owner_says_goes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Card(monkeypatch, "NVIDIA L4", 24)
        placement = resolve(
            ModelSettings(
                source="x/y",
                device="cuda:1",
                dtype="float32",
                memory_mode="low",
                memory_budget_bytes=7 * 10**9,
                tile_above_px=900,
            )
        )
        assert (placement.device, placement.dtype, placement.mode) == ("cuda:1", torch.float32, Mode.LOW)
        assert placement.budget_bytes == 7 * 10**9
        assert placement.profile.tile_above_pixels == 810_000

    def test_what_cannot_be_is_said_in_a_sentence(self) -> None:
        if not torch.cuda.is_available():
            with pytest.raises(BadSetting, match="torch sees no GPU"):
                resolve(ModelSettings(device="cuda"))
        with pytest.raises(BadSetting, match="found 'int3'; allowed: none, int8, float8"):
            resolve(ModelSettings(quantisation="int3"))
        with pytest.raises(BadSetting, match=r"found 'no-such'; allowed: auto, flash, .*native"):
            resolve(ModelSettings(attention="no-such"))

    def test_a_missing_package_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
        with pytest.raises(BadSetting, match=r"the extra gpu"):
            resolve(ModelSettings(quantisation="int8"))


def test_weights_are_read_off_the_folder(tiny_folder: Path) -> None:
    model = PipelineModel(resolve(settings(tiny_folder)))
    model.load()
    for part, nbytes in weights_on_disk(tiny_folder, torch.float32).items():
        held = sum(p.nbytes for p in getattr(model.pipeline, part).parameters())
        assert nbytes == pytest.approx(held, rel=0.02), part
    halves = weights_on_disk(tiny_folder, torch.bfloat16)
    assert 2 * sum(halves.values()) == sum(weights_on_disk(tiny_folder, torch.float32).values())


@pytest.fixture(scope="module")
def plain(tiny_folder: Path) -> Image.Image:
    import asyncio

    return asyncio.run(draw(PipelineModel(resolve(settings(tiny_folder)))))


class TestTheBranchesOnACpu:
    async def test_medium_takes_the_encoder_off_after_encoding(
        self, tiny_folder: Path, plain: Image.Image, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = PipelineModel(resolve(settings(tiny_folder, memory_mode="medium")))
        model.load()
        encoder = model.pipeline.text_encoder
        home = [parameter.data_ptr() for parameter in encoder.parameters()]
        copied: list[int] = []
        move = torch.Tensor.to
        monkeypatch.setattr(
            torch.Tensor, "to", lambda t, *a, **k: (copied.append(t.data_ptr()), move(t, *a, **k))[1]
        )
        encoder.register_forward_pre_hook(lambda *_: copied.append(0))
        captions = model.encode(["an orange cat", "a blue boat"])
        assert copied[: copied.index(0)][: len(home)] == home, "there, once for all prompts"
        assert not set(copied[copied.index(0) :]) & set(home), "and never back"
        assert [parameter.data_ptr() for parameter in encoder.parameters()] == home
        assert all(caption.nbytes > 0 for caption in captions)

    async def test_low_draws_the_same_through_offload_hooks(
        self, tiny_folder: Path, plain: Image.Image
    ) -> None:
        model = PipelineModel(resolve(settings(tiny_folder, memory_mode="low")))
        async with engine_with(model, mode=Mode.LOW) as engine:
            assert len(model.pipeline._all_hooks) == 3
            for n in range(2):
                request = dataclasses.replace(REQUEST, job_id=str(n), flow=str(n))
                drawing = await engine.submit(request).result()
                assert difference(drawing.image, plain) <= 1

    @pytest.mark.parametrize("attention", ["native", "_native_math"])
    async def test_attention_back_ends(self, tiny_folder: Path, plain: Image.Image, attention: str) -> None:
        model = PipelineModel(resolve(settings(tiny_folder, attention=attention)))
        model.load()
        processor = model.pipeline.transformer.layers[0].attention.processor
        assert processor._attention_backend.value == attention
        assert difference(await draw(model), plain) <= 1

    async def test_an_attention_back_end_that_is_not_there_is_told_at_start(self, tiny_folder: Path) -> None:
        engine = engine_with(model=PipelineModel(resolve(settings(tiny_folder, attention="sage"))))
        with pytest.raises(ModelLost, match="sageattention"):
            await engine.start()

    @pytest.mark.parametrize(("kind", "most"), [("int8", 40), ("float8", 120)])
    async def test_eight_bit_weights_draw_nearly_the_same(
        self, tiny_folder: Path, plain: Image.Image, kind: str, most: int
    ) -> None:
        pytest.importorskip("torchao", reason="torchao is not installed")
        model = PipelineModel(resolve(settings(tiny_folder, quantisation=kind)))
        assert 0 < difference(await draw(model), plain) <= most

    async def test_large_pictures_are_decoded_in_tiles(self, tiny_folder: Path, plain: Image.Image) -> None:
        seen: list[int | None] = []

        class Watched(PipelineModel):
            def decode(self, canvas: Canvas, *, tile_px: int | None) -> Image.Image:
                seen.append(tile_px)
                return super().decode(canvas, tile_px=tile_px)

        model = Watched(resolve(settings(tiny_folder, tile_above_px=32)))
        assert (await draw(model)).size == plain.size
        assert seen == [32, 32], "the warm-up and the picture"


async def test_build_gives_each_core_a_thread_on_a_cpu(tiny_folder: Path) -> None:
    engine = build_engine(settings(tiny_folder, memory_budget_bytes=10**9), EngineConfig(max_active=5))
    async with engine:
        drawing = await engine.submit(REQUEST).result()
        assert drawing.usage.gpu_s > 0
        snapshot = engine.snapshot()
        assert snapshot.device is not None
        assert (snapshot.device.cap, snapshot.device.memory_budget_bytes) == (5, 10**9)
        assert snapshot.device.gpu is None


async def test_the_owner_hears_of_black_pictures_after_a_few(tiny_folder: Path) -> None:
    heard = Recorder()
    model = PipelineModel(resolve(settings(tiny_folder)))
    async with engine_with(model=model, observers=[heard]) as engine:
        with torch.no_grad():
            model.pipeline.vae.decoder.conv_out.weight.fill_(float("nan"))
        for n in range(3):
            assert heard.alerts == []
            with pytest.raises(DrawFailed):
                await engine.submit(dataclasses.replace(REQUEST, job_id=str(n), seed=n)).result()
        assert [alert.cause for alert in heard.alerts] == [Cause.NOT_FINITE]


async def test_a_picture_that_is_no_number_fails_and_spoils_nothing(tiny_folder: Path) -> None:
    model = PipelineModel(resolve(settings(tiny_folder)))
    async with engine_with(model) as engine:
        await engine.submit(REQUEST).result()
        last = model.pipeline.vae.decoder.conv_out.weight
        right = last.detach().clone()
        broken = dataclasses.replace(REQUEST, job_id="broken", seed=4)
        with torch.no_grad():
            last[0, 0, 0, 0] = float("nan")
        with pytest.raises(DrawFailed, match="no numbers") as failed:
            await engine.submit(broken).result()
        assert not failed.value.usage.billable
        with torch.no_grad():
            last.copy_(right)
        again = await engine.submit(dataclasses.replace(broken, job_id="again", preview_every=1)).result()
        assert not again.usage.cached
        canvas = model.begin(REQUEST, model.encode([REQUEST.prompt]), ())
        assert np.asarray(model.preview(canvas)).std() > 0


def test_tiles_are_smaller_than_the_picture_where_memory_ran_out(tiny_folder: Path) -> None:
    model = PipelineModel(resolve(settings(tiny_folder)))
    model.load()
    given: list[int] = []
    model.pipeline.vae.decoder.register_forward_pre_hook(lambda _, z: given.append(z[0].shape[-1]))
    canvas = model.begin(REQUEST, model.encode([REQUEST.prompt]), ())
    whole = model.decode(canvas, tile_px=None)
    assert (given, model.profile.tile_px) == ([8], 64), "a picture of one tile"
    given.clear()
    assert model.decode(canvas, tile_px=32).size == whole.size
    assert len(given) > 1
    assert max(given) == 4


@pytest.mark.parametrize(
    ("source", "pipeline", "profile"),
    [
        ("Tongyi-MAI/Z-Image-Turbo", "ZImagePipeline", "z-image-turbo"),
        ("Tongyi-MAI/Z-Image", "ZImagePipeline", "z-image"),
        ("/models/my-finetune", "ZImagePipeline", "z-image-turbo"),
        ("black-forest-labs/FLUX.2-klein-4B", "Flux2KleinPipeline", "flux.2-klein-4b"),
        ("black-forest-labs/FLUX.2-klein-base-4B", "Flux2KleinPipeline", "flux.2-klein-base-4b"),
        ("/models/z-image", "Flux2KleinPipeline", "flux.2-klein-4b"),
    ],
)
def test_a_name_picks_the_numbers_among_those_of_its_family(source: str, pipeline: str, profile: str) -> None:
    assert profile_of(source, families()[pipeline]) == profile


@pytest.mark.parametrize(
    ("index", "told"),
    [
        (
            '{"_class_name": "StableDiffusionPipeline"}',
            "it holds a StableDiffusionPipeline; Easel draws with Flux2KleinPipeline and ZImagePipeline",
        ),
        ("{}", "names no class of pipeline"),
        ("<html>", "names no class of pipeline"),
    ],
)
def test_a_folder_of_an_unknown_class_is_refused_in_one_sentence(
    tmp_path: Path, index: str, told: str
) -> None:
    (tmp_path / "model_index.json").write_text(index)
    with pytest.raises(BadSetting, match=told):
        resolve(settings(tmp_path))
