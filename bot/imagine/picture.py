"""A drawing made ready to hand out: watermark, parameters in the file, PNG bytes.

The parameters stand in the text chunk that Stable Diffusion tools read (`parameters`, as A1111 writes it),
so that a picture says by itself how to draw it again.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from bot.imagine.options import BY_NAME, OPTIONS, number_text

if TYPE_CHECKING:
    from bot.imagine.request import ImageRequest

SEED, NEGATIVE = BY_NAME["seed"].label, BY_NAME["negative"].label
FIRST = ("Steps", "Sampler", "CFG scale", "Seed", "Size", "Model")
"""The web UIs' own order; what they do not know follows."""
WATERMARK = "easel"
COMPRESSION = 1
"""zlib's level. A 1024x1024 picture takes 50 to 90 ms of a core; at level 6, 130 to 430 for a sixth less."""
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


def parameters(request: ImageRequest, seed: int, model: str) -> str:
    """The picture's parameters in the notation of Stable Diffusion web UIs."""
    lines = [request.prompt]
    said = {option.label: request.value(option) for option in OPTIONS if option.label} | {SEED: seed}
    if negative := said.pop(NEGATIVE):
        lines.append(f"{NEGATIVE}: {negative}")
    facts = dict.fromkeys(FIRST) | said | {"Sampler": "Euler", "Model": model, "Version": "Easel"}
    written = [f"{label}: {_plain(value)}" for label, value in facts.items() if value is not None]
    return "\n".join([*lines, ", ".join(written)])


def _plain(value: object) -> str:
    return number_text(value) if isinstance(value, float) else str(value)


def encode_png(image: Image.Image, text: str, *, watermark: bool, spoiler: bool = False) -> bytes:
    """PNG bytes with `text` as their `parameters`. Blocking: call it off the event loop."""
    info = PngInfo()
    info.add_text("parameters", text)
    if spoiler:
        info.add_text(WARNING, "spoiler")
    buffer = io.BytesIO()
    (with_watermark(image) if watermark else image).save(
        buffer, "PNG", pnginfo=info, compress_level=COMPRESSION
    )
    return buffer.getvalue()


def is_spoiler(png: bytes) -> bool:
    """Whether a stored picture is to be shown as a spoiler. Reads no further than its first chunks."""
    with Image.open(io.BytesIO(png)) as image:
        return image.info.get(WARNING) == "spoiler"


def with_watermark(image: Image.Image) -> Image.Image:
    """A copy with the bot's name in the lower right corner, legible on light and on dark."""
    base = image.convert("RGBA")
    size_px = max(10, min(base.size) // 14)
    font = ImageFont.load_default(size=size_px)
    layer = Image.new("RGBA", base.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    _, _, right, bottom = draw.textbbox((0, 0), WATERMARK, font=font)
    margin = size_px // 2
    at = (base.width - margin - right, base.height - margin - bottom)
    draw.text(at, WATERMARK, font=font, fill=(255, 255, 255, 170), stroke_width=1, stroke_fill=(0, 0, 0, 110))
    return Image.alpha_composite(base, layer).convert("RGB")


def encode_preview(image: Image.Image, edge_px: int = 256) -> bytes:
    """A small JPEG of a preview, for platforms that show pictures while they are drawn."""
    shown = image.convert("RGB").resize(_scaled(image, edge_px), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _scaled(image: Image.Image, edge_px: int) -> tuple[int, int]:
    scale = edge_px / max(image.size)
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))
