"""What can be asked of a model: sizes, steps, guidance, and what it does with pictures.

It is all in the model's profile, which the engine reads too (`engine/families/`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from math import isqrt, sqrt
from typing import TYPE_CHECKING

from engine.families.plan import ONE_CAPTION
from engine.families.recognise import words_of
from engine.families.registry import load_profile
from engine.request import ControlKind, Input, Picture, Role, Undrawable
from engine.settings import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.families.plan import Planner
    from engine.families.profile import Profile

MOST_UNKNOWN = 3
"""How many unknown words a note names at most."""
_WORDS = re.compile(r"[a-z]+|[\u3400-\u9fff]")


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
    EDIT = "edit"
    """A picture, and words that say what to change in it."""
    ENLARGE = "enlarge"
    """A picture, drawn again at twice its size."""
    CONTROL = "control"
    """Words, and a map of what a picture shows: outlines, depth or a pose."""


NEEDS = {
    Workflow.VARY: {Role.INIT},
    Workflow.INPAINT: {Role.INIT, Role.MASK},
    Workflow.ENLARGE: {Role.INIT},
}
"""The pictures that a model must take, to be asked for this."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What can be asked of a model. `steps` maps quality names to denoising steps."""

    name: str
    """The name of its profile: the kind of model, whatever it is offered as."""
    grid_px: int
    min_px: int
    max_px: int
    sizes: Mapping[str, Size]
    steps: Mapping[str, int]
    max_steps: int
    useful_steps: int
    guidance: float
    """Where none is said."""
    max_guidance: float
    negative_guidance: float | None
    """The least guidance that a negative prompt needs; None: the model reads none."""
    strength: Mapping[Workflow, float] = field(default_factory=dict)
    """What it can do with a picture, and how strongly where nobody says: 1 keeps nothing of the picture."""
    edits: bool = False
    """Whether it can change a picture as the words say."""
    controls: frozenset[ControlKind] = frozenset()
    """The maps it follows."""
    planner: Planner = ONE_CAPTION
    """Knows how many steps are really run."""
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

    def steps_run(self, steps: int, strength: float | None) -> int:
        """How many of so many steps are really run; begun from a picture, those below its noise are."""
        if strength is None:
            return steps
        size, begun = self.default_size, Input(Role.INIT, "", strength)
        picture = Picture("", size.width, size.height, steps, seed=0, inputs=(begun,))
        try:
            return self.planner.plan(picture).steps
        except Undrawable:  # drawn before, by a model that could
            return steps

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


def capabilities_of(profile: Profile, words: frozenset[str] = frozenset()) -> Capabilities:
    """What can be asked of a model with this profile, and the words it knows where it knows few."""
    offered = profile.offered
    return Capabilities(
        name=profile.name,
        grid_px=offered.grid,
        min_px=isqrt(profile.min_pixels),
        max_px=isqrt(profile.max_pixels),
        sizes={shape: Size(*edges) for shape, edges in offered.sizes.items()},
        steps=profile.qualities,
        max_steps=offered.max_steps,
        useful_steps=offered.useful_steps,
        guidance=profile.guidance,
        max_guidance=offered.max_guidance,
        negative_guidance=offered.negative_guidance,
        strength={
            Workflow(name): strength
            for name, strength in offered.strength.items()
            if NEEDS[Workflow(name)] <= profile.planner.takes
        },
        edits=Role.REFERENCE in profile.planner.takes,
        planner=profile.planner,
        words=words,
    )


@cache
def load_capabilities(name: str) -> Capabilities:
    """What can be asked of a model with a shipped profile. Raises FileNotFoundError."""
    return capabilities_of(load_profile(name), words_of(name) if name == EMBEDDED else frozenset())


def _known(word: str, words: frozenset[str]) -> bool:
    """Whether an English word, or what it is the plural of, is listed; or a Chinese character is in one."""
    if not word.isascii():
        return any(word in listed for listed in words)
    return len(word) == 1 or not words.isdisjoint({word, word.removesuffix("s"), word.removesuffix("es")})
