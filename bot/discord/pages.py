"""What a message of ours looks like: picture, prompt, lines, buttons. Nothing a member typed is markup."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import discord

from bot import render
from bot.imagine.events import Progress
from bot.imagine.picture import encode_preview
from bot.messages import Moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.commands.buttons import Single
    from bot.discord.files import Upload
    from bot.imagine.events import Done, Event
    from bot.imagine.live import LiveRequest
    from bot.messages import Message, Translator
    from bot.render import Card

    Rows = tuple[tuple[discord.ui.Item[Any], ...], ...]

CHART = "chart.png"
COLOUR = discord.Colour(0xE8833A)
MAX_DESCRIPTION, MAX_TITLE, MAX_NAME, MAX_VALUE, MAX_FIELDS = 4096, 256, 256, 1024, 25
MAX_PROMPT, MAX_LINES, MAX_ALT = 1000, 1900, 256
"""The parts of a page, which may have 4000 characters in all; escaping at most doubles the prompt."""
CUT = "…"
HELD = "\ue000"
"""Holds the place of a moment while a sentence is escaped: a character that means nothing."""
_ID = re.compile(r"\b\d{15,20}\b")
_MARKUP = re.compile(r"[!-/:-@\[-`{-~]")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


@dataclass(frozen=True)
class Page:
    """One state of a message: a picture at full width, the prompt, lines of ours, buttons.

    `upload` is encoded for the place when the page is sent. `lines` are markup already.
    """

    prompt: str = ""
    lines: tuple[str, ...] = ()
    rows: tuple[tuple[discord.ui.Item[Any], ...], ...] = ()
    upload: Upload | None = None
    preview: bytes | None = None
    hidden: bool = False
    """The picture is shown only to whoever clicks on it."""


@dataclass(frozen=True)
class Look:
    """What is seen of an event; an edit that would change none of it is not sent."""

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


def layout(page: Page, file: discord.File | None) -> discord.ui.LayoutView:
    """The page as Discord's components, with `file` as its picture.

    In an embed the picture would be shrunk to the embed's width; attached, it would stand below the text.
    """
    view = discord.ui.LayoutView(timeout=None)
    if file is not None:
        about = page.prompt[:MAX_ALT] or None
        item = discord.MediaGalleryItem(file, description=about, spoiler=page.hidden)
        view.add_item(discord.ui.MediaGallery(item))
    for text in (shown_prompt(page.prompt), "\n".join(page.lines)[:MAX_LINES]):
        if text:
            view.add_item(discord.ui.TextDisplay(text))
    for row in page.rows:
        view.add_item(discord.ui.ActionRow(*row))
    return view


def shown_prompt(prompt: str) -> str:
    """A prompt as a message shows it; `prompt_of` reads it back."""
    return escaped(prompt if len(prompt) <= MAX_PROMPT else prompt[: MAX_PROMPT - 1] + CUT)


def prompt_of(message: discord.Message) -> str | None:
    """The prompt that a message of ours shows; None where it does not show all of it."""
    texts = [part.content for part in message.components if isinstance(part, discord.TextDisplay)]
    texts += [embed.description or "" for embed in message.embeds]  # of earlier versions
    prompt = unescaped(texts[0]) if texts else ""
    return None if not prompt or prompt.endswith(CUT) else prompt


def progress_page(
    live: LiveRequest, event: Event, t: Translator, rows: Rows, *, preview: bool, hidden: bool
) -> Page:
    """A request on its way. Blocking where there is a preview to encode: call it off the event loop."""
    shown = event.preview if preview and isinstance(event, Progress) else None
    jpeg = encode_preview(shown) if shown else None
    return Page(live.request.prompt, (render.status(event, t),), rows, preview=jpeg, hidden=hidden)


def result_page(
    live: LiveRequest,
    done: Done,
    t: Translator,
    rows: Rows,
    upload: Upload,
    *,
    asker: int,
    currency: str | None,
) -> Page:
    """The finished picture, or the grid: who asked for it, one line about it, and what they should know."""
    line = f"<@{asker}> · {escaped(render.result_line(live.request, done, t, currency))}"
    lines = [small(line), *(small(escaped(note)) for note in render.notes(live.accepted, done, t))]
    hidden = any(picture.spoiler for picture in done.pictures)
    return Page(live.request.prompt, tuple(lines), rows, upload, hidden=hidden)


def single_page(picked: Single, t: Translator, rows: Rows, upload: Upload) -> Page:
    """One picture of a grid."""
    request = picked.request
    line = f"{request.size} · {t('fact-seed')} {request.seed}"
    return Page(request.prompt, (small(line),), rows, upload, hidden=picked.spoiler)


def small(line: str) -> str:
    """A line in small print."""
    return f"-# {line}"


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


def readable(text: str) -> str:
    """Text as it is, and a moment in the zone of whoever reads it."""
    return f"<t:{int(text.at.timestamp())}:f>" if isinstance(text, Moment) else escaped(text)


def sentence(message: Message, t: Translator) -> str:
    """A message of ours as it is, with its moments in the zone of whoever reads it."""
    moments = [(name, arg) for name, arg in message.args.items() if isinstance(arg, Moment)]
    marks = {name: f"{HELD}{n}" for n, (name, _) in enumerate(moments)}
    text = escaped(t(replace(message, args={**message.args, **marks})))
    for name, moment in moments:
        text = text.replace(marks[name], readable(moment))
    return text


def card_embed(card: Card, mentions: Mapping[str, str] | None = None) -> discord.Embed:
    """A card as an embed. `mentions`: what stands for a command that its text names, to be clicked on."""
    text = escaped(card.text)
    for name, mention in (mentions or {}).items():
        text = re.sub(rf"{re.escape(escaped('/' + name))}(?![\w-])", mention, text)
    embed = discord.Embed(
        title=escaped(card.title)[:MAX_TITLE],
        description=f"{text[:MAX_DESCRIPTION]}\n{card.link}".strip() or None,
        colour=COLOUR,
    )
    for label, value in card.facts[:MAX_FIELDS]:
        name = escaped(label)[:MAX_NAME] or "\u200b"
        embed.add_field(name=name, value=readable(value)[:MAX_VALUE] or "\u200b")
    return embed


def card_embeds(card: Card, mentions: Mapping[str, str] | None = None) -> list[discord.Embed]:
    """A card as embeds: itself, or the entries of its list, below what it says of them."""
    if not card.parts:
        embed = card_embed(card, mentions)
        return [embed.set_image(url=f"attachment://{CHART}")] if card.picture else [embed]
    embeds = [card_embed(part) for part in card.parts]
    for n, (embed, part) in enumerate(zip(embeds, card.parts, strict=True)):
        if part.picture:
            embed.set_thumbnail(url=f"attachment://{thumbnail_name(n)}")
    return [card_embed(card, mentions), *embeds] if card.text else embeds


def card_files(card: Card) -> dict[str, bytes]:
    """The files that go with a card, by name: what its embeds show, and its document."""
    looks = {thumbnail_name(n): part.picture for n, part in enumerate(card.parts) if part.picture}
    document = {card.document.name: card.document.content} if card.document else {}
    return looks | ({CHART: card.picture} if card.picture else {}) | document


def thumbnail_name(number: int) -> str:
    return f"look-{number}.jpg"
