"""docs/pictures.png: a source, a mask and a result for each thing that Easel does with a picture.

    python -m tools.edits

Everything is drawn by the embedded model, through the bot as its members use it.
"""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from bot.app import open_service
from bot.config.schema import Config
from bot.imagine.asker import Asker
from bot.imagine.events import Done
from bot.imagine.inputs import Brought
from bot.imagine.options import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.imagine.request import ImageRequest
    from bot.imagine.service import Service

OUT = Path(__file__).parents[1] / "docs" / "pictures.png"
ASKER = Asker("console", "owner", tier="enterprise", admitted=True)
WORDS = "a red house in the snow"
CELL, GAP, LABEL = 256, 12, 26

Row = tuple[str, Image.Image, Image.Image | None, Image.Image]
"""What was asked for, the picture that came with it, the mask, and the result."""


async def draw_one(
    service: Service, options: Options, brought: Brought | None = None
) -> tuple[bytes, ImageRequest]:
    """A result's file, and what was asked for."""
    key = f"{options}{brought and (brought.enlarge, len(brought.picture))}"
    live = await service.imagine(ASKER, options, key=key, address={}, brought=brought)
    done = await live.outcome()
    assert isinstance(done, Done), done
    done = await service.read(done)
    assert isinstance(done, Done), done
    await service.delivered(live, key)
    return done.pictures[0].png, live.request


async def drawn(service: Service, options: Options, brought: Brought | None = None) -> tuple[bytes, Row]:
    """A result's file, and what it was made from."""
    png, request = await draw_one(service, options, brought)

    async def kept(digest: str) -> Image.Image | None:
        return opened(await service.store.pictures.get_input(digest)) if digest else None

    result = opened(png)
    return png, (options.prompt, await kept(request.init) or result, await kept(request.mask), result)


async def rows(folder: Path) -> list[Row]:
    """One for each verb."""
    config = Config.model_validate({"storage": {"folder": folder}})
    async with open_service(config) as service:
        first, _ = await drawn(service, Options(WORDS, seed="0", quality="final"))
        found = []
        for options, enlarge in (
            (Options("a blue house in the snow", seed="0", quality="final", strength="0.85"), False),
            (Options("a penguin in the snow", seed="0", quality="final", area="centre"), False),
            (Options(WORDS, seed="0", quality="final", expand="all", size="square"), False),
            (Options(WORDS, seed="0", quality="final"), True),
        ):
            _, row = await drawn(service, options, Brought(first, own=True, enlarge=enlarge))
            found.append(row)
    return found


def opened(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png)) as image:
        return image.convert("RGB")


def grid(
    rows: Sequence[tuple[str, Sequence[Image.Image | None]]], cell: int, heads: Sequence[str] = ()
) -> Image.Image:
    """Rows of pictures, `cell` pixels wide and high, below their words; `heads` stand over the columns."""
    first, columns = LABEL if heads else GAP, max(len(pictures) for _, pictures in rows)
    size = (columns * (cell + GAP) + GAP, len(rows) * (cell + GAP + LABEL) + first)
    page = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=15)
    for column, head in enumerate(heads):
        draw.text((GAP + column * (cell + GAP), 4), head, "black", font)
    for at, (words, pictures) in enumerate(rows):
        top = first + at * (cell + GAP + LABEL)
        draw.text((GAP, top), words, "black", font)
        for column, image in enumerate(pictures):
            if image is not None:
                shown = image.resize((cell, cell), Image.Resampling.LANCZOS)
                page.paste(shown, (GAP + column * (cell + GAP), top + LABEL))
    return page


def sheet(found: list[Row]) -> Image.Image:
    """Source, mask, result: a row each."""
    names = ("--strength 0.85", "--area centre", "--expand all", "Larger")
    return grid(
        [
            (f"{name}: {words}" if name != "Larger" else name, pictures)
            for name, (words, *pictures) in zip(names, found, strict=True)
        ],
        CELL,
    )


def main() -> int:
    with TemporaryDirectory() as folder:
        sheet(asyncio.run(rows(Path(folder)))).save(OUT, optimize=True)
    sys.stdout.write(f"{OUT}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
