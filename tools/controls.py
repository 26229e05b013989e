"""docs/control.png: what was followed, its map, the same words and seed without it, and the result.

    python -m tools.controls

Everything is drawn by the embedded model with its control network, through the bot as its members use it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from bot.app import open_service
from bot.config.schema import Config
from bot.imagine.inputs import Brought
from bot.imagine.options import Options
from bot.imagine.source import png
from tools.edits import draw_one, grid, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.imagine.service import Service

OUT = Path(__file__).parents[1] / "docs" / "control.png"
FIRST = "an orange cat on a green meadow"
FOLLOWED = ("a blue cat on a snowy field", "a red house in the snow")
CELL = 192  # pixels

Row = tuple[str, Image.Image, Image.Image, Image.Image, Image.Image]
"""The words, what was followed, its map, what the words alone give, and the result."""


async def drawn(service: Service, options: Options, brought: Brought | None = None) -> tuple[bytes, str]:
    """A result's file, and the digest of the map that it follows."""
    png, request = await draw_one(service, options, brought)
    return png, request.map


def house() -> bytes:
    """A drawing in a few strokes."""
    image = Image.new("RGB", (512, 512), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((128, 240, 384, 432), outline="black", width=8)
    pen.line((104, 248, 256, 112, 408, 248), fill="black", width=8, joint="curve")
    pen.rectangle((224, 320, 288, 432), outline="black", width=8)
    return png(image)


async def rows(folder: Path) -> list[Row]:
    """A picture of ours is followed, and a drawing."""
    async with open_service(Config.model_validate({"storage": {"folder": folder}})) as service:
        first, _ = await drawn(service, Options(FIRST, seed="0", quality="final"))
        found = []
        for words, source in zip(FOLLOWED, (first, house()), strict=True):
            options = Options(words, seed="0", quality="final", size="square")
            alone, _ = await drawn(service, options)
            along = Options(words, seed="0", quality="final", size="square", control="edges")
            result, digest = await drawn(service, along, Brought(source, own=True))
            shown = opened(await service.store.pictures.get_input(digest))
            found.append((words, opened(source), shown, opened(alone), opened(result)))
    return found


def sheet(found: Sequence[Row]) -> Image.Image:
    """A row each."""
    heads = ("picture", "map", "words alone", "--control edges")
    return grid([(words, pictures) for words, *pictures in found], CELL, heads)


def main() -> int:
    with TemporaryDirectory() as folder:
        sheet(asyncio.run(rows(Path(folder)))).save(OUT, optimize=True)
    sys.stdout.write(f"{OUT}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
