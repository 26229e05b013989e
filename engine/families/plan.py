"""What drawing a request comes to, as a family of models sees it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from engine.request import DrawRequest, Role


@dataclass(frozen=True, slots=True)
class Need:
    """What the seconds and memory of a picture depend on: its size, and the captions that a step reads."""

    width: int
    height: int
    captions: int = 1

    def __str__(self) -> str:
        return f"{self.width}x{self.height}x{self.captions}"

    @classmethod
    def parse(cls, text: str) -> Need:
        width, height, captions = map(int, text.split("x"))
        return cls(width, height, captions)

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Plan:
    """What drawing a request comes to."""

    texts: tuple[str, ...]
    """To be encoded; `begin` takes their captions in this order."""
    steps: int
    """That are really run."""
    need: Need


class Planner(Protocol):
    """A family, as far as whoever loads no model needs it."""

    @property
    def takes(self) -> frozenset[Role]:
        """The pictures it can draw from."""

    def plan(self, request: DrawRequest) -> Plan:
        """Raises ValueError for what cannot be drawn."""


@dataclass(frozen=True)
class OneCaption:
    """One caption, as many steps as asked for."""

    takes: frozenset[Role] = frozenset()

    def plan(self, request: DrawRequest) -> Plan:
        return Plan((request.prompt,), request.steps, Need(request.width, request.height))


ONE_CAPTION = OneCaption()
