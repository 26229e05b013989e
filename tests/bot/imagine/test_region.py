"""Which part of a picture is drawn anew."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from bot.imagine.region import AREAS, CELLS, SIDES, area_mask, expanded, inner_size, numbered, with_room
from bot.imagine.source import png


def white_part(mask: Image.Image) -> float:
    return sum(value == 255 for value in mask.get_flattened_data()) / (mask.width * mask.height)


@pytest.mark.parametrize(("area", "corner", "part"), [
    ("left", (0, 0), 1 / 2), ("right", (95, 0), 1 / 2), ("top", (95, 0), 1 / 2), ("bottom", (0, 95), 1 / 2),
    ("centre", (48, 48), 1 / 4), ("1", (0, 0), 1 / 9), ("5", (48, 48), 1 / 9), ("6", (95, 48), 1 / 9),
])  # fmt: skip
def test_an_area_is_white_and_nothing_else_is(area: str, corner: tuple[int, int], part: float) -> None:
    mask = area_mask([area], (96, 96))
    assert (mask.mode, mask.getpixel(corner)) == ("L", 255)
    assert white_part(mask) == pytest.approx(part)
    assert set(mask.get_flattened_data()) == {0, 255}


def test_the_nine_cells_are_all_of_it() -> None:
    assert white_part(area_mask(CELLS, (100, 70))) == 1
    assert set(CELLS) < set(AREAS)


@pytest.mark.parametrize("side", SIDES)
def test_room_is_added_around_the_picture_which_stays_where_it_was(side: str) -> None:
    width, height = expanded((64, 64), side)
    assert (width, height) == {
        "left": (80, 64), "right": (80, 64), "up": (64, 80), "down": (64, 80), "all": (96, 96),
    }[side]  # fmt: skip
    size = round(width), round(height)
    assert inner_size(side, size) == (64, 64)
    canvas, mask = with_room(Image.new("RGB", (64, 64), (200, 10, 10)), side, size)
    assert canvas.size == mask.size == size
    middle = {"left": (48, 32), "right": (32, 32), "up": (32, 48), "down": (32, 32), "all": (48, 48)}[side]
    assert (canvas.getpixel(middle), mask.getpixel(middle)) == ((200, 10, 10), 0)
    edge = {"left": (0, 32), "right": (79, 32), "up": (32, 0), "down": (32, 79), "all": (95, 95)}[side]
    assert mask.getpixel(edge) == 255


def test_the_cells_are_numbered_on_a_picture_large_enough_to_read() -> None:
    shown = Image.open(io.BytesIO(numbered(png(Image.new("RGB", (96, 64))))))
    assert (shown.format, shown.size) == ("JPEG", (384, 256))
    assert shown.getextrema()[0][1] > 200
