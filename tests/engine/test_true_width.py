"""At Z-Image-Turbo's own widths, in bf16: the engine's picture is the pipeline's.

Slow: two minutes on two cores, with 5 GB of memory and 3 GB of disk.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from engine.placement import resolve
from engine.request import DrawRequest
from engine.selftest import psnr_db
from engine.settings import ModelSettings
from engine.worker.pipeline import PipelineModel
from tests.engine import true_width

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.model

REQUEST = DrawRequest("wide", "an orange cat on a green meadow", 512, 512, steps=2, seed=7)
ENOUGH_DB = 45.0
"""49.6 was seen."""


def test_one_of_two_pictures_at_true_widths_is_the_pipelines(tmp_path: Path) -> None:
    folder = true_width.build(tmp_path / "model")
    model = PipelineModel(resolve(ModelSettings(source=str(folder), device="cpu", dtype="bfloat16")))
    model.load()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    try:
        captions = model.encode([REQUEST.prompt])
        canvases = [model.begin(replace(REQUEST, seed=seed), captions, ()) for seed in (7, 8)]
        for _ in range(REQUEST.steps):
            model.step(canvases)
        drawn = model.decode(canvases[0], tile_px=None)
        theirs = model.reference(REQUEST)
    finally:
        torch.set_num_threads(1)
    assert np.asarray(theirs).std() > 1, "an empty picture would equal anything"
    assert psnr_db(drawn, theirs) >= ENOUGH_DB
