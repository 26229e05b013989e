"""[loras.NAME] of bot.toml."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import Annotated

from pydantic import Field

from bot.config.section import Language, Section

LOWEST, HIGHEST = -2.0, 2.0
"""Strengths; beyond them pictures fall apart."""

LoraName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]


class Lora(Section):
    """A LoRA that members may draw with: a .safetensors file, or a folder that holds one.

    `trigger` is put before the prompt.
    """

    file: Path
    models: tuple[str, ...] = ()
    strength: Annotated[float, Field(ge=LOWEST, le=HIGHEST)] = 1.0
    trigger: str = ""
    names: dict[Language, str] = Field(default_factory=dict)
    tiers: tuple[str, ...] = ()
