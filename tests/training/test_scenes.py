"""The drawn scenes: equal for equal seeds, of the asked size, and in the asked colour."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from training.backgrounds import BACKGROUNDS
from training.objects import COLOURS, OBJECTS
from training.scenes import Item, Scene, draw, random_scene


def test_equal_seeds_draw_equal_pixels_and_others_do_not() -> None:
    scene = Scene((Item("cat", "orange"),), "meadow")
    first, again, other = (np.asarray(draw(scene, 64, 64, seed)) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("size", [(64, 64), (128, 256), (256, 192)])
def test_a_picture_has_the_asked_size(size: tuple[int, int]) -> None:
    scene = random_scene(random.Random(1), pair_share=1.0)
    assert draw(scene, *size, seed=1).size == size


@pytest.mark.parametrize("kind", sorted(OBJECTS))
@pytest.mark.parametrize("colour", ["red", "blue", "yellow"])
def test_an_object_shows_its_colour(kind: str, colour: str) -> None:
    picture = draw(Scene((Item(kind, colour, "large"),), "plain"), 96, 96, seed=3)
    distance = np.abs(np.asarray(picture).astype(int) - np.array(COLOURS[colour])).max(axis=-1)
    assert (distance < 30).mean() > 0.025


@pytest.mark.parametrize("background", sorted(BACKGROUNDS))
def test_backgrounds_differ_from_each_other(background: str) -> None:
    def thumbnail(name: str) -> np.ndarray:
        picture = draw(Scene((Item("star", "red", "small"),), name), 64, 64, seed=5)
        return np.asarray(picture.resize((8, 8))).astype(int)

    own = thumbnail(background)
    assert all(np.abs(own - thumbnail(other)).mean() > 10 for other in BACKGROUNDS if other != background)


def test_the_first_of_a_pair_stands_left_or_above() -> None:
    def centre(relation: str) -> Any:
        items = (Item("circle", "red"), Item("square", "blue"))
        scene = Scene(items, "plain", "left" if relation == "left" else "above")
        pixels = np.asarray(draw(scene, 96, 96, seed=2)).astype(int)
        red = np.abs(pixels - np.array(COLOURS["red"])).max(axis=-1) < 30
        return np.argwhere(red).mean(axis=0) / 96  # row, column

    assert centre("left")[1] < 0.4
    assert centre("above")[0] < 0.4
