"""Control networks, as far as they can be told without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from engine.request import ControlKind


@dataclass(frozen=True, slots=True)
class ControlFile:
    """A control network that a model may draw with."""

    path: Path
    kinds: frozenset[ControlKind]
    """The maps that it was trained to follow."""
    digest: str
    """SHA-256 of its weights."""
    parameters: int
