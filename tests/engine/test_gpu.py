"""What is done differently on a GPU, with torch.cuda played by a stand-in: the tensors stay on the CPU."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from engine.build import engine_with, local_front
from engine.families.plan import Need
from engine.placement import resolve
from engine.request import DrawRequest
from engine.settings import EngineConfig, ModelSettings
from engine.worker.loaded import Offered
from engine.worker.memory import Mode
from engine.worker.pipeline import PipelineModel
from engine.worker.steploop import StepLoop

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

pytestmark = pytest.mark.model

REQUEST = DrawRequest("an orange cat", 64, 64, steps=3, seed=3, preview_every=1, job_id="a")
NAMED_GPU = "cpu:0"
"""To torch this is the CPU, to Easel it is not: every branch for a GPU is taken."""


class Cuda:
    """torch.cuda as far as Easel calls it. Each event is a tenth of a second later than the one before."""

    loaded, peak, free, total = 1_000, 5_000, 10_000_000_000, 50_000_000_000

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.now_ms = 0.0
        cuda = self

        class Event:
            def __init__(self, *, enable_timing: bool) -> None:
                assert enable_timing

            def record(self) -> None:
                cuda.now_ms += 100.0
                self.at_ms = cuda.now_ms

            def synchronize(self) -> None:
                cuda.calls.append("wait for the event")

            def elapsed_time(self, later: Event) -> float:
                return later.at_ms - self.at_ms

        answers = {
            "memory_allocated": self.loaded,
            "max_memory_allocated": self.peak,
            "memory_reserved": 7_000,
            "mem_get_info": (self.free, self.total),
        }
        monkeypatch.setattr(torch.cuda, "Event", Event)
        for name, answer in answers.items():
            monkeypatch.setattr(torch.cuda, name, lambda _device, answer=answer: answer)
        for name in ("set_device", "reset_peak_memory_stats", "synchronize", "empty_cache"):
            monkeypatch.setattr(torch.cuda, name, lambda *_, name=name: self.calls.append(name))


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    return Cuda(monkeypatch)


def on_gpu(folder: Path, **settings: Any) -> PipelineModel:
    placement = resolve(ModelSettings(source=str(folder), device="cpu", **settings))
    return PipelineModel(dataclasses.replace(placement, device=NAMED_GPU))


async def draw(model: PipelineModel, mode: Mode = Mode.HIGH) -> Image.Image:
    async with engine_with(model, mode=mode) as engine:
        return (await engine.submit(REQUEST).result()).image


@pytest.mark.parametrize("mode", Mode)
async def test_the_picture_is_the_cpus(tiny_folder: Path, cuda: Cuda, mode: Mode) -> None:
    plain = await draw(PipelineModel(resolve(ModelSettings(source=str(tiny_folder), device="cpu"))))
    assert cuda.calls == []
    drawn = await draw(on_gpu(tiny_folder, memory_mode=mode), mode)
    assert np.abs(np.asarray(drawn, dtype=int) - np.asarray(plain, dtype=int)).max() <= 1
    assert cuda.calls[0] == "set_device", "each worker thread speaks to the right card"


async def test_each_call_is_measured_by_the_devices_clock_and_allocator(
    tiny_folder: Path, cuda: Cuda
) -> None:
    model = on_gpu(tiny_folder)
    worker = StepLoop("gpu", models=[Offered(model)])
    async with local_front(worker, EngineConfig(), replaces=False) as engine:
        drawing = await engine.submit(REQUEST).result()
        need = Need(64, 64)
        assert worker.gate.learned() == {
            phase: {str(need): cuda.peak - cuda.loaded} for phase in ("encode", "denoise", "decode")
        }
        device = engine.snapshot().device
        assert device is not None
        memory = device.memory
        assert memory is not None
        assert (memory.total, memory.free, memory.available) == (cuda.total, cuda.free, cuda.free + 7_000)
    assert drawing.usage.gpu_s <= 0.1 * (1 + REQUEST.steps + 1), "no more than the events tell"
    model.start_measuring()
    assert model.measured().device_s == pytest.approx(0.1)


def test_with_offload_no_peak_is_told(tiny_folder: Path, cuda: Cuda) -> None:
    model = on_gpu(tiny_folder, memory_mode="low")
    model.start_measuring()
    assert model.measured().peak_bytes is None


def test_a_step_is_over_when_the_device_has_drawn_it(tiny_folder: Path, cuda: Cuda) -> None:
    """A GPU answers at once and draws later; a preview timed then would be billed for the step."""
    model = on_gpu(tiny_folder)
    model.load()
    canvas = model.begin(REQUEST, model.encode([REQUEST.prompt]), ())
    model.pipeline.transformer.register_forward_pre_hook(lambda *_: cuda.calls.append("forward"))
    model.step([canvas])
    assert cuda.calls[-2:] == ["forward", "synchronize"]


def test_an_encoder_that_ran_out_of_memory_leaves_the_device_too(tiny_folder: Path, cuda: Cuda) -> None:
    model = on_gpu(tiny_folder, memory_mode="medium")
    model.load()
    encoder = model.pipeline.text_encoder
    home = [parameter.data_ptr() for parameter in encoder.parameters()]

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    encoder.register_forward_pre_hook(fail)
    with pytest.raises(torch.OutOfMemoryError):
        model.encode(["a cat"])
    assert [parameter.data_ptr() for parameter in encoder.parameters()] == home


async def test_16_bits_draw_what_the_pipeline_draws_in_16_bits(tiny_folder: Path, cuda: Cuda) -> None:
    model = on_gpu(tiny_folder, dtype="bfloat16")
    drawn = await draw(model)
    model.load()
    theirs = model.pipeline(
        REQUEST.prompt,
        height=64,
        width=64,
        num_inference_steps=REQUEST.steps,
        guidance_scale=0.0,
        generator=torch.Generator("cpu").manual_seed(REQUEST.seed),
    ).images[0]
    assert np.abs(np.asarray(drawn, dtype=int) - np.asarray(theirs, dtype=int)).max() <= 1
