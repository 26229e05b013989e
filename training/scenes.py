"""Draw the scenes the embedded model learns from: one or two simple objects in front of a background."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from training.backgrounds import BACKGROUNDS
from training.objects import COLOURS, OBJECTS, Pen

Relation = Literal["single", "left", "above"]

SIZES = ("small", "medium", "large")
RELATIONS: tuple[Relation, ...] = ("single", "left", "above")
SUPERSAMPLE = 3

# Radius as a share of the shorter side of the cell an object stands in.
_RADIUS = {"small": 0.22, "medium": 0.31, "large": 0.42}
_PAIR_RADIUS = {"small": 0.28, "medium": 0.36, "large": 0.44}


@dataclass(frozen=True)
class Item:
    """One object of a scene."""

    kind: str
    colour: str
    size: str = "medium"


@dataclass(frozen=True)
class Scene:
    """What a picture shows: the first item stands left of or above the second."""

    items: tuple[Item, ...]
    background: str
    relation: Relation = "single"


def random_scene(rng: random.Random, pair_share: float = 0.3) -> Scene:
    """Draw the contents of a scene evenly; `pair_share` of them hold two objects."""
    relation: Relation = rng.choice(("left", "above")) if rng.random() < pair_share else "single"
    count = 1 if relation == "single" else 2
    kinds = rng.sample(sorted(OBJECTS), count)
    items = tuple(Item(kind, rng.choice(sorted(COLOURS)), rng.choice(SIZES)) for kind in kinds)
    return Scene(items, rng.choice(sorted(BACKGROUNDS)), relation)


def draw(scene: Scene, width: int, height: int, seed: int) -> Image.Image:
    """Return the scene as an RGB picture of `width` x `height` pixels; equal arguments give equal pixels."""
    rng = random.Random(seed)
    w, h = width * SUPERSAMPLE, height * SUPERSAMPLE
    canvas = Image.new("RGB", (w, h))
    BACKGROUNDS[scene.background](canvas, rng)
    for item, (cx, cy, r) in zip(scene.items, _places(scene, w, h, rng), strict=True):
        OBJECTS[item.kind](Pen.on(canvas, cx, cy, r, item.colour, rng))
    return canvas.resize((width, height), Image.Resampling.BOX)


def _places(scene: Scene, w: int, h: int, rng: random.Random) -> list[tuple[float, float, float]]:
    """Return centre x, centre y and radius of each item in canvas pixels."""
    if not scene.items:
        return []
    if scene.relation == "single":
        cells = [(0.5, 0.53, min(w, h) * _RADIUS[scene.items[0].size])]
    else:
        across = scene.relation == "left"
        cell = min(w / 2, h) if across else min(w, h / 2)
        centres = ((0.26, 0.52), (0.74, 0.52)) if across else ((0.5, 0.26), (0.5, 0.75))
        cells = [
            (x, y, cell * _PAIR_RADIUS[item.size]) for item, (x, y) in zip(scene.items, centres, strict=True)
        ]
    places = []
    for x, y, r in cells:
        # An object may wander only as far as the picture's edge leaves room.
        slack_x = max(0.0, min(x * w, w - x * w) - 1.08 * r)
        slack_y = max(0.0, min(y * h, h - y * h) - 1.08 * r)
        reach = 0.5 if scene.relation == "single" else 0.3
        dx = rng.uniform(-1, 1) * min(slack_x * reach, 0.08 * w)
        dy = rng.uniform(-1, 1) * min(slack_y * reach, 0.08 * h)
        places.append((x * w + dx, y * h + dy, r * rng.uniform(0.95, 1.05)))
    return places
