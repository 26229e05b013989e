"""What may be asked of the model that is loaded: its grid, sizes, and steps for each quality.

What the model can do is its profile, which the engine reads too; what members are offered of it stands in
`models.toml`, one table a family. A new model is two tables and no code.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from math import isqrt, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

from engine.families.profile import load_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

MODELS_TOML = Path(__file__).parent / "models.toml"


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A model family's limits. `steps` maps quality names to denoising steps."""

    name: str
    grid_px: int
    min_px: int
    max_px: int
    sizes: Mapping[str, Size]
    steps: Mapping[str, int]
    max_steps: int
    useful_steps: int
    max_guidance: float

    @property
    def default_size(self) -> Size:
        return self.sizes["square"]

    def snap(self, size: Size) -> Size:
        """The nearest size on the grid and inside the model's limits."""

        def edge(px: int) -> int:
            on_grid = round(px / self.grid_px) * self.grid_px
            return min(max(on_grid, self.min_px), self.max_px)

        return Size(edge(size.width), edge(size.height))

    def fit(self, size: Size, max_pixels: int) -> Size:
        """The largest size of the same proportions, on the grid, with at most `max_pixels`."""
        if size.pixels <= max_pixels:
            return size
        scale = sqrt(max_pixels / size.pixels)

        def edge(px: int) -> int:
            return max(int(px * scale) // self.grid_px * self.grid_px, self.min_px)

        return Size(edge(size.width), edge(size.height))

    def larger(self, size: Size) -> Size | None:
        """The next size up in the same proportions: half as long again on each edge, or None at the limit."""
        step = self.snap(Size(size.width * 3 // 2, size.height * 3 // 2))
        return step if step.pixels > size.pixels else None


def load_capabilities(name: str) -> Capabilities:
    """The family `name`. Raises KeyError or FileNotFoundError where there is none."""
    table = tomllib.loads(MODELS_TOML.read_text("utf-8"))[name]
    profile = load_profile(name)
    return Capabilities(
        name=name,
        min_px=isqrt(profile.min_pixels),
        max_px=isqrt(profile.max_pixels),
        steps=profile.qualities,
        sizes={preset: Size(*edges) for preset, edges in table.pop("sizes").items()},
        **table,
    )


def capabilities_for(model: str) -> Capabilities:
    """The family of a model named in bot.toml: any folder or hub name is a Z-Image-Turbo."""
    return load_capabilities("embedded" if model == "embedded" else "z-image-turbo")
