"""Control maps: what of a picture is followed, and pictures that are such a map already."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from bot.config.control import Control
from bot.imagine.control_maps import Maps
from bot.messages import UserError
from engine.request import ControlKind

SIZE = (128, 96)
MAPS = Maps(Control())


class Sloping:
    """Stands for a depth model: everything is nearer the further down it is."""

    def map_of(self, picture: Image.Image) -> Image.Image:
        return Image.linear_gradient("L").resize(picture.size).convert("RGB")


def photo() -> Image.Image:
    """A red ball on blue."""
    image = Image.new("RGB", SIZE, "navy")
    ImageDraw.Draw(image).ellipse((32, 16, 96, 80), fill="orange")
    return image


def drawing(ink: str = "black", paper: str = "white") -> Image.Image:
    """The same ball in a few strokes."""
    image = Image.new("RGB", (512, 384), paper)
    ImageDraw.Draw(image).ellipse((128, 64, 384, 320), outline=ink, width=8)
    return image.resize(SIZE, Image.Resampling.LANCZOS)


def skeleton() -> Image.Image:
    image = Image.new("RGB", SIZE)
    ImageDraw.Draw(image).line((40, 10, 60, 50, 50, 90), fill="red", width=4)
    return image


def white(image: Image.Image) -> float:
    return float((np.asarray(image.convert("L")) > 127).mean())


def test_outlines_of_a_photo_are_thin_white_lines_on_black() -> None:
    edges = MAPS.of(ControlKind.EDGES, photo())
    assert (edges.mode, edges.size, edges.getcolors(3) is not None) == ("RGB", SIZE, True)
    assert 0.005 < white(edges) < 0.05
    assert edges.getpixel((64, 48)) == (0, 0, 0)


@pytest.mark.parametrize(("ink", "paper"), [("black", "white"), ("white", "black")])
def test_the_lines_of_a_drawing_are_outlines_themselves(ink: str, paper: str) -> None:
    edges = np.asarray(MAPS.of(ControlKind.EDGES, drawing(ink, paper)).convert("L"))
    assert edges[48, 33] == 255  # in the middle of the stroke, where Canny finds its two sides
    assert edges[48, 64] == edges[2, 2] == 0


def test_a_shape_in_black_and_white_is_followed_by_its_outline() -> None:
    shape = Image.new("RGB", SIZE, "white")
    ImageDraw.Draw(shape).ellipse((32, 16, 96, 80), fill="black")
    edges = MAPS.of(ControlKind.EDGES, shape)
    assert edges.getpixel((64, 48)) == (0, 0, 0)
    assert white(edges) < 0.05


def test_depth_is_brought_or_found_by_the_owners_model() -> None:
    grey = Image.linear_gradient("L").resize(SIZE)
    assert MAPS.of(ControlKind.DEPTH, ImageOps.flip(grey)).getpixel((5, 0)) > (200, 200, 200)  # type: ignore[operator]
    with pytest.raises(UserError) as refused:
        MAPS.of(ControlKind.DEPTH, photo())
    assert refused.value.message.id == "error-control-map-depth"
    found = Maps(Control(), {ControlKind.DEPTH: Sloping()}).of(ControlKind.DEPTH, photo())
    assert (found.mode, found.size) == ("RGB", SIZE)


def test_a_pose_is_brought() -> None:
    assert MAPS.of(ControlKind.POSE, skeleton()) == skeleton()
    with pytest.raises(UserError) as refused:
        MAPS.of(ControlKind.POSE, photo())
    assert refused.value.message.id == "error-control-map-pose"


@pytest.mark.parametrize("kind", ControlKind)
def test_a_picture_of_one_colour_shows_nothing_to_follow(kind: ControlKind) -> None:
    with pytest.raises(UserError):
        MAPS.of(kind, Image.new("RGB", SIZE, "grey"))
