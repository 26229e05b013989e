"""Values as they are typed: one of a list, by whatever name its reader knows it, or a number in limits."""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING

from bot.imagine.options import BY_NAME, Kind, Named, Option, choices, shown_values
from bot.messages import Names, UserError, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.config.money import Tier
    from bot.imagine.capabilities import Capabilities


def choice(
    name: str,
    text: str | None,
    model: Capabilities,
    named: Named,
    aliases: Mapping[str, str],
) -> str | None:
    """The value that was chosen, by its name or what members see it called; None where nothing was said."""
    word = unicodedata.normalize("NFKC", text or "").strip().lower()
    if not word:
        return None
    known = choices(BY_NAME[name], model, named)
    names = {one.lower(): one for one in known}
    shown = shown_values(name, known) if name != "style" else {}
    if found := names.get(word) or shown.get(word) or aliases.get(word):
        return found
    option = Names("opt", name)
    allowed = Names(name, *known, *([str(model.sizes["landscape"]), "16:9"] if name == "size" else []))
    if near := get_close_matches(word, names, n=1):
        nearest = Names(name, names[near[0]])
        raise UserError(say("error-choice-near", option=option, found=word, near=nearest, allowed=allowed))
    raise UserError(say("error-choice", option=option, found=word, allowed=allowed))


_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,6}([.,][0-9]{1,6})?")


def number(option: Option, text: str | None, model: Capabilities, tier: Tier) -> float | int | None:
    """The number that was typed, or the option's default. Raises UserError outside the limits."""
    assert option.limits is not None
    word = unicodedata.normalize("NFKC", text or "").strip()
    if not word:
        return option.default
    low, high = option.limits(model, tier)
    whole = option.kind is Kind.WHOLE
    if (_WHOLE if whole else _NUMBER).fullmatch(word):
        value = int(word) if whole else float(word.replace(",", "."))
        if low <= value <= high:
            return value
    limits = {"low": str(low), "high": str(high)} if whole else {"low": f"{low:g}", "high": f"{high:g}"}
    id_ = "error-range-random" if option.random else "error-range"
    raise UserError(say(id_, option=Names("opt", option.shown), found=word, **limits))
