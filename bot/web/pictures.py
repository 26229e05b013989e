"""Pictures in the format that was asked for. Stored they are PNG; re-encoding happens off the event loop."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.web.schemas import Format

MEDIA: Mapping[Format, str] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
GOOD = 92
PREVIEW_PX = 256


async def encoded(png: bytes, file_format: Format, compression: int | None = None) -> bytes:
    """A stored picture as png (as it is, its parameters with it), jpeg or webp; `compression` 100 is best."""
    if file_format == "png":
        return png
    return await asyncio.to_thread(_again, png, file_format, GOOD if compression is None else compression)


async def preview(image: Image.Image, file_format: Format) -> bytes:
    """A small picture of how far it is."""
    return await asyncio.to_thread(_small, image, file_format)


def _again(png: bytes, file_format: Format, quality: int) -> bytes:
    with Image.open(io.BytesIO(png)) as image:
        return _saved(image.convert("RGB"), file_format, quality)


def _small(image: Image.Image, file_format: Format) -> bytes:
    scale = PREVIEW_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return _saved(image.convert("RGB").resize(size, Image.Resampling.BILINEAR), file_format, GOOD)


def _saved(image: Image.Image, file_format: Format, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, quality=quality)
    return buffer.getvalue()
