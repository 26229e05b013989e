"""The pictures of the things: Microsoft's Fluent Emoji, shaded and flat, rendered and recoloured.

`python -m training.art` fetches them by npm (MIT licence) and renders them with resvg.
"""

from __future__ import annotations

import argparse
import colorsys
import functools
import io
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from training.things import THINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKAGES = {"3d": "@iconify-json/fluent-emoji@1.2.7", "flat": "@iconify-json/fluent-emoji-flat@1.2.6"}
STYLES = tuple(PACKAGES)
FOLDER = Path("training/runs/art")
RENDERED = 256  # pixels of a sprite's longer side

# Hue in degrees, then saturation and brightness, of what takes on a colour.
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (356, 0.82, 0.90),
    "orange": (28, 0.86, 0.97),
    "yellow": (49, 0.80, 0.99),
    "green": (130, 0.70, 0.72),
    "blue": (216, 0.78, 0.92),
    "purple": (274, 0.66, 0.78),
    "pink": (334, 0.44, 0.99),
    "brown": (24, 0.66, 0.55),
    "white": (220, 0.05, 0.97),
    "grey": (220, 0.06, 0.62),
    "black": (240, 0.16, 0.29),
}
_SATURATED = 0.25  # below this a pixel is white, grey or black, and stays so
_DARK = 0.33  # brightness; what is darker are eyes and outlines, and stays so
_NEAR = 55  # degrees of hue around a sprite's main one that take on a colour; the rest keeps its own


@dataclass(frozen=True)
class Art:
    """The rendered sprites in a folder, a file for each thing and style."""

    folder: Path = FOLDER

    def sprite(self, kind: str, style: str, colour: str | None, side: int) -> Image.Image:
        """Return a thing as RGBA, centred in a square of `side` pixels; no colour leaves it its own."""
        return _sprite(self.folder, kind, style, colour, side)


@functools.lru_cache(maxsize=4000)
def _sprite(folder: Path, kind: str, style: str, colour: str | None, side: int) -> Image.Image:
    picture: Image.Image = Image.open(folder / style / f"{kind}.png")
    if colour is not None:
        picture = recoloured(picture, colour, THINGS[kind].hue)
    picture.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
    square = Image.new("RGBA", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def recoloured(picture: Image.Image, colour: str, around: float | None = None) -> Image.Image:
    """Give the saturated pixels around a hue in degrees (none: the main one) a colour; shading stays."""
    pixels = np.asarray(picture.convert("RGBA")).astype(np.float32)
    hsv = np.asarray(picture.convert("RGB").convert("HSV")).astype(np.float32) / 255
    hue, saturation, value = np.moveaxis(hsv, -1, 0)
    weight = np.where(saturation > _SATURATED, saturation * pixels[..., 3], 0)
    centre = main_hue(hue, weight) if around is None else around / 360
    chosen = (weight > 0) & (value > _DARK) & (_turns_apart(hue, centre) < _NEAR / 360)
    new_hue, new_saturation, new_value = COLOURS[colour]
    shade = value / value[chosen].mean()
    bright = np.clip(new_value * shade, 0, 1)
    pale = np.clip(new_saturation * saturation / saturation[chosen].mean(), 0, 1)
    painted = _rgb(new_hue / 360, pale, bright)
    pixels[..., :3] = np.where(chosen[..., None], painted * 255, pixels[..., :3])
    return Image.fromarray(pixels.round().astype(np.uint8), "RGBA")


def main_hue(hue: NDArray[np.float32], weight: NDArray[np.float32]) -> float:
    """Return the hue, from 0 to 1, around which most of the weight lies."""
    counts, edges = np.histogram(hue, bins=36, range=(0, 1), weights=weight)
    smooth = counts + np.roll(counts, 1) + np.roll(counts, -1)
    return float(edges[int(smooth.argmax())] + 1 / 72)


def _turns_apart(hue: NDArray[np.float32], other: float) -> NDArray[np.float32]:
    apart: NDArray[np.float32] = np.abs(hue - other)
    return np.where(apart > 0.5, 1 - apart, apart)


def _rgb(hue: float, saturation: NDArray[np.float32], value: NDArray[np.float32]) -> NDArray[np.float32]:
    full = np.array(colorsys.hsv_to_rgb(hue, 1, 1), np.float32)
    painted: NDArray[np.float32] = value[..., None] * (1 - saturation[..., None] * (1 - full))
    return painted


def fetch(package: str, folder: Path) -> dict[str, str]:
    """Download an npm package of icons and return each icon's SVG."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), package]
    archive = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(folder / archive) as packed:
        member = packed.extractfile("package/icons.json")
        assert member is not None
        icons = json.load(member)["icons"]
    head = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    return {
        name: f'{head}viewBox="0 0 32 32" width="32" height="32">{icon["body"]}</svg>'
        for name, icon in icons.items()
    }


def render(svg: str, side: int) -> Image.Image:
    """Return an SVG as RGBA without its transparent margins, `side` pixels along its longer side."""
    import resvg_py  # of the dependency group `training`

    png = resvg_py.svg_to_bytes(svg_string=svg, width=2 * side)
    picture = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    picture = picture.crop(picture.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox())
    scale = side / max(picture.size)
    return picture.resize((round(picture.width * scale), round(picture.height * scale)))


def main() -> None:
    """Write `<out>/<style>/<kind>.png` for every thing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    args = parser.parse_args()
    for style, package in PACKAGES.items():
        (args.out / style).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            icons = fetch(package, Path(folder))
        for kind, thing in THINGS.items():
            render(icons[thing.icon], RENDERED).save(args.out / style / f"{kind}.png")
        print(f"{style}: {len(THINGS)} things from {package}", flush=True)


if __name__ == "__main__":
    main()
