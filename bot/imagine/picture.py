"""A picture to hand out: what its file says, whether it is a spoiler, its small previews.

The parameters stand in the text chunk that Stable Diffusion tools read (`parameters`, as A1111 writes it),
so that a picture says by itself how to draw it again.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from bot.imagine.options import BY_NAME, OPTIONS, number_text
from engine.png import with_text
from engine.request import PngFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.imagine.request import ImageRequest
    from engine.request import Adapter

SEED, NEGATIVE = BY_NAME["seed"].label, BY_NAME["negative"].label
FIRST = ("Steps", "Sampler", "CFG scale", "Seed", "Size", "Model")
"""In the web UIs' order; fields they do not know come after."""
HASH_CHARS = 12
"""How much of a LoRA file's SHA-256 the web UIs show."""
WATERMARK = "easel"
EMPTY = (43, 45, 49)
THUMBNAIL_PX = 256
WARNING = "Content warning"
"""The text chunk of a picture that the owner's classifier warned of: it stays with the file."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One finished image. Seconds are wall time of drawing; `gpu_us` and `cost_micro` are what it took."""

    job_id: str
    seed: int
    image: str
    """The stored file's name."""
    draw_s: float
    gpu_us: int
    cost_micro: int
    energy_mj: int | None = None
    cached: bool = False
    png: bytes = b""
    """Read when it is handed over and not before: many may be waiting."""
    spoiler: bool = False
    """Shown as a spoiler, because the owner's classifier warned of it. Known once `png` is read."""


STEPS_RUN = "Steps run"
"""Where fewer than "Steps" were, which it takes to draw the picture again."""


def parameters(
    request: ImageRequest,
    seed: int,
    model: str,
    adapters: Sequence[Adapter] = (),
    *,
    steps_run: int | None = None,
) -> str:
    """The picture's parameters in the notation of Stable Diffusion web UIs."""
    lines = [request.prompt]
    said = {option.label: request.value(option) for option in OPTIONS if option.label} | {SEED: seed}
    if negative := said.pop(NEGATIVE):
        lines.append(f"{NEGATIVE}: {negative}")
    facts = dict.fromkeys(FIRST) | said | {"Sampler": "Euler", "Model": model, "Version": "Easel"}
    if steps_run not in (None, request.steps):
        facts[STEPS_RUN] = steps_run
    if adapters:
        hashes = (f"{adapter.name}: {adapter.digest[:HASH_CHARS]}" for adapter in adapters)
        facts["Lora hashes"] = ", ".join(hashes)
    written = [f"{label}: {_plain(value)}" for label, value in facts.items() if value is not None]
    return "\n".join([*lines, ", ".join(written)])


def _plain(value: object) -> str:
    text = number_text(value) if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if "," in text or ":" in text else text


def picture_file(
    request: ImageRequest,
    seed: int,
    model: str,
    adapters: Sequence[Adapter] = (),
    *,
    steps_run: int | None = None,
    watermark: bool,
) -> PngFile:
    """What the worker is to write into the picture's file."""
    texts = (("parameters", parameters(request, seed, model, adapters, steps_run=steps_run)),)
    return PngFile(texts, WATERMARK if watermark else "")


def as_spoiler(png: bytes) -> bytes:
    """The picture marked as one to be shown as a spoiler."""
    return with_text(png, WARNING, "spoiler")


def is_spoiler(png: bytes) -> bool:
    """Whether a stored picture is to be shown as a spoiler. Reads no further than its first chunks."""
    with Image.open(io.BytesIO(png)) as image:
        return image.info.get(WARNING) == "spoiler"


def sheet(pictures: Sequence[Image.Image | None]) -> Image.Image:
    """Pictures of one size in two columns; what is not there yet is a dark cell."""
    width, height = next(picture.size for picture in pictures if picture is not None)
    joined = Image.new("RGB", (2 * width, (len(pictures) + 1) // 2 * height), EMPTY)
    for n, picture in enumerate(pictures):
        if picture is not None:
            joined.paste(picture.convert("RGB"), (n % 2 * width, n // 2 * height))
    return joined


def thumbnail(pngs: Sequence[bytes]) -> bytes | None:
    """A small JPEG of a request's pictures; None without any, and where one is a spoiler. Blocking."""
    if not pngs or any(is_spoiler(png) for png in pngs):
        return None
    pictures = [Image.open(io.BytesIO(png)) for png in pngs]
    return encode_preview(pictures[0] if len(pictures) == 1 else sheet(pictures), THUMBNAIL_PX)


def contact_sheet(thumbnails: Sequence[bytes | None]) -> bytes:
    """The pictures of a list as one JPEG, in rows of three, each with its number from one on. Blocking."""
    columns, cell = min(3, len(thumbnails)), THUMBNAIL_PX
    joined = Image.new("RGB", (columns * cell, -(-len(thumbnails) // columns) * cell), EMPTY)
    draw, font = ImageDraw.Draw(joined), ImageFont.load_default(size=28)
    for n, content in enumerate(thumbnails):
        left, top = n % columns * cell, n // columns * cell
        if content is not None:
            picture = Image.open(io.BytesIO(content))
            joined.paste(picture, (left + (cell - picture.width) // 2, top + (cell - picture.height) // 2))
        draw.text((left + 8, top + 4), str(n + 1), "white", font, stroke_width=2, stroke_fill="black")
    return encode_preview(joined, max(joined.size))


def encode_preview(image: Image.Image, edge_px: int = 512) -> bytes:
    """A small JPEG of a preview, for platforms that show pictures while they are drawn."""
    shown = image.convert("RGB").resize(_scaled(image, edge_px), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _scaled(image: Image.Image, edge_px: int) -> tuple[int, int]:
    scale = edge_px / max(image.size)
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))
