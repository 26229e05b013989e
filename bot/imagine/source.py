"""A picture that a member brings, made safe and fit for the model.

Nothing of it is trusted: its bytes, its type and the size its header claims are checked before a pixel is
decoded, and only pixels survive. `read` blocks for up to a second: call it off the event loop.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageCms, ImageOps

from bot.messages import Message, UserError, say

if TYPE_CHECKING:
    from collections.abc import Iterator

MB = 1 << 20
FORMATS = ("PNG", "JPEG", "WEBP")
LARGEST_PIXELS = 25_000_000
LARGEST_JPEG_PIXELS = 64_000_000
"""Phones make up to 50 million, as JPEG, which is decoded at a fraction of its size. Anything else is decoded
whole, in up to 8 bytes a pixel."""
SMALLEST_PX = 32
MOST_ELONGATED = 8
"""Times that one side may be as long as the other."""
WORKING_PX = 2048
"""A member's picture is brought to at most this edge at once: no model here draws larger."""
DAMAGED = (OSError, ValueError, SyntaxError, struct.error, zlib.error, EOFError, OverflowError, MemoryError)
"""What Pillow raises for a file that is cut off or not what it claims to be."""


@dataclass(frozen=True, slots=True)
class Source:
    """A member's picture in RGB, upright, without anything that is not a pixel."""

    image: Image.Image
    notes: tuple[Message, ...] = ()
    """What was changed on the way that a member may wonder about."""


def read(content: bytes, *, largest_bytes: int, longest_px: int = WORKING_PX) -> Source:
    """The picture in `content`, with edges of at most `longest_px`.

    Raises UserError, one sentence, for whatever is no picture or too large.
    """
    image = _opened(content, largest_bytes)
    notes = tuple(_notes(image))
    try:
        pixels = _decoded(image, longest_px)
    except (*DAMAGED, Image.DecompressionBombError) as broken:
        raise UserError(say("error-picture-damaged")) from broken
    return Source(pixels, notes)


def read_mask(content: bytes, *, largest_bytes: int) -> Source:
    """A mask as a grey picture: white is repainted, black is kept.

    A file with transparency says it by that, as OpenAI's API does: what is transparent is repainted. Raises
    UserError as `read` does, and for a mask that is the same everywhere.
    """
    image = _opened(content, largest_bytes)
    try:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode in ("RGBA", "LA"):
            mask = ImageOps.invert(image.getchannel("A"))
        elif _see_through(image):
            mask = ImageOps.invert(image.convert("RGBA").getchannel("A"))
        else:
            mask = image.convert("L")
    except (*DAMAGED, Image.DecompressionBombError) as broken:
        raise UserError(say("error-picture-damaged")) from broken
    if not mask.point(lambda value: 255 * (value >= 128)).getbbox():
        raise UserError(say("error-mask-empty"))
    return Source(mask)


def fitted(source: Source, width: int, height: int) -> Source:
    """The source at exactly this size: scaled to cover it, and cropped where the shapes differ."""
    image = source.image
    notes = source.notes
    ratios = sorted((image.width * height, width * image.height))
    if ratios[0] < 0.98 * ratios[1]:
        notes += (say("note-picture-cropped", size=f"{width}x{height}"),)
    return Source(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS), notes)


def png(image: Image.Image) -> bytes:
    """The pixels as a PNG without metadata; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"8BPS", "PSD"),
)
BRANDS = {
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"hevc": "HEIC",
    b"mif1": "HEIC",
}
"""What the files of the ISO container are by their brand; any other is taken for a film."""


def sniffed(content: bytes) -> str:
    """What a file is by its first bytes: one of FORMATS, another format's name, or "" for no picture."""
    for start, name in MAGIC:
        if content.startswith(start):
            return name
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp":
        return BRANDS.get(content[8:12], "MP4")
    return "SVG" if b"<svg" in content[:4096].lower() else ""


def _opened(content: bytes, largest_bytes: int) -> Image.Image:
    """The file with its header read and no pixel decoded."""
    if len(content) > largest_bytes:
        raise UserError(say("error-picture-bytes", mb=max(1, largest_bytes // MB)))
    kind = sniffed(content)
    if kind not in FORMATS:
        raise UserError(say("error-picture-kind", kind=kind) if kind else say("error-picture-none"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we count for ourselves, below
            image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as bomb:
        raise UserError(say("error-picture-pixels", most=LARGEST_PIXELS // 1_000_000)) from bomb
    except DAMAGED as broken:
        raise UserError(say("error-picture-damaged")) from broken
    most = LARGEST_JPEG_PIXELS if image.format == "JPEG" else LARGEST_PIXELS
    long, short = max(image.size), min(image.size)
    if image.width * image.height > most:
        raise UserError(say("error-picture-pixels", most=most // 1_000_000))
    if short < SMALLEST_PX:
        raise UserError(say("error-picture-small", size=f"{image.width}x{image.height}", least=SMALLEST_PX))
    if long > MOST_ELONGATED * short:
        raise UserError(say("error-picture-shape", size=f"{image.width}x{image.height}", most=MOST_ELONGATED))
    return image


def _notes(image: Image.Image) -> Iterator[Message]:
    if getattr(image, "n_frames", 1) > 1:
        yield say("note-picture-frame")
    if image.mode == "CMYK":
        yield say("note-picture-cmyk")
    if image.mode.startswith("I"):
        yield say("note-picture-deep")
    if _see_through(image):
        yield say("note-picture-white")


def _decoded(image: Image.Image, longest_px: int) -> Image.Image:
    """The first frame in RGB, upright, over white, and nothing but pixels."""
    profile = image.info.get("icc_profile")
    image.draft("RGB", (longest_px, longest_px))  # a JPEG is decoded no larger than it is needed
    image.load()
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.point(lambda value: value / 256).convert("L")
    see_through = _see_through(image)
    if image.mode not in ("L", "RGB", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA" if see_through else "RGB")
    # Made small before anything else: each copy of a large picture takes 4 bytes a pixel.
    image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    pixels = ImageOps.exif_transpose(image).convert("RGBA" if see_through else "RGB")
    if see_through:
        pixels = Image.alpha_composite(Image.new("RGBA", pixels.size, "white"), pixels).convert("RGB")
    if profile and image.mode in ("RGB", "RGBA"):
        pixels = _in_srgb(pixels, profile)
    return Image.frombytes(pixels.mode, pixels.size, pixels.tobytes())


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture with its colours in sRGB. A colour profile that cannot be read is ignored."""
    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, theirs, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return image
    return converted or image


def _see_through(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
