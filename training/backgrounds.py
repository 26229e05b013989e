"""The eight backgrounds, each filling a whole canvas of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

RGB = tuple[int, int, int]


def _gradient(canvas: Image.Image, top: RGB, bottom: RGB, start: float, end: float) -> None:
    """Fill the rows between two shares of the height with a vertical gradient."""
    w, h = canvas.size
    y0, y1 = round(start * h), round(end * h)
    column = Image.new("RGB", (1, 2))
    column.putpixel((0, 0), top)
    column.putpixel((0, 1), bottom)
    # A box of half a pixel at each end keeps the end colours pure.
    band = column.resize((w, y1 - y0), Image.Resampling.BILINEAR, box=(0, 0.5, 1, 1.5))
    canvas.paste(band, (0, y0))


def _cloud(draw: ImageDraw.ImageDraw, x: float, y: float, r: float, fill: RGB) -> None:
    for dx, dy, k in ((-1.1, 0.15, 0.6), (0.0, -0.15, 0.85), (1.1, 0.15, 0.6)):
        draw.ellipse((x + (dx - k) * r, y + (dy - k) * r, x + (dx + k) * r, y + (dy + k) * r), fill=fill)
    draw.rectangle((x - 1.3 * r, y + 0.25 * r, x + 1.3 * r, y + 0.72 * r), fill=fill)


def meadow(canvas: Image.Image, rng: random.Random) -> None:
    """Green grass under a strip of pale sky, with tufts and daisies."""
    w, h = canvas.size
    u = min(w, h)
    _gradient(canvas, (176, 222, 246), (222, 242, 250), 0, 0.3)
    _gradient(canvas, (134, 204, 92), (92, 172, 66), 0.28, 1)
    draw = ImageDraw.Draw(canvas)
    x0 = rng.uniform(-0.2, 0.6) * w
    draw.ellipse((x0, 0.2 * h, x0 + 0.9 * w, 0.44 * h), fill=(134, 204, 92))
    for _ in range(14):
        x, y = rng.uniform(0, w), rng.uniform(0.4 * h, h)
        draw.line(
            [(x - 0.02 * u, y - 0.05 * u), (x, y), (x + 0.02 * u, y - 0.05 * u)],
            (70, 146, 52),
            max(2, u // 90),
        )
    for _ in range(6):
        x, y, r = rng.uniform(0, w), rng.uniform(0.45 * h, h), 0.016 * u
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 255, 255))


def sky(canvas: Image.Image, rng: random.Random) -> None:
    """Blue sky with white clouds."""
    w, h = canvas.size
    u = min(w, h)
    _gradient(canvas, (92, 172, 240), (176, 218, 250), 0, 1)
    draw = ImageDraw.Draw(canvas)
    for x, y in ((0.18, 0.16), (0.82, 0.28), (0.2, 0.84), (0.85, 0.78)):
        spot = (x + rng.uniform(-0.06, 0.06)) * w, (y + rng.uniform(-0.06, 0.06)) * h
        _cloud(draw, *spot, rng.uniform(0.065, 0.09) * u, (255, 255, 255))


def night(canvas: Image.Image, rng: random.Random) -> None:
    """A dark blue sky full of small stars."""
    w, h = canvas.size
    u = min(w, h)
    _gradient(canvas, (14, 18, 52), (42, 44, 104), 0, 1)
    draw = ImageDraw.Draw(canvas)
    for _ in range(26):
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.choice((0.007, 0.01, 0.015)) * u
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 246, 200))


def beach(canvas: Image.Image, rng: random.Random) -> None:
    """Sand, a turquoise sea with foam, and a light sky."""
    w, h = canvas.size
    u = min(w, h)
    _gradient(canvas, (150, 214, 248), (206, 236, 250), 0, 0.3)
    _gradient(canvas, (24, 150, 176), (64, 190, 200), 0.3, 0.56)
    _gradient(canvas, (244, 224, 164), (234, 206, 138), 0.56, 1)
    draw = ImageDraw.Draw(canvas)
    step = 0.14 * u
    x = -rng.uniform(0, step)
    while x < w:
        draw.ellipse((x, 0.53 * h, x + step, 0.53 * h + 0.06 * u), fill=(250, 254, 255))
        x += step * 0.85
    for _ in range(16):
        x, y, r = rng.uniform(0, w), rng.uniform(0.66 * h, h), 0.009 * u
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(204, 172, 106))


def snow(canvas: Image.Image, rng: random.Random) -> None:
    """White hills under a grey-blue winter sky with falling flakes."""
    w, h = canvas.size
    u = min(w, h)
    _gradient(canvas, (134, 156, 184), (190, 206, 224), 0, 0.62)
    draw = ImageDraw.Draw(canvas)
    x0 = rng.uniform(-0.5, -0.1) * w
    draw.ellipse((x0, 0.5 * h, x0 + w, 1.1 * h), fill=(226, 236, 246))
    draw.ellipse((x0 + 0.6 * w, 0.56 * h, x0 + 1.8 * w, 1.2 * h), fill=(240, 246, 252))
    draw.rectangle((0, 0.74 * h, w, h), fill=(248, 251, 255))
    for _ in range(24):
        x, y, r = rng.uniform(0, w), rng.uniform(0, 0.7 * h), rng.choice((0.012, 0.018)) * u
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 255, 255))


def window(canvas: Image.Image, rng: random.Random) -> None:
    """A room: a warm wall, a window with sunlight falling in, and a wooden sill."""
    w, h = canvas.size
    u = min(w, h)
    _gradient(canvas, (226, 178, 138), (206, 154, 114), 0, 1)
    draw = ImageDraw.Draw(canvas)
    x0, x1, y0, y1 = 0.12 * w, 0.88 * w, 0.07 * h, 0.76 * h
    frame = round(0.035 * u)
    draw.rectangle((x0, y0, x1, y1), fill=(255, 250, 214))
    shift = rng.uniform(0, 0.2) * w
    for k in (0.0, 0.36):
        a = x0 + k * w + shift
        beam = [(a, y0), (min(a + 0.16 * w, x1), y0), (max(a - 0.1 * w, x0), y1), (max(a - 0.26 * w, x0), y1)]
        draw.polygon(beam, fill=(255, 236, 150))
    draw.rectangle((x0, y0, x1, y1), outline=(255, 255, 255), width=frame)
    draw.rectangle((0.5 * w - frame / 2, y0, 0.5 * w + frame / 2, y1), fill=(255, 255, 255))
    draw.rectangle((x0, 0.36 * h - frame / 2, x1, 0.36 * h + frame / 2), fill=(255, 255, 255))
    draw.rectangle((0, y1, w, y1 + 0.1 * h), fill=(158, 104, 66))
    draw.rectangle((0, y1, w, y1 + 0.025 * h), fill=(184, 128, 84))


def sunset(canvas: Image.Image, rng: random.Random) -> None:
    """A violet to golden evening sky, the sun sinking behind dark hills."""
    w, h = canvas.size
    u = min(w, h)
    _gradient(canvas, (118, 66, 140), (238, 112, 104), 0, 0.45)
    _gradient(canvas, (238, 112, 104), (254, 196, 96), 0.45, 0.8)
    draw = ImageDraw.Draw(canvas)
    x, y, r = rng.uniform(0.2, 0.8) * w, 0.74 * h, 0.15 * u
    draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 240, 170))
    draw.rectangle((0, 0.8 * h, w, h), fill=(74, 42, 84))
    x0 = rng.uniform(-0.4, 0.5) * w
    draw.ellipse((x0, 0.72 * h, x0 + 0.8 * w, 1.1 * h), fill=(74, 42, 84))


def plain(canvas: Image.Image, rng: random.Random) -> None:
    """White paper."""
    shade = rng.randint(250, 255)
    canvas.paste((shade, shade, shade), (0, 0, *canvas.size))


BACKGROUNDS: dict[str, Callable[[Image.Image, random.Random], None]] = {
    "meadow": meadow,
    "sky": sky,
    "night": night,
    "beach": beach,
    "snow": snow,
    "window": window,
    "sunset": sunset,
    "plain": plain,
}
