"""A picture says by itself how to draw it again, and a free one says where it is from."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops

from bot.imagine.picture import as_spoiler, encode_preview, is_spoiler, parameters, picture_file
from bot.imagine.request import ImageRequest
from engine.png import encode_png, with_watermark
from engine.request import PngFile

CAT = ImageRequest(
    "一只橘色的猫", 128, 192, steps=8, seed=7, guidance=2.0, negative_prompt="blur", style="ink"
)


def field(colour: tuple[int, int, int], size: tuple[int, int] = (128, 128)) -> Image.Image:
    return Image.new("RGB", size, colour)


def test_parameters_read_as_other_tools_write_them() -> None:
    first, second, third = parameters(CAT, 9, "embedded").splitlines()
    assert first == "一只橘色的猫"
    assert second == "Negative prompt: blur"
    assert third.startswith("Steps: 8, Sampler: Euler, CFG scale: 2, Seed: 9, Size: 128x192, Model: embedded")


def test_fewer_steps_are_told_beside_those_that_draw_it_again() -> None:
    assert "Steps run" not in parameters(CAT, 9, "embedded", steps_run=8)
    told = parameters(CAT, 9, "embedded", steps_run=3)
    assert "\nSteps: 8, " in told
    assert ", Steps run: 3" in told


@pytest.mark.parametrize("prompt", ["a cat", "café", "一只猫 🐈"])
def test_parameters_survive_in_the_file(prompt: str) -> None:
    request = ImageRequest(prompt, 64, 64, 8, 1)
    png = encode_png(field((1, 2, 3)), picture_file(request, 1, "m", watermark=False))
    assert Image.open(io.BytesIO(png)).text["parameters"] == parameters(request, 1, "m")


def test_a_spoiler_is_marked_in_a_file_that_is_otherwise_the_same() -> None:
    png = encode_png(field((200, 120, 40)), picture_file(CAT, 9, "m", watermark=True))
    marked = as_spoiler(png)
    assert (is_spoiler(png), is_spoiler(marked)) == (False, True)
    before, after = Image.open(io.BytesIO(png)), Image.open(io.BytesIO(marked))
    assert before.text["parameters"] == after.text["parameters"]
    assert ImageChops.difference(before, after).getbbox() is None


def test_without_watermark_no_pixel_changes() -> None:
    image = field((200, 120, 40))
    png = encode_png(image, PngFile())
    assert ImageChops.difference(Image.open(io.BytesIO(png)), image).getbbox() is None


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (128, 128, 128), (240, 160, 60)])
@pytest.mark.parametrize("size", [(64, 64), (128, 256), (1024, 1024)])
def test_the_watermark_shows_on_any_ground_in_the_corner_alone(colour, size) -> None:
    image = field(colour, size)
    changed = ImageChops.difference(with_watermark(image, "easel"), image).convert("L")
    box = changed.getbbox()
    assert box is not None
    assert changed.getextrema()[1] > 60
    assert box[0] > size[0] // 4
    assert box[1] > size[1] // 2
    assert box[2] <= size[0]
    assert box[3] <= size[1]


def test_a_preview_is_small_and_keeps_its_shape() -> None:
    preview = Image.open(io.BytesIO(encode_preview(field((9, 9, 9), (16, 24)))))
    assert preview.format == "JPEG"
    assert preview.size == (341, 512)
