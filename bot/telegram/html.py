"""Telegram's HTML, written so that nothing a person typed can break it, forge a link or call somebody."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from bot.messages import Moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.render import Card

CAPTION_UNITS = 1024
TEXT_UNITS = 4096
"""Telegram counts text after its entities are parsed, in UTF-16 units."""


def escape(text: str) -> str:
    """Text that stands for itself."""
    return html.escape(text, quote=False)


def code(text: str) -> str:
    """What a person typed: in a code span no address, name or command in it becomes a link or a mention."""
    return f"<code>{escape(text)}</code>"


def bold(text: str) -> str:
    return f"<b>{escape(text)}</b>"


def units(text: str) -> int:
    """The length of plain text as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clip(text: str, limit: int) -> str:
    """At most `limit` units of plain text, with an ellipsis where something was left off."""
    if units(text) <= limit:
        return text
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, limit - 1)].decode("utf-16-le", "ignore")
    return kept.rstrip() + "…"


def captioned(typed: str, lines: Sequence[str], limit: int = CAPTION_UNITS) -> str:
    """What was typed above plain `lines`, in at most `limit` units: what was typed gives way first."""
    below = clip("\n".join(line for line in lines if line), limit - 2)
    room = limit - units(below) - 1
    above = code(clip(typed, room)) if typed and room > 1 else ""
    return "\n".join(part for part in (above, escape(below)) if part)


def card(shown: Card) -> str:
    """A card as a message, with its parts below."""
    facts = [f"{label}: {value}" if label else value for label, value in shown.facts]
    below = clip("\n".join([*facts, *(["", shown.text] if facts and shown.text else [shown.text])]), 3500)
    whole = f"{bold(clip(shown.title, 512))}\n{escape(below)}\n{escape(shown.link)}".strip()
    return "\n\n".join([whole, *(part(one) for one in shown.parts)])


def part(shown: Card) -> str:
    """An entry of a list: what was typed, and its facts on one line."""
    number, _, typed = shown.title.partition(" ")
    facts = " · ".join(_fact(value) for _, value in shown.facts)
    return f"{escape(number)} {code(typed)}\n{facts}"


def _fact(value: str) -> str:
    """A point in time is shown in its reader's own zone, where the reader's program can."""
    if isinstance(value, Moment):
        return f'<tg-time unix="{int(value.at.timestamp())}" format="dt">{escape(value)}</tg-time>'
    return escape(value)
