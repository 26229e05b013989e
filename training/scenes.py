"""The scenes the embedded model learns from: one or two things in front of a background."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from training.art import COLOURS, STYLES
from training.backgrounds import BACKGROUNDS
from training.things import THINGS

if TYPE_CHECKING:
    from training.art import Art

SIZES = ("small", "medium", "large")
SUPERSAMPLE = 2  # of backgrounds; sprites come with smooth edges
GRID = 8  # pixels: a latent's side
OWN_COLOUR_SHARE = 0.4  # of the things that come in every colour

# Side of a sprite as a share of the shorter side of the cell it stands in.
_SHARES = {"small": 0.58, "medium": 0.7, "large": 0.82}
_PAIR_SHARES = {"small": 0.78, "medium": 0.88, "large": 1.0}


@dataclass(frozen=True)
class Item:
    """One thing of a scene, in a colour or in its own."""

    kind: str
    colour: str | None = None
    size: str = "medium"


@dataclass(frozen=True)
class Scene:
    """What a picture shows: of two things, the first stands on the left."""

    items: tuple[Item, ...]
    background: str
    style: str = "3d"


def random_scene(rng: random.Random, pair_share: float = 0.2, flat_share: float = 0.2) -> Scene:
    """Draw the contents of a scene; `pair_share` of them hold two things, `flat_share` are flat."""
    kinds = rng.sample(sorted(THINGS), 2 if rng.random() < pair_share else 1)
    items = tuple(Item(kind, _random_colour(kind, rng), rng.choice(SIZES)) for kind in kinds)
    style = STYLES[1] if rng.random() < flat_share else STYLES[0]
    return Scene(items, rng.choice(sorted(BACKGROUNDS)), style)


def _random_colour(kind: str, rng: random.Random) -> str | None:
    if not THINGS[kind].recoloured or rng.random() < OWN_COLOUR_SHARE:
        return None
    return rng.choice(sorted(COLOURS))


def draw(scene: Scene, width: int, height: int, seed: int, art: Art) -> Image.Image:
    """Return the scene as an RGB picture of `width` x `height` pixels; equal arguments give equal pixels."""
    canvas = Image.new("RGB", (width * SUPERSAMPLE, height * SUPERSAMPLE))
    BACKGROUNDS[scene.background](canvas, random.Random(seed + 1))
    canvas = canvas.reduce(SUPERSAMPLE)
    for item, (x, y, side) in zip(scene.items, places(scene, width, height, seed), strict=True):
        sprite = art.sprite(item.kind, scene.style, item.colour, side)
        canvas.paste(sprite, (x, y), sprite)
    return canvas


def cover(scene: Scene, width: int, height: int, seed: int, art: Art) -> Image.Image:
    """Return how much of each latent pixel the things of the same drawing cover, from 0 to 255."""
    canvas = Image.new("L", (width // GRID, height // GRID))
    for item, (x, y, side) in zip(scene.items, places(scene, width, height, seed), strict=True):
        alpha = art.sprite(item.kind, scene.style, None, side).getchannel("A").reduce(GRID)
        canvas.paste(alpha, (x // GRID, y // GRID), alpha)
    return canvas


def places(scene: Scene, width: int, height: int, seed: int) -> list[tuple[int, int, int]]:
    """Return left, top and side of each thing's square in pixels.

    All are multiples of a latent's side, so that a thing has few encodings and is learned the sooner.
    """
    rng = random.Random(seed)
    pair = len(scene.items) == 2
    centres = (0.27, 0.73) if pair else (0.5,)
    cell = min(width / 2, height) if pair else min(width, height)
    shares = _PAIR_SHARES if pair else _SHARES
    squares = []
    for item, x in zip(scene.items, centres, strict=False):
        side = _snap(cell * shares[item.size])
        left = _snap(x * width - side / 2) + GRID * rng.choice((-1, 0, 0, 1))
        top = _snap(0.53 * height - side / 2) + GRID * rng.choice((-1, 0, 0, 1))
        squares.append((min(max(left, 0), width - side), min(max(top, 0), height - side), side))
    return squares


def _snap(pixels: float) -> int:
    return GRID * round(pixels / GRID)
