"""What drawing a request comes to, as a family of models sees it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from engine.request import Picture, Role


@dataclass(frozen=True, slots=True)
class Need:
    """What the seconds and memory of a picture depend on: its size, and what a step reads besides."""

    width: int
    height: int
    captions: int = 1
    references: int = 0
    """Pictures of its own size that each step reads along."""
    controls: int = 0
    """1 where a control network runs before each step."""

    def __str__(self) -> str:
        numbers = [self.width, self.height, self.captions, self.references, self.controls]
        while not numbers[-1]:
            numbers.pop()
        return "x".join(map(str, numbers))

    @classmethod
    def parse(cls, text: str) -> Need:
        return cls(*map(int, text.split("x")))

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def step_pixels(self) -> int:
        """What a step reads."""
        return self.pixels * (1 + self.references)


@dataclass(frozen=True, slots=True)
class Plan:
    """What drawing a request comes to."""

    texts: tuple[str, ...]
    """To be encoded; `begin` takes their captions in this order."""
    steps: int
    """That are really run; each tile's count, where the picture is drawn in tiles."""
    need: Need
    """Of a step: of the picture, or of a tile."""
    pictures: int = 0
    """That are encoded before the first step."""
    pixels: int | None = None
    """Of the whole picture, where a step is of a tile."""
    enlarges: bool = False
    """The picture it begins from is made larger first."""

    @property
    def picture_pixels(self) -> int:
        return self.need.pixels if self.pixels is None else self.pixels


class Planner(Protocol):
    """A family, as far as whoever loads no model needs it."""

    @property
    def takes(self) -> frozenset[Role]:
        """The pictures it can draw from."""

    def plan(self, request: Picture) -> Plan:
        """Raises ValueError for what cannot be drawn."""


@dataclass(frozen=True)
class OneCaption:
    """One caption, as many steps as asked for."""

    takes: frozenset[Role] = frozenset()

    def plan(self, request: Picture) -> Plan:
        return Plan((request.prompt,), request.steps, Need(request.width, request.height))


ONE_CAPTION = OneCaption()
