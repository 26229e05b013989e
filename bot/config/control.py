"""[control] of bot.toml."""

from __future__ import annotations

from bot.config.section import Section


class Control(Section):
    """How maps are made of members' pictures: outlines without a model; depth maps are brought, where none is
    named.
    """

    depth_model: str | None = None
