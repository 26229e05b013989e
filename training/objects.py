"""The twelve objects, each drawn in its colour inside a circle of radius one around the origin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

RGB = tuple[int, int, int]
Point = tuple[float, float]

COLOURS: dict[str, RGB] = {
    "red": (218, 42, 46),
    "orange": (244, 138, 28),
    "yellow": (253, 216, 53),
    "green": (46, 160, 67),
    "blue": (44, 98, 222),
    "purple": (136, 66, 186),
    "pink": (250, 142, 188),
    "brown": (128, 78, 42),
    "white": (250, 250, 248),
    "grey": (148, 150, 156),
    "black": (36, 36, 42),
}

INK: RGB = (48, 40, 52)
WOOD: RGB = (120, 76, 44)
LEAF: RGB = (56, 142, 60)


@dataclass(frozen=True)
class Pen:
    """Draws on a canvas in an object's own coordinates: x to the right, y down, radius 1."""

    draw: ImageDraw.ImageDraw
    cx: float
    cy: float
    r: float
    fill: RGB
    ink: RGB
    rng: random.Random

    @classmethod
    def on(cls, canvas: Image.Image, cx: float, cy: float, r: float, colour: str, rng: random.Random) -> Pen:
        """Return a pen at a place in canvas pixels, its colour varied a little."""
        fill = _clip(tuple(c + rng.randint(-7, 7) for c in COLOURS[colour]))
        # A black object in dark ink would vanish at night and lose its face.
        ink = (120, 122, 132) if colour == "black" else INK
        return cls(ImageDraw.Draw(canvas), cx, cy, r, fill, ink, rng)

    def shade(self, amount: float) -> RGB:
        """Return the pen's colour, lighter for a positive amount (up to 1), darker for a negative one."""
        goal = 255 if amount > 0 else 0
        return _clip(tuple(round(c + (goal - c) * abs(amount)) for c in self.fill))

    def poly(self, points: Sequence[Point], fill: RGB | None = None, line: float = 0.07) -> None:
        """Fill a polygon and outline it with rounded joints; `line` is the outline's width (0: none)."""
        spots = [self._at(*p) for p in points]
        self.draw.polygon(spots, fill=self.fill if fill is None else fill)
        if line:
            self.draw.line([*spots, spots[0], spots[1]], fill=self.ink, width=self._px(line), joint="curve")

    def disc(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float | None = None,
        fill: RGB | None = None,
        line: float = 0.07,
    ) -> None:
        """Fill an ellipse around (x, y) and outline it."""
        ry = rx if ry is None else ry
        x0, y0 = self._at(x - rx, y - ry)
        x1, y1 = self._at(x + rx, y + ry)
        self.draw.ellipse(
            (x0, y0, x1, y1),
            fill=self.fill if fill is None else fill,
            outline=self.ink if line else None,
            width=self._px(line) if line else 0,
        )

    def stroke(self, points: Sequence[Point], colour: RGB | None = None, line: float = 0.07) -> None:
        """Draw an open line with round joints."""
        spots = [self._at(*p) for p in points]
        self.draw.line(
            spots, fill=self.ink if colour is None else colour, width=self._px(line), joint="curve"
        )

    def _at(self, x: float, y: float) -> Point:
        return self.cx + x * self.r, self.cy + y * self.r

    def _px(self, line: float) -> int:
        return max(2, round(line * self.r))


def _clip(colour: Sequence[int]) -> RGB:
    r, g, b = (min(255, max(0, c)) for c in colour)
    return r, g, b


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float, steps: int = 24) -> list[Point]:
    """Return points on an ellipse between two angles in degrees (0 is right, 90 is down)."""
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


def _turn(points: Sequence[Point], degrees: float) -> list[Point]:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(x * c - y * s, x * s + y * c) for x, y in points]


def circle(pen: Pen) -> None:
    """A ball with a highlight."""
    pen.disc(0, 0, 0.9)
    pen.disc(-0.32, -0.36, 0.2, 0.15, pen.shade(0.55), line=0)


def square(pen: Pen) -> None:
    """A tilted square with a bright upper edge."""
    tilt = pen.rng.uniform(-7, 7)
    pen.poly(_turn([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)], tilt))
    pen.poly(_turn([(-0.62, -0.62), (0.62, -0.62), (0.62, -0.44), (-0.62, -0.44)], tilt), pen.shade(0.45), 0)


def triangle(pen: Pen) -> None:
    """An upright triangle with a bright left flank."""
    tilt = pen.rng.uniform(-6, 6)
    pen.poly(_turn([(0, -0.92), (0.92, 0.74), (-0.92, 0.74)], tilt))
    pen.poly(_turn([(-0.02, -0.52), (-0.5, 0.42), (-0.62, 0.56)], tilt), pen.shade(0.45), 0)


def star(pen: Pen) -> None:
    """A five-pointed star."""
    tilt = pen.rng.uniform(-8, 8)
    tips = [(0.98 if i % 2 == 0 else 0.42, math.radians(36 * i - 90)) for i in range(10)]
    points = [(d * math.cos(a), d * math.sin(a) + 0.06) for d, a in tips]
    pen.poly(_turn(points, tilt))
    pen.poly(_turn([(0.45 * x, 0.45 * y + 0.02) for x, y in points], tilt), pen.shade(0.35), 0)


def heart(pen: Pen) -> None:
    """A heart with a highlight."""
    angles = [2 * math.pi * i / 60 for i in range(60)]
    points = [
        (
            0.056 * 16 * math.sin(a) ** 3,
            -0.056 * (13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)) - 0.08,
        )
        for a in angles
    ]
    pen.poly(points)
    pen.disc(-0.42, -0.38, 0.16, 0.12, pen.shade(0.6), line=0)


def cat(pen: Pen) -> None:
    """A sitting cat seen from the front: tail, body, ears, eyes, nose, whiskers."""
    side = pen.rng.choice((-1, 1))
    tail = [(side * x, y) for x, y in _arc(0.5, 0.45, 0.36, 0.42, 80, -60)]
    pen.stroke(tail, line=0.26)
    pen.stroke(tail, pen.fill, line=0.14)
    pen.disc(0, 0.5, 0.5, 0.46)
    pen.disc(0, 0.58, 0.24, 0.3, pen.shade(0.45), line=0)
    for s in (-1, 1):
        pen.disc(s * 0.22, 0.88, 0.17, 0.1)
        pen.poly([(s * 0.6, -0.98), (s * 0.64, -0.3), (s * 0.12, -0.6)])
        pen.poly([(s * 0.53, -0.8), (s * 0.54, -0.48), (s * 0.3, -0.6)], (248, 176, 190), 0)
    pen.disc(0, -0.24, 0.66, 0.52)
    # The ears' inner outline would cross the forehead.
    pen.disc(0, -0.24, 0.59, 0.45, line=0)
    for s in (-1, 1):
        pen.disc(s * 0.26, -0.3, 0.15, 0.17, (250, 250, 240), 0.04)
        pen.disc(s * 0.26, -0.28, 0.085, 0.13, (24, 24, 30), 0)
        pen.disc(s * 0.23, -0.33, 0.035, 0.04, (255, 255, 255), 0)
        for y in (-0.1, 0.04):
            pen.stroke([(s * 0.3, -0.04 + y * 0.4), (s * 0.86, y - 0.02)], line=0.045)
    pen.poly([(-0.09, -0.12), (0.09, -0.12), (0, -0.02)], (236, 110, 130), 0)
    for s in (-1, 1):
        pen.stroke([(s * x, y) for x, y in _arc(0.09, -0.02, 0.09, 0.09, 180, 20, 8)], line=0.045)


def house(pen: Pen) -> None:
    """A house with a darker roof, a door and a window."""
    pen.poly([(0.36, -0.9), (0.58, -0.9), (0.58, -0.3), (0.36, -0.3)], (150, 92, 78))
    pen.poly([(-0.72, -0.2), (0.72, -0.2), (0.72, 0.88), (-0.72, 0.88)])
    pen.poly([(0, -0.95), (0.96, -0.14), (-0.96, -0.14)], pen.shade(-0.38))
    pen.poly([(-0.5, 0.28), (-0.1, 0.28), (-0.1, 0.88), (-0.5, 0.88)], WOOD, 0.05)
    pen.disc(-0.19, 0.6, 0.05, 0.05, (250, 214, 90), 0)
    pen.poly([(0.14, 0.1), (0.54, 0.1), (0.54, 0.48), (0.14, 0.48)], (255, 238, 160), 0.05)
    pen.stroke([(0.34, 0.1), (0.34, 0.48)], line=0.04)
    pen.stroke([(0.14, 0.29), (0.54, 0.29)], line=0.04)


def tree(pen: Pen) -> None:
    """A tree whose crown has the colour."""
    pen.poly([(-0.13, 0.2), (0.13, 0.2), (0.2, 0.95), (-0.2, 0.95)], WOOD)
    puffs = ((-0.44, 0.02, 0.4), (0.44, 0.02, 0.4), (0, -0.44, 0.5), (0, 0.08, 0.42))
    for x, y, r in puffs:
        pen.disc(x, y, r)
    for x, y, r in puffs:
        pen.disc(x, y, r - 0.07, line=0)
    pen.disc(-0.18, -0.52, 0.18, 0.13, pen.shade(0.35), 0)
    pen.disc(0.36, -0.02, 0.12, 0.09, pen.shade(0.35), 0)


def flower(pen: Pen) -> None:
    """A flower whose petals have the colour, on a green stem with two leaves."""
    pen.stroke([(0, -0.1), (0.02, 0.96)], LEAF, 0.12)
    for s in (-1, 1):
        pen.poly([(0.01, 0.82), (s * 0.3, 0.42), (s * 0.56, 0.4), (s * 0.42, 0.66)], LEAF, 0.05)
    spots = [
        (0.4 * math.cos(math.radians(a)), 0.4 * math.sin(math.radians(a)) - 0.36) for a in range(0, 360, 60)
    ]
    for x, y in spots:
        pen.disc(x, y, 0.25)
    heart_of = (255, 206, 60) if pen.fill[2] > 90 or pen.fill[1] < 120 else (150, 84, 40)
    pen.disc(0, -0.36, 0.24, fill=heart_of, line=0.05)


def boat(pen: Pen) -> None:
    """A sailing boat whose hull and pennant have the colour."""
    pen.poly([(-0.04, -0.9), (0.04, -0.9), (0.04, 0.35), (-0.04, 0.35)], WOOD, 0.03)
    pen.poly([(0.1, -0.76), (0.78, 0.22), (0.1, 0.22)], (255, 252, 240), 0.05)
    pen.poly([(-0.1, -0.6), (-0.62, 0.22), (-0.1, 0.22)], (255, 252, 240), 0.05)
    pen.poly([(-0.98, 0.34), (0.98, 0.34), (0.62, 0.88), (-0.62, 0.88)])
    pen.poly([(-0.8, 0.44), (0.8, 0.44), (0.74, 0.54), (-0.74, 0.54)], pen.shade(0.45), 0)
    pen.poly([(0, -0.98), (0.36, -0.88), (0, -0.78)], line=0.04)


def fish(pen: Pen) -> None:
    """A fish swimming to the left."""
    pen.poly([(0.4, 0), (0.96, -0.5), (0.84, 0), (0.96, 0.5)])
    pen.poly([(-0.2, -0.4), (0.16, -0.78), (0.34, -0.34)], pen.shade(-0.25))
    pen.disc(-0.18, 0, 0.74, 0.5)
    for x in (0.06, 0.3):
        pen.stroke(_arc(x - 0.2, 0, 0.2, 0.34, -62, 62, 10), pen.shade(-0.3), 0.08)
    pen.disc(-0.52, -0.12, 0.13, fill=(255, 255, 255), line=0.04)
    pen.disc(-0.54, -0.12, 0.065, fill=(20, 20, 26), line=0)
    pen.stroke(_arc(-0.74, 0.16, 0.14, 0.08, 10, 100, 6), line=0.05)


def moon(pen: Pen) -> None:
    """A crescent moon with a sleeping face."""
    outer = _arc(0, 0, 0.92, 0.92, 48, 312, 40)
    inner = _arc(0.34, 0, 0.74, 0.74, 292, 68, 40)
    pen.poly(_turn([*outer, *inner], -14))
    pen.stroke(_arc(-0.58, -0.18, 0.12, 0.09, 20, 160, 8), line=0.06)
    pen.stroke(_arc(-0.5, 0.18, 0.14, 0.1, 30, 150, 8), line=0.06)
    pen.disc(-0.38, 0.56, 0.09, fill=pen.shade(-0.18), line=0)


OBJECTS: dict[str, Callable[[Pen], None]] = {
    "circle": circle,
    "square": square,
    "triangle": triangle,
    "star": star,
    "heart": heart,
    "cat": cat,
    "house": house,
    "tree": tree,
    "flower": flower,
    "boat": boat,
    "fish": fish,
    "moon": moon,
}
