"""docs/loras.png: the same pictures without a LoRA, with each of the embedded model's, and with two."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from bot.imagine.loras import ONLY, SHIPPED, files_for
from engine.placement import resolve
from engine.request import Adapter, DrawRequest
from engine.settings import ModelSettings
from engine.worker.pipeline import PipelineModel

if TYPE_CHECKING:
    from collections.abc import Sequence

OUT = Path(__file__).parents[1] / "docs" / "loras.png"
PROMPTS = ("a panda on the beach", "a red house in the snow", "a rocket in the night sky")
SIDE, GAP, HEAD = 128, 8, 20


def sheet(rows: Sequence[Sequence[Image.Image]], heads: Sequence[str]) -> Image.Image:
    """The pictures in rows, with words above the columns."""
    cell = SIDE + GAP
    whole = Image.new("RGB", (len(heads) * cell + GAP, len(rows) * cell + GAP + HEAD), "white")
    pen = ImageDraw.Draw(whole)
    for column, head in enumerate(heads):
        pen.text((GAP + column * cell, 6), head, fill=(40, 40, 40), font=ImageFont.load_default(12))
        for row, pictures in enumerate(rows):
            whole.paste(pictures[column], (GAP + column * cell, HEAD + GAP + row * cell))
    return whole


def main() -> None:
    from bot.config.schema import Config

    model = PipelineModel(resolve(ModelSettings(device="cpu", adapters=files_for(Config(), ONLY))))
    model.load()
    sets: list[dict[str, float]] = [{}, *({name: 1.0} for name in SHIPPED), {"ink": 0.7, "sepia": 0.7}]
    rows = []
    for number, prompt in enumerate(PROMPTS):
        request = DrawRequest(prompt, SIDE, SIDE, 8, seed=number, job_id="sheet")
        adapters = [tuple(Adapter(name, scale) for name, scale in sorted(one.items())) for one in sets]
        rows.append([model.reference(dataclasses.replace(request, adapters=one)) for one in adapters])
    heads = [", ".join(f"{name}:{scale:g}" for name, scale in one.items()) or "none" for one in sets]
    sheet(rows, heads).save(OUT)


if __name__ == "__main__":
    main()
