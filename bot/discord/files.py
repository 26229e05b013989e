"""Pictures as attachments: the 2x2 grid, fixed names, and whatever encoding fits under the place's limit.

PNG where it fits; else WebP, which keeps the parameters in the EXIF comment that Stable Diffusion tools read.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.imagine.picture import sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIF_IFD, USER_COMMENT = 0x8769, 0x9286
WEBP_MAX_PX = 16_383
WEBP_QUALITIES = (95, 90, 80, 65, 50)
SPOILER = "SPOILER_"
"""A file whose name begins like this is shown as a spoiler."""

ENVELOPE_BYTES = 64 * 1024
"""What a multipart body holds besides the file: the limit is on all of it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to attach. `name` carries no extension: the encoding is chosen for the place it goes to."""

    name: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Encoded:
    """An upload as it is sent."""

    name: str
    content: bytes


def file_name(request_id: str, number: int | None = None, *, spoiler: bool = False) -> str:
    """The name of a request's picture, or of its grid. Never anything a member typed."""
    name = f"easel-{request_id}" if number is None else f"easel-{request_id}-{number}"
    return SPOILER + name if spoiler else name


def fit(upload: Upload, limit_bytes: int) -> Encoded:
    """Encode so that it is at most `limit_bytes`. Blocking: call it off the event loop."""
    limit_bytes = max(limit_bytes - ENVELOPE_BYTES, ENVELOPE_BYTES)
    if len(upload.png) <= limit_bytes:
        return Encoded(f"{upload.name}.png", upload.png)
    with Image.open(io.BytesIO(upload.png)) as picture:
        exif = _exif(str(picture.info.get("parameters", "")))
        image = picture.convert("RGB")
    while True:
        for quality in WEBP_QUALITIES:
            content = _webp(image, quality, exif)
            if len(content) <= limit_bytes or image.width < 64:
                return Encoded(f"{upload.name}.webp", content)
        image = image.resize((image.width * 3 // 4, image.height * 3 // 4), Image.Resampling.LANCZOS)


def grid(pngs: Sequence[bytes]) -> bytes:
    """Two to four pictures side by side, with the first one's parameters. Blocking: off the event loop."""
    pictures = [Image.open(io.BytesIO(png)) for png in pngs]
    info = PngInfo()
    info.add_text("parameters", str(pictures[0].info.get("parameters", "")))
    buffer = io.BytesIO()
    sheet(pictures).save(buffer, "PNG", pnginfo=info, compress_level=6)
    return buffer.getvalue()


def _webp(image: Image.Image, quality: int, exif: bytes) -> bytes:
    if max(image.size) > WEBP_MAX_PX:
        image = image.copy()
        image.thumbnail((WEBP_MAX_PX, WEBP_MAX_PX))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4, exif=exif)
    return buffer.getvalue()


def _exif(parameters: str) -> bytes:
    """The parameters as EXIF UserComment: an eight-byte code name, then UTF-16, as A1111 writes it."""
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + parameters.encode("utf-16-be")
    return exif.tobytes()
