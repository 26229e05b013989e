"""Enlarging by a model of its own before a picture is drawn over."""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from engine.build import engine_with
from engine.events import Phase
from engine.families.plan import Need
from engine.fleet.fingerprint import fingerprint
from engine.placement import resolve
from engine.request import DrawRequest
from engine.settings import BadSetting, ModelSettings
from engine.worker.memory import MemoryGate
from engine.worker.pipeline import PipelineModel
from engine.worker.upscaling import Upscaler
from tests.engine.test_inputs import Shelf, png
from tests.engine.upscalers import STUB, have_spandrel, reddening

if TYPE_CHECKING:
    from pathlib import Path

    from engine.families.family import Placement

pytestmark = pytest.mark.model


@pytest.fixture(autouse=True)
def _spandrel(monkeypatch: pytest.MonkeyPatch) -> None:
    have_spandrel(monkeypatch)


def placed(folder: Path, upscaler: Path | None) -> Placement:
    return resolve(ModelSettings(source=str(folder), device="cpu", upscaler=upscaler))


@pytest.mark.parametrize("scale", [2, 4])
def test_a_picture_is_enlarged_tile_by_tile_without_a_seam(tmp_path: Path, scale: int) -> None:
    upscaler = Upscaler(reddening(tmp_path / "x.safetensors", scale), "cpu")
    light = Image.linear_gradient("L").resize((300, 270))
    larger = upscaler.enlarged(Image.merge("RGB", [Image.new("L", light.size), light, light]), (600, 540))
    assert larger.size == (600, 540)
    red, green, _ = larger.split()
    assert set(np.asarray(red).flat) == {85}
    wanted = light.resize((600, 540), Image.Resampling.NEAREST)
    assert np.abs(np.asarray(green, int) - np.asarray(wanted, int)).max() <= 1


async def test_what_is_drawn_larger_is_enlarged_by_the_owners_model_and_nothing_else_is(
    tmp_path: Path, tiny_folder: Path
) -> None:
    shelf = Shelf()
    begun = shelf.put(png("black"), strength=0.001)
    large = DrawRequest("a cat", 128, 128, steps=2, seed=1, inputs=(begun,), job_id="large")
    same = replace(large, job_id="same", width=64, height=64)
    pictures = []
    for upscaler in (None, reddening(tmp_path / "red.safetensors")):
        async with engine_with(PipelineModel(placed(tiny_folder, upscaler)), read=shelf.read) as engine:
            drawn = [(await engine.submit(one).result()).image for one in (large, same)]
        pictures.append([np.asarray(image, int) for image in drawn])
    plain, enlarged = pictures
    assert enlarged[0].shape == (128, 128, 3)
    assert (plain[0] != enlarged[0]).mean() > 0.5
    assert (plain[1] == enlarged[1]).all()


def test_its_memory_is_counted_before_a_picture_is_begun_and_measured_with_it(
    tmp_path: Path, tiny_folder: Path
) -> None:
    without, upscaled = placed(tiny_folder, None), placed(tiny_folder, reddening(tmp_path / "x.safetensors"))
    assert upscaled.upscaler is not None
    need, resident = Need(64, 64), upscaled.profile.resident_bytes
    budget = resident + upscaled.upscaler.peak_bytes - 1
    assert MemoryGate(without.profile, budget).ever_fits(need, pictures=1)
    gate = MemoryGate(upscaled.profile, budget)
    assert not gate.ever_fits(need, pictures=1)
    assert gate.ever_fits(need), "words alone are drawn all the same"
    gate.learn(Phase.BEGIN, need, 1 << 20)
    assert gate.ever_fits(need, pictures=1)


def test_another_upscaler_is_another_worker_and_learns_anew(tmp_path: Path, tiny_folder: Path) -> None:
    files = None, reddening(tmp_path / "two.safetensors"), reddening(tmp_path / "four.safetensors", 4)
    placements = [placed(tiny_folder, file) for file in files]
    assert len({fingerprint(placement) for placement in placements}) == 3
    assert len({placement.lessons_key for placement in placements}) == 3


def test_what_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, tiny_folder: Path) -> None:
    files = {
        name: tmp_path / name for name in ("none.safetensors", "x.pth", "text.safetensors", "p.safetensors")
    }
    files["x.pth"].write_bytes(b"")
    files["text.safetensors"].write_bytes(b"a text")
    files["p.safetensors"].write_bytes(pickle.dumps({"body.0.weight": 1}))
    files["other.safetensors"] = tmp_path / "other.safetensors"
    save_file({"some.weight": torch.zeros(2)}, files["other.safetensors"])
    files["same.safetensors"] = reddening(tmp_path / "same.safetensors", scale=1)
    reasons = {}
    for name, file in files.items():
        with pytest.raises(BadSetting) as refused:
            placed(tiny_folder, file)
        told = str(refused.value)
        assert told.startswith(f"upscaler: found '{file}'; ")
        reasons[name] = told.partition("; ")[2]
    assert reasons["none.safetensors"] == "there is no such file"
    assert "allowed: a .safetensors file" in reasons["x.pth"]
    assert reasons["text.safetensors"].startswith("it cannot be read")
    assert reasons["p.safetensors"].startswith("it cannot be read")
    assert reasons["other.safetensors"] == "spandrel knows no model with such weights"
    assert "2 to 8 times" in reasons["same.safetensors"]


def test_without_spandrel_the_sentence_names_the_extra(
    tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = reddening(tmp_path / "x.safetensors")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(STUB)])
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(BadSetting, match="needs spandrel, which the extra upscale brings"):
        placed(tiny_folder, file)
