"""What may be asked of the model that is loaded: its grid, sizes, and steps for each quality.

What the model can do is its profile, which the engine reads too; what members are offered of it stands in
`models.toml`, one table a family. Another family needs such a table, a profile and code in
`engine/families/`, and a way to tell which family a folder holds (`capabilities_for`).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from math import isqrt, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import engine
from engine.families.registry import load_profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.backend import Backend

MOST_UNKNOWN = 3
"""How many unknown words a note names at most."""
_WORDS = re.compile(r"[a-z]+|[\u3400-\u9fff]")
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


class Workflow(StrEnum):
    """What a picture is drawn from."""

    TEXT = "text"
    VARY = "vary"
    """Words and a picture."""
    INPAINT = "inpaint"
    """Words, a picture, and which part of it to draw anew."""
    ENLARGE = "enlarge"
    """A picture, drawn again at twice its size."""


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
    negative_guidance: float
    """Guidance where a negative prompt is given and no guidance is."""
    strength: Mapping[Workflow, float] = field(default_factory=dict)
    """What it can do with a picture, and how strongly where nobody says: 1 keeps nothing of the picture."""
    words: frozenset[str] = frozenset()
    """The words the model knows, English in lower case and Chinese by phrases; empty: any."""

    @property
    def default_size(self) -> Size:
        return self.sizes["square"]

    def snap(self, size: Size) -> Size:
        """The nearest size on the grid and inside the model's limits; its proportions stay where they can."""
        long, short = max(size.width, size.height), max(1, min(size.width, size.height))
        scale = min(max(1.0, self.min_px / short), self.max_px / max(1, long))
        return Size(self._edge(size.width * scale), self._edge(size.height * scale))

    def fit(self, size: Size, max_pixels: int) -> Size:
        """`size`, or where it has more than `max_pixels` the largest of its proportions that has not."""
        if size.pixels <= max_pixels:
            return size
        return self.shaped(size.width / size.height, max_pixels)

    def shaped(self, ratio: float, max_pixels: int) -> Size:
        """The largest size on the grid, `ratio` times as wide as high, with at most `max_pixels`.

        Where the model's smallest edge is already too much, that edge all the same.
        """
        long_px = min(sqrt(max_pixels * max(ratio, 1 / ratio)), self.max_px)
        for steps in range(max(1, int(long_px) // self.grid_px), 0, -1):
            edge = max(steps * self.grid_px, self.min_px)
            width, height = (edge, edge / ratio) if ratio >= 1 else (edge * ratio, edge)
            size = Size(self._edge(width), self._edge(height))
            if size.pixels <= max_pixels:
                return size
        return size

    def larger(self, size: Size, max_pixels: int) -> Size | None:
        """The next size up in the same proportions: at most half as long again on each edge, with at most
        `max_pixels`. None where hardly anything would be won.
        """
        growth = min(1.5, self.max_px / max(size.width, size.height), sqrt(max_pixels / size.pixels))
        wanted = Size(int(size.width * growth), int(size.height * growth))
        step = self.shaped(size.width / size.height, min(wanted.pixels, max_pixels))
        return step if min(step.width - size.width, step.height - size.height) >= self.grid_px else None

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        """The first few words of a prompt that the model has never read; of Chinese, characters."""
        if not self.words:
            return ()
        words = _WORDS.findall(prompt.lower())
        return tuple(dict.fromkeys(word for word in words if not _known(word, self.words)))[:MOST_UNKNOWN]

    def _edge(self, px: float) -> int:
        """An edge on the grid, inside the limits."""
        on_grid = round(px / self.grid_px) * self.grid_px
        return min(max(on_grid, self.min_px), self.max_px)


@dataclass(frozen=True, slots=True)
class Model:
    """A model that members may use: what can be asked of it, and the backend that draws."""

    capabilities: Capabilities
    backend: Backend

    @property
    def name(self) -> str:
        return self.capabilities.name


class Models:
    """The models of this bot by name. The first is the default: it draws where none is named."""

    def __init__(self, *models: Model) -> None:
        self._by_name = {model.name: model for model in models}
        self.default = models[0]

    def __iter__(self) -> Iterator[Model]:
        return iter(self._by_name.values())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    def named(self, name: str | None) -> Model:
        """The model `name`; the default where none is named, or one that is no longer there."""
        return self._by_name.get(name or "", self.default)


@cache
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
        strength={Workflow(name): value for name, value in table.pop("strength", {}).items()},
        words=_words(name),
        **table,
    )


def capabilities_for(model: str) -> Capabilities:
    """The family of a model named in bot.toml: any folder or hub name is a Z-Image-Turbo."""
    return load_capabilities("embedded" if model == "embedded" else "z-image-turbo")


def _words(family: str) -> frozenset[str]:
    """The words a small model was trained on, where its weights come with a list."""
    listed = resources.files(engine) / family / "words.txt"
    return frozenset(listed.read_text("utf-8").split()) if listed.is_file() else frozenset()


def _known(word: str, words: frozenset[str]) -> bool:
    """Whether an English word, or what it is the plural of, is listed; or a Chinese character is in one."""
    if not word.isascii():
        return any(word in listed for listed in words)
    return len(word) == 1 or not words.isdisjoint({word, word.removesuffix("s"), word.removesuffix("es")})
