"""The drawn scenes: equal for equal seeds, of the asked size, and in the asked colour."""

from __future__ import annotations

import random

import numpy as np
import pytest

from training.art import COLOURS, Art
from training.backgrounds import BACKGROUNDS
from training.likeness import distance
from training.scenes import GRID, Item, Scene, cover, draw, places, random_scene

pytestmark = pytest.mark.model


def test_equal_seeds_draw_equal_pixels_and_others_do_not(art: Art) -> None:
    scene = Scene((Item("cat", "orange"),), "meadow")
    first, again, other = (np.asarray(draw(scene, 64, 64, seed, art)) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("size", [(64, 64), (128, 256), (256, 192)])
def test_a_picture_has_the_asked_size(size: tuple[int, int], art: Art) -> None:
    scene = random_scene(random.Random(1), pair_share=1.0)
    assert draw(scene, *size, seed=1, art=art).size == size


@pytest.mark.parametrize(
    ("colour", "channel", "strongest"), [("green", 1, True), ("blue", 2, True), ("yellow", 2, False)]
)
def test_a_thing_takes_on_a_colour_and_its_rim_keeps_its_own(
    colour: str, channel: int, strongest: bool, art: Art
) -> None:
    sprite = np.asarray(art.sprite("circle", "3d", colour, 64)).astype(int)
    middle = sprite[32, 32, :3]
    assert (middle.argmax() if strongest else middle.argmin()) == channel
    assert sprite[32, 2, :3].argmax() == 2


@pytest.mark.parametrize("colour", ["white", "grey", "black"])
def test_colours_without_hue_take_the_hue_away(colour: str, art: Art) -> None:
    middle = np.asarray(art.sprite("circle", "3d", colour, 64)).astype(int)[32, 32, :3]
    assert np.ptp(middle) < 20


@pytest.mark.parametrize("background", sorted(BACKGROUNDS))
def test_backgrounds_differ_from_each_other(background: str, art: Art) -> None:
    def thumbnail(name: str) -> np.ndarray:
        picture = draw(Scene((Item("star", "red", "small"),), name), 64, 64, seed=5, art=art)
        return np.asarray(picture.resize((8, 8))).astype(int)

    own = thumbnail(background)
    assert all(np.abs(own - thumbnail(other)).mean() > 10 for other in BACKGROUNDS if other != background)


@pytest.mark.parametrize("size", [(128, 128), (192, 128), (128, 256), (256, 256)])
@pytest.mark.parametrize("seed", range(6))
def test_things_stand_within_the_picture_on_the_grid_of_latents(size: tuple[int, int], seed: int) -> None:
    scene = random_scene(random.Random(seed), pair_share=0.5)
    for left, top, side in places(scene, *size, seed=seed):
        assert left % GRID == top % GRID == side % GRID == 0
        assert 0 <= left <= size[0] - side
        assert 0 <= top <= size[1] - side


def test_the_first_of_two_things_stands_on_the_left() -> None:
    scene = Scene((Item("dog"), Item("cat")), "plain")
    for seed in range(20):
        (first, _, side), (second, _, _) = places(scene, 128, 128, seed)
        assert first + side // 2 < second


def test_the_cover_is_where_the_thing_is_drawn(art: Art) -> None:
    scene = Scene((Item("circle", "red"),), "plain")
    covered = np.asarray(cover(scene, 128, 128, 3, art)) > 128
    coloured = np.ptp(np.asarray(draw(scene, 128, 128, 3, art).reduce(GRID)).astype(int), axis=-1) > 60
    assert (covered == coloured).mean() > 0.95


def test_a_drawn_thing_is_near_its_sprite_and_far_from_another_colour(art: Art) -> None:
    picture = draw(Scene((Item("circle", "red", "large"),), "night"), 128, 128, 3, art)
    right, wrong = (distance(picture, Item("circle", colour), "3d", art) for colour in ("red", "blue"))
    assert right < 20 < wrong
    assert set(COLOURS) >= {"red", "blue"}
