"""A picture says by itself how to draw it again, and a free one says where it is from."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops

from bot.imagine.picture import encode_png, encode_preview, parameters, with_watermark
from bot.imagine.request import ImageRequest

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


@pytest.mark.parametrize("prompt", ["a cat", "café", "一只猫 🐈"])
def test_parameters_survive_in_the_file(prompt: str) -> None:
    text = parameters(ImageRequest(prompt, 64, 64, 8, 1), 1, "m")
    png = encode_png(field((1, 2, 3)), text, watermark=False)
    assert Image.open(io.BytesIO(png)).text["parameters"] == text


def test_without_watermark_no_pixel_changes() -> None:
    image = field((200, 120, 40))
    png = encode_png(image, "p", watermark=False)
    assert ImageChops.difference(Image.open(io.BytesIO(png)), image).getbbox() is None


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (128, 128, 128), (240, 160, 60)])
@pytest.mark.parametrize("size", [(64, 64), (128, 256), (1024, 1024)])
def test_the_watermark_shows_on_any_ground_in_the_corner_alone(colour, size) -> None:
    image = field(colour, size)
    changed = ImageChops.difference(with_watermark(image), image).convert("L")
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
    assert preview.size == (171, 256)
