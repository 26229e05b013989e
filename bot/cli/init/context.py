"""What the wizard of `easel init` starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Context:
    """The folder it writes into, and the platforms whose token is known already."""

    folder: Path
    known_tokens: frozenset[str]
    locale: str | None

    @property
    def settings(self) -> Path:
        return self.folder / "bot.toml"

    @property
    def secrets(self) -> Path:
        return self.folder / ".env"
