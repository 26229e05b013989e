"""From a size as it was typed to one that the model draws and the member's tier allows."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from bot.imagine.capabilities import Size
from bot.imagine.options import SIZE_NAMES, shown_values
from bot.messages import UserError, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.config.money import Tier
    from bot.imagine.capabilities import Capabilities
    from bot.messages import Message

PIXELS = re.compile(r"(\d{1,5})\s*(?:px)?\s*(?:[x×*✕✖╳,乘]|by)\s*(\d{1,5})\s*(?:px)?", re.I)
SHAPE = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s*[:：∶︰/比]\s*(\d{1,4}(?:\.\d{1,3})?)")
SMALLEST_PX = 32
"""No picture is this small, so 16x9 means a shape."""


def resolve_size(
    text: str | None, model: Capabilities, tier: Tier, pick: Callable[[str], str]
) -> tuple[Size, Message | None]:
    """The size to draw, and what its author should be told about it.

    A named shape and proportions (16:9) shrink to what the tier allows; pixels are put on the model's grid,
    or refused where the tier allows fewer. `pick` reads the name of a shape. Raises UserError.
    """
    if text is None or not text.strip():
        return model.fit(model.default_size, tier.default_pixels), None
    word = unicodedata.normalize("NFKC", text).strip().lower()
    match = PIXELS.fullmatch(word) or SHAPE.fullmatch(word)
    if match and float(match[1]) and float(match[2]):
        if match.re is PIXELS and max(int(match[1]), int(match[2])) > SMALLEST_PX:
            return _pixels(Size(int(match[1]), int(match[2])), model, tier)
        return _shape(word, float(match[1]), float(match[2]), model, tier)
    wanted = model.sizes[pick(word)]
    size = model.fit(wanted, tier.max_pixels)
    if size == wanted:
        return size, None
    return size, say("note-size-tier", wanted=str(wanted), size=str(size), tier=tier.name)


def size_aliases(model: Capabilities) -> dict[str, str]:
    """Other names of the model's shapes: those shown, and single characters, alone or with 图 and 形."""
    short = {f"{name}{suffix}": shape for name, shape in SIZE_NAMES.items() for suffix in ("", "图", "形")}
    shown = shown_values("size", tuple(model.sizes))
    return {name: shape for name, shape in {**short, **shown}.items() if shape in model.sizes}


def _pixels(wanted: Size, model: Capabilities, tier: Tier) -> tuple[Size, Message | None]:
    size = model.snap(wanted)
    if size.pixels > tier.max_pixels:
        largest = model.fit(size, tier.max_pixels)
        raise UserError(
            say("error-size-tier", option="size", wanted=str(wanted), tier=tier.name, largest=str(largest))
        )
    if size == wanted:
        return size, None
    grid, low, high = model.grid_px, str(model.min_px), str(model.max_px)
    told = say("note-size-snapped", wanted=str(wanted), size=str(size), grid=grid, low=low, high=high)
    return size, told


def _shape(
    word: str, across: float, down: float, model: Capabilities, tier: Tier
) -> tuple[Size, Message | None]:
    """About as many pixels as where no size is said, in these proportions; more where fewer are too few."""
    for pixels in (min(model.default_size.pixels, tier.default_pixels), tier.max_pixels):
        size = model.shaped(across / down, pixels)
        off = abs(size.width * down - size.height * across) / min(across, down)
        if off <= model.grid_px * max(across, down) / min(across, down) and size.pixels <= pixels:
            return size, say("note-size-shape", wanted=word, size=str(size))
    most = min(model.max_px / model.min_px, max(1.0, tier.max_pixels / model.min_px**2))
    raise UserError(say("error-size-shape", option="size", wanted=word, most=f"{most:.3g}"))
