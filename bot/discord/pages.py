"""What a message of ours looks like: status line, embed, buttons. Nothing a member typed is ever markup."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import discord

from bot import render
from bot.imagine.events import Progress
from bot.imagine.picture import encode_preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.discord.files import Upload
    from bot.imagine.events import Done, Event
    from bot.imagine.live import LiveRequest
    from bot.imagine.picture import Picture
    from bot.imagine.request import ImageRequest
    from bot.messages import Translator
    from bot.render import Card, Fact
    from storage.records import Quota

CHART = "chart.png"
COLOUR = discord.Colour(0xE8833A)
MAX_DESCRIPTION, MAX_TITLE, MAX_NAME, MAX_VALUE, MAX_FIELDS = 4096, 256, 256, 1024, 25
_ID = re.compile(r"\b\d{15,20}\b")
_MARKUP = re.compile(r"[!-/:-@\[-`{-~]")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


@dataclass(frozen=True)
class Page:
    """One state of a message. `uploads` are encoded for the place when it is sent; the first one is shown."""

    content: str = ""
    embed: discord.Embed | None = None
    view: discord.ui.View | None = None
    uploads: tuple[Upload, ...] = ()
    preview: bytes | None = None


@dataclass(frozen=True)
class Look:
    """What of an event is seen: an edit that changes nothing of it is not sent."""

    text: str
    preview: int | None = field(default=None)


def escaped(text: str) -> str:
    """`text` shown as it is: no markup, no mention, no link. `unescaped` undoes it."""
    return _MARKUP.sub(r"\\\g<0>", text)


def unescaped(text: str) -> str:
    """What `escaped` was given."""
    return _ESCAPED.sub(r"\1", text)


def look(event: Event, t: Translator, *, preview: bool) -> Look:
    """What a reader would see of this event."""
    shown = event.preview if preview and isinstance(event, Progress) else None
    return Look(render.status(event, t), id(shown) if shown else None)


def progress_page(
    live: LiveRequest, event: Event, t: Translator, view: discord.ui.View, *, preview: bool
) -> Page:
    """A request on its way. Blocking where there is a preview to encode: call it off the event loop."""
    embed = prompt_embed(live.request)
    shown = event.preview if preview and isinstance(event, Progress) else None
    return Page(render.status(event, t), embed, view, preview=encode_preview(shown) if shown else None)


def result_page(live: LiveRequest, done: Done, t: Translator, view: discord.ui.View, upload: Upload) -> Page:
    """The finished picture, or the grid, with how to draw it again and what is left of the month."""
    embed = prompt_embed(live.request)
    for label, value in _result_facts(live.request, done.pictures, done.quota, t):
        embed.add_field(name=label, value=escaped(value))
    notes = [t(note) for note in (*live.accepted.notes, *done.notes)]
    if done.missing:
        notes.append(t("missing-images", missing=done.missing))
    return Page(escaped("\n".join(notes)), embed, view, (upload,))


def single_embed(request: ImageRequest, t: Translator) -> discord.Embed:
    """One picture of a grid."""
    embed = prompt_embed(request)
    embed.add_field(name=t("fact-size"), value=str(request.size))
    return embed.add_field(name=t("fact-seed"), value=str(request.seed))


def prompt_embed(request: ImageRequest) -> discord.Embed:
    """The prompt as an embed's description: all of it, since the vary button reads it from there."""
    return discord.Embed(description=escaped(request.prompt)[:MAX_DESCRIPTION], colour=COLOUR)


def named(card: Card, guild: discord.Guild | None) -> Card:
    """A card of a server's settings with the names of channels and roles where it has their ids."""
    if guild is None:
        return card

    def name(match: re.Match[str]) -> str:
        found = guild.get_channel(int(match[0])) or guild.get_role(int(match[0]))
        if found is None:
            return match[0]
        return f"{'@' if isinstance(found, discord.Role) else '#'}{found.name}"

    return replace(card, facts=tuple((label, _ID.sub(name, value)) for label, value in card.facts))


def card_embed(card: Card) -> discord.Embed:
    """A card as an embed."""
    embed = discord.Embed(
        title=escaped(card.title)[:MAX_TITLE],
        description=f"{escaped(card.text)[:MAX_DESCRIPTION]}\n{card.link}".strip() or None,
        colour=COLOUR,
    )
    for label, value in card.facts[:MAX_FIELDS]:
        name = escaped(label)[:MAX_NAME] or "\u200b"
        embed.add_field(name=name, value=escaped(value)[:MAX_VALUE] or "\u200b")
    return embed


def card_embeds(card: Card) -> list[discord.Embed]:
    """A card as embeds: itself, or the entries of its list."""
    if card.parts:
        return [card_embed(part) for part in card.parts]
    embed = card_embed(card)
    return [embed.set_image(url=f"attachment://{CHART}")] if card.picture else [embed]


def _result_facts(
    request: ImageRequest, pictures: Sequence[Picture], quota: Quota, t: Translator
) -> list[Fact]:
    seeds = ", ".join(str(picture.seed) for picture in pictures)
    seconds = sum(picture.draw_s for picture in pictures)
    return [
        (t("fact-size"), str(request.size)),
        (t("fact-steps"), str(request.steps)),
        (t("fact-seed"), seeds),
        (t("fact-time"), t("value-seconds", seconds=f"{seconds:.2f}")),
        (t("fact-left"), render.left(quota, t)),
    ]
