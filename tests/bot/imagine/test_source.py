"""A member's picture: odd ones become the picture that was meant, or one sentence, and nothing else."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from bot.imagine.source import (
    FORMATS,
    LARGEST_PIXELS,
    WORKING_PX,
    Source,
    fitted,
    png,
    read,
    read_mask,
    sniffed,
)
from bot.messages import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

MB = 1 << 20


def encoded(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def painted(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image.convert(mode)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claims(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG whose header says this size, whatever follows."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def read_(content: bytes, largest_bytes: int = 10 * MB) -> Source:
    return read(content, largest_bytes=largest_bytes)


def refusal(content: bytes, largest_bytes: int = 10 * MB) -> str:
    with pytest.raises(UserError) as refused:
        read(content, largest_bytes=largest_bytes)
    return refused.value.message.id


def told(source: Source) -> Sequence[str]:
    return [note.id for note in source.notes]


def near(pixel: Any, colour: tuple[int, int, int], within: int = 12) -> bool:
    return all(abs(have - want) <= within for have, want in zip(pixel, colour, strict=True))


@pytest.mark.parametrize("kind", FORMATS)
def test_the_usual_files_are_read(kind: str) -> None:
    source = read_(encoded(painted(), kind, quality=95))
    assert source.image.mode == "RGB"
    assert source.image.size == (96, 64)
    assert near(source.image.getpixel((8, 32)), (255, 0, 0))
    assert told(source) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "error-picture-none"),
        (b"only words, though the file is called cat.png", "error-picture-none"),
        (b"<html><body>not here</body></html>", "error-picture-none"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "error-picture-kind"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "error-picture-kind"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "error-picture-kind"),
        (b"%PDF-1.7 ...", "error-picture-kind"),
        (encoded(painted(), "GIF"), "error-picture-kind"),
        (encoded(painted(), "BMP"), "error-picture-kind"),
        (encoded(painted(), "TIFF"), "error-picture-kind"),
        (encoded(painted())[:80], "error-picture-damaged"),
        (encoded(painted(400, 300), "JPEG")[:900], "error-picture-damaged"),
        (encoded(painted(), "WEBP")[:60], "error-picture-damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "error-picture-damaged"),
        (encoded(Image.new("RGB", (1, 1))), "error-picture-small"),
        (encoded(Image.new("RGB", (20_000, 1))), "error-picture-small"),
        (encoded(Image.new("RGB", (2_000, 64))), "error-picture-shape"),
        (claims(50_000, 50_000), "error-picture-pixels"),
        (claims(2**31 - 1, 2**31 - 1), "error-picture-pixels"),
        (claims(7_000, 6_000), "error-picture-pixels"),
    ],
)  # fmt: skip
def test_what_is_no_picture_or_too_large_is_one_sentence(content: bytes, sentence: str) -> None:
    assert refusal(content) == sentence


def test_bytes_are_counted_first() -> None:
    assert refusal(encoded(painted()) + b"\0" * MB, largest_bytes=MB) == "error-picture-bytes"


def test_a_picture_is_turned_as_its_camera_says_and_the_place_it_was_taken_is_gone() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned to the right
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    source = read_(encoded(painted(), "JPEG", exif=exif, quality=95))
    assert source.image.size == (64, 96)
    assert near(source.image.getpixel((32, 8)), (255, 0, 0))
    assert source.image.info == {}
    with Image.open(io.BytesIO(png(source.image))) as again:
        assert not again.getexif()
        assert again.info == {}


def test_transparency_becomes_white_and_says_so() -> None:
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    source = read_(encoded(clear))
    assert source.image.getpixel((1, 1)) == (255, 255, 255)
    assert told(source) == ["note-picture-white"]
    paletted = encoded(painted().convert("P"), "PNG", transparency=0)
    assert told(read_(paletted)) == ["note-picture-white"]


def test_print_colours_sixteen_bits_and_grey_become_rgb() -> None:
    printed = read_(encoded(painted(mode="CMYK"), "JPEG", quality=95))
    assert told(printed) == ["note-picture-cmyk"]
    assert printed.image.mode == "RGB"
    deep = read_(encoded(Image.new("I;16", (64, 64), 40_000)))
    assert told(deep) == ["note-picture-deep"]
    assert near(deep.image.getpixel((1, 1)), (156, 156, 156), within=1)
    assert read_(encoded(painted(mode="L"))).image.mode == "RGB"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_used(kind: str) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    source = read_(
        encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, lossless=True)
    )
    assert near(source.image.getpixel((1, 1)), (255, 0, 0))
    assert told(source) == ["note-picture-frame"]


def test_a_wide_gamut_becomes_srgb_and_a_broken_profile_is_left_out() -> None:
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    for profile in (
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        b"nonsense",
        swapped.tobytes(),
    ):
        source = read_(encoded(painted(), "PNG", icc_profile=profile))
        assert near(source.image.getpixel((8, 32)), (255, 0, 0))
        assert source.image.info == {}


def test_a_large_photo_is_brought_to_working_size() -> None:
    source = read_(encoded(painted(4000, 3000), "JPEG"))
    assert source.image.size == (WORKING_PX, WORKING_PX * 3 // 4)


def test_fitting_crops_only_where_the_shape_differs() -> None:
    source = read_(encoded(painted(96, 64)))
    same = fitted(source, 192, 128)
    assert (same.image.size, told(same)) == ((192, 128), [])
    square = fitted(source, 64, 64)
    assert (square.image.size, told(square)) == ((64, 64), ["note-picture-cropped"])


def test_a_mask_is_what_is_white_or_transparent() -> None:
    white = Image.new("L", (64, 64), 0)
    white.paste(255, (0, 0, 32, 64))
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    clear.paste((0, 0, 0, 0), (0, 0, 32, 64))
    for content in (
        encoded(white),
        encoded(white.convert("RGB")),
        encoded(clear),
        encoded(white.convert("1")),
    ):
        mask = read_mask(content, largest_bytes=MB).image
        assert mask.mode == "L"
        assert (mask.getpixel((8, 8)), mask.getpixel((56, 8))) == (255, 0)


def test_a_mask_that_marks_nothing_is_refused() -> None:
    for nothing in (Image.new("L", (64, 64), 0), Image.new("RGBA", (64, 64), (255, 255, 255, 255))):
        with pytest.raises(UserError, match="error-mask-empty"):
            read_mask(encoded(nothing), largest_bytes=MB)


def test_the_same_picture_is_the_same_bytes_however_it_came() -> None:
    plain, commented = encoded(painted()), encoded(painted(), compress_level=0, dpi=(300, 300))
    assert plain != commented
    assert png(read_(plain).image) == png(read_(commented).image)


WHOLE = {kind: encoded(painted(80, 64), kind) for kind in FORMATS}


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(FORMATS),
    seed=st.integers(0, 2**32),
    cuts=st.integers(0, 12),
    keep=st.floats(0.02, 1.0),
)
def test_any_bytes_are_a_picture_or_a_sentence(kind: str, seed: int, cuts: int, keep: float) -> None:
    chance = random.Random(seed)
    content = bytearray(WHOLE[kind])
    for _ in range(cuts):
        content[chance.randrange(len(content))] = chance.randrange(256)
    try:
        source = read_(bytes(content[: max(1, int(keep * len(content)))]))
    except UserError:
        return
    assert source.image.mode == "RGB"
    assert max(source.image.size) <= WORKING_PX
    source.image.load()


@given(st.binary(max_size=200))
def test_any_head_is_sniffed(content: bytes) -> None:
    assert isinstance(sniffed(content), str)


MEASURE = """
import resource, sys
from bot.imagine.source import read
from bot.messages import UserError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read(sys.stdin.buffer.read(), largest_bytes=64 << 20)
except UserError:
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.e2e
@pytest.mark.parametrize("bomb", ["claimed", "text", "largest"])
def test_no_file_takes_more_memory_than_its_pixels(bomb: str) -> None:
    side = int(LARGEST_PIXELS**0.5)
    files = {
        "claimed": lambda: claims(50_000, 50_000, zlib.compress(bytes(30 * MB))),
        "text": lambda: encoded(painted()).replace(
            chunk(b"IEND", b""),
            chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(400 * MB))) + chunk(b"IEND", b""),
        ),
        "largest": lambda: encoded(Image.new("RGBA", (side, side), (9, 9, 9, 128))),
    }
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE], input=files[bomb](), capture_output=True, check=True
    )
    assert int(ran.stdout) < 8 * LARGEST_PIXELS // MB + 120
