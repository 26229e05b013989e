"""A family that has nothing of Z-Image: rows instead of patches, guidance as a number, sizes in tens.

All of it is here, as it would be in engine/families/: the numbers, the plan, the arithmetic.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from engine.families.family import Family, Placement
from engine.families.model import Canvas, Caption, Model
from engine.families.plan import Need, Plan

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from pathlib import Path

    from engine.request import Picture

NUMBERS = """
name = "toy"
default_speed = "any"
sizes = { multiple = 10, min = 40, max = 200, default = 50, tile_above = 200, tile = 200 }
steps = { default = 3, guidance = 4.0 }
memory = { weights_bytes = { model = 1000 }, peak_bytes = [[40, 1000], [200, 25000]] }
speed.any = { encode_s = 0.001, step_s = [[50, 0.001]], decode_s = [[50, 0.001]] }
batch_gain = [[50, 2.0]]
"""


def write(folder: Path) -> Path:
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "ToyPipeline"}))
    (folder / "easel.toml").write_text(NUMBERS)
    return folder


@dataclass
class Rows:
    """One token a row of pixels. All widths share a forward; the guidance must be the same in it."""

    pixels: np.ndarray
    guidance: float
    steps: int
    step: int = 0

    @property
    def key(self) -> Hashable:
        return len(self.pixels), self.guidance

    @property
    def tokens(self) -> int:
        return len(self.pixels)


class Toy(Family):
    """Reads one caption whatever the guidance, and runs each step twice."""

    def plan(self, request: Picture) -> Plan:
        return Plan((request.prompt,), 2 * request.steps, Need(request.width, request.height))

    def load(self, placement: Placement) -> Model:
        return ToyModel(placement)


FAMILY = Toy(pipeline="ToyPipeline")


class ToyModel(Model):
    def __init__(self, placement: Placement) -> None:
        self.name, self.profile = placement.profile.name, placement.profile
        self.forwards: list[int] = []

    def load(self) -> None: ...

    def encode(self, prompts: Sequence[str]) -> list[Caption]:
        return [Caption(zlib.crc32(prompt.encode()) % 100, 4) for prompt in prompts]

    def begin(self, request: Picture, captions: Sequence[Caption], pictures: object) -> Rows:
        noise = np.random.default_rng(request.seed).random((request.height, request.width))
        return Rows(noise * captions[0].embedding, request.guidance, 2 * request.steps)  # type: ignore[operator]

    def step(self, canvases: Sequence[Canvas]) -> None:
        self.forwards.append(len(canvases))
        for canvas in canvases:
            assert isinstance(canvas, Rows)
            canvas.pixels = canvas.pixels + canvas.guidance
            canvas.step += 1

    def preview(self, canvas: Canvas) -> Image.Image:
        return self.decode(canvas, tile_px=None)

    def decode(self, canvas: Canvas, *, tile_px: int | None) -> Image.Image:
        assert isinstance(canvas, Rows)
        return Image.fromarray(canvas.pixels.astype(np.uint8)).convert("RGB")
