"""What can be asked for besides the words themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for, word for word; None where nothing was said."""

    prompt: str = ""
    negative: str | None = None
    size: str | None = None
    quality: str | None = None
    seed: str | None = None
    images: str | None = None
    guidance: str | None = None
    style: str | None = None
    steps: str | None = None
    private: bool = False
