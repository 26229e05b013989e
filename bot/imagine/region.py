"""Which part of a picture is to be drawn anew: areas in words, a picture with more room around it, masks.

A mask is a grey picture, white where it is repainted. Its edges are hard: whoever draws makes them soft.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFilter, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterable

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, from 0 to 1."""

CELLS = tuple(str(n) for n in range(1, 10))
"""The cells of a grid of three by three, row by row."""
AREAS: dict[str, Box] = {
    "left": (0, 0, 1 / 2, 1),
    "right": (1 / 2, 0, 1, 1),
    "top": (0, 0, 1, 1 / 2),
    "bottom": (0, 1 / 2, 1, 1),
    "centre": (1 / 4, 1 / 4, 3 / 4, 3 / 4),
    **{cell: (n % 3 / 3, n // 3 / 3, (n % 3 + 1) / 3, (n // 3 + 1) / 3) for n, cell in enumerate(CELLS)},
}
SIDES = ("left", "right", "up", "down", "all")
GROWTH = 0.25
"""How much of a side is added to it."""
OVERLAP = 1 / 32
"""How far into the old picture an expansion draws, so that no seam is seen."""


def expanded(size: tuple[int, int], side: str) -> tuple[float, float]:
    """Width and height with the room that `side` adds, in the pixels of the picture."""
    width, height = size
    across = {"left": 1, "right": 1, "all": 2}.get(side, 0)
    down = {"up": 1, "down": 1, "all": 2}.get(side, 0)
    return width * (1 + GROWTH * across), height * (1 + GROWTH * down)


def inner(side: str) -> Box:
    """Where the old picture is in the expanded one."""
    across, down = expanded((1, 1), side)
    left, top = GROWTH * (side in ("left", "all")) / across, GROWTH * (side in ("up", "all")) / down
    return left, top, left + 1 / across, top + 1 / down


def area_mask(areas: Iterable[str], size: tuple[int, int]) -> Image.Image:
    """The mask of some of AREAS."""
    mask = Image.new("L", size, 0)
    for area in areas:
        mask.paste(255, _pixels(AREAS[area], size))
    return mask


def inner_size(side: str, size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the old picture in the expanded one."""
    left, top, right, bottom = _pixels(inner(side), size)
    return right - left, bottom - top


def with_room(picture: Image.Image, side: str, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """A picture of `size` in which the old one, of `inner_size`, leaves room; the mask of that room.

    In the room the old picture's edge goes on, blurred: a start for whoever draws over it.
    """
    left, top, right, bottom = _pixels(inner(side), size)
    canvas = _with_edges_on(picture, (left, top), size).filter(ImageFilter.GaussianBlur(max(size) / 32))
    canvas.paste(picture, (left, top))
    margin = round(min(size) * OVERLAP)
    kept = (
        left + margin * (left > 0),
        top + margin * (top > 0),
        right - margin * (right < size[0]),
        bottom - margin * (bottom < size[1]),
    )
    mask = Image.new("L", size, 255)
    mask.paste(0, kept)
    return canvas, mask


def _with_edges_on(picture: Image.Image, at: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """A picture of `size` with the old one in it, whose outermost pixels go on to the borders."""
    left, top = at
    right, bottom = left + picture.width, top + picture.height
    canvas = Image.new(picture.mode, size)
    canvas.paste(picture, at)
    width, height = size
    for strip, room in (
        ((left, top, left + 1, bottom), (0, top, left, bottom)),
        ((right - 1, top, right, bottom), (right, top, width, bottom)),
        ((0, top, width, top + 1), (0, 0, width, top)),  # after the sides: the corners go on from them
        ((0, bottom - 1, width, bottom), (0, bottom, width, height)),
    ):
        if room[0] < room[2] and room[1] < room[3]:
            canvas.paste(canvas.crop(strip).resize((room[2] - room[0], room[3] - room[1])), room)
    return canvas


def numbered(png: bytes, edge_px: int = 768) -> bytes:
    """A picture as a JPEG with the numbers of the nine cells on it, to choose from. Blocking."""
    with Image.open(io.BytesIO(png)) as image:
        shown = image.convert("RGB")
    shown.thumbnail((edge_px, edge_px), Image.Resampling.LANCZOS)
    scale = max(1.0, 384 / max(shown.size))
    shown = shown.resize((round(shown.width * scale), round(shown.height * scale)))
    draw, font = ImageDraw.Draw(shown), ImageFont.load_default(size=min(shown.size) // 9)
    for cell in CELLS:
        left, top, right, bottom = _pixels(AREAS[cell], shown.size)
        draw.rectangle((left, top, right, bottom), outline="white", width=2)
        middle = ((left + right) / 2, (top + bottom) / 2)
        draw.text(middle, cell, "white", font, anchor="mm", stroke_width=2, stroke_fill="black")
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _pixels(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    width, height = size
    left, top, right, bottom = box
    return round(left * width), round(top * height), round(right * width), round(bottom * height)
