"""Inline keyboards. A button holds its action and an id, at most 64 bytes, so it outlives the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.commands.button_ids import Action, button_id, pressed
from bot.commands.buttons import offered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telegram import Message

    from bot.commands.button_ids import Press
    from bot.commands.buttons import Offer, Rows
    from bot.imagine.events import Done
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.render import Card

MENU = "menu"
"""First part of the data of a menu's buttons; the rest follows a colon."""

COMMAND = "command"
"""What the data of a button begins with that stands for a command."""

MORE, LESS = "more", "less"
"""What the data of the buttons begins with that show and hide the rest of a result's buttons."""

FIRST = frozenset({Action.AGAIN, Action.VARY, Action.LARGER, Action.SINGLE, Action.DETAILS, Action.DELETE})
"""What stands below a picture from the start."""

MAX_DATA_BYTES = 64
SIGNS = {
    Action.AGAIN: "🔁",
    Action.VARY: "✏️",
    Action.LARGER: "⤢",
    Action.REDRAW: "🖼",
    Action.SUBTLE: "≈",
    Action.STRONG: "🎲",
    Action.AREA: "▦",
    Action.WIDER: "🔭",
    Action.SINGLE: "📄",
    Action.DETAILS: "ℹ️",
    Action.DELETE: "🗑",
    Action.CANCEL: "✖️",
}
CHOSEN = "● "
"""Before what a menu stands at."""


def button(text: str, data: str) -> InlineKeyboardButton:
    assert len(data.encode()) <= MAX_DATA_BYTES, data
    return InlineKeyboardButton(text, callback_data=data)


def hello(t: Translator) -> InlineKeyboardMarkup:
    """Below the hello: choose before asking, what one has left, and all that can be asked."""
    shown = {
        f"{MENU}::::": "telegram-hello-menu",
        f"{COMMAND}:quota": "quota-title",
        f"{COMMAND}:help": "telegram-hello-help",
    }
    return InlineKeyboardMarkup([[button(t(label), data)] for data, label in shown.items()])


def cancelling(live: LiveRequest, t: Translator) -> InlineKeyboardMarkup:
    """Below the status of a request on its way."""
    data = button_id(Action.CANCEL, live.request_id)
    return InlineKeyboardMarkup([[button(f"{SIGNS[Action.CANCEL]} {t('button-cancel')}", data)]])


def finished(
    live: LiveRequest, done: Done, service: Service, t: Translator, album: Sequence[int] = ()
) -> InlineKeyboardMarkup:
    """Below a result: what can be done with it, and its lossless files."""
    return of_result(offered(live, done, service), live.request_id, t, album=album)


def of_result(
    rows: Rows, request_id: str, t: Translator, *, album: Sequence[int] = (), more: bool = False
) -> InlineKeyboardMarkup:
    """What is asked for most, in two rows; `more`, the rest of it. Several pictures have all in one place."""

    def shown(offer: Offer) -> InlineKeyboardButton:
        suffix = _album_suffix(album) if offer.action is Action.DELETE else ""
        return button(f"{SIGNS[offer.action]} {offer.label(t)}", offer.id + suffix)

    rest = [shown(offer) for row in rows for offer in row if offer.action not in FIRST]
    if any(offer.number for row in rows for offer in row) or not rest:
        return InlineKeyboardMarkup([[shown(offer) for offer in row] for row in rows])
    if more:
        rest.append(button(t("telegram-less"), f"{LESS}:{request_id}"))
        return InlineKeyboardMarkup([rest[at : at + 2] for at in range(0, len(rest), 2)])
    kept = [[shown(offer) for offer in row if offer.action in FIRST] for row in rows]
    kept = [row for row in kept if row]
    kept[-1].append(button(t("telegram-more"), f"{MORE}:{request_id}"))
    return InlineKeyboardMarkup(kept)


def read(data: str) -> tuple[Press | None, list[int]]:
    """What a button under a picture does, and the messages of the album it belongs to."""
    what, _, album = data.partition("@")
    first, *offsets = (int(number) for number in album.split("+")) if album else (0,)
    return pressed(what), [first, *(first + offset for offset in offsets)] if album else []


def request_of(message: Message | None) -> str | None:
    """The request a message of ours belongs to, read off its buttons."""
    presses = (read(data)[0] for _, data in _labelled(message))
    return next((press.request_id for press in presses if press), None)


def menu_data(message: Message | None) -> str | None:
    """What a menu of ours stands at, read off a button that is marked as chosen.

    Each such button holds the whole choice; only that of a style would take the style back, and styles
    come last.
    """
    chosen = (data for text, data in _labelled(message) if text.startswith(CHOSEN))
    return next((data for data in chosen if data.startswith(f"{MENU}:")), None)


def of_card(card: Card) -> InlineKeyboardMarkup | None:
    """The buttons of a card: those of its parts in rows of four, then its own, one or two to a row."""
    parts = [button(shown.label, shown.id) for part in card.parts for shown in part.buttons]
    own = [button(shown.label, shown.id) for shown in card.buttons]
    across = 2 if all(len(shown.label) <= 12 for shown in card.buttons) else 1
    rows = [parts[at : at + 4] for at in range(0, len(parts), 4)]
    rows += [own[at : at + across] for at in range(0, len(own), across)]
    return InlineKeyboardMarkup(rows) if rows else None


def _album_suffix(album: Sequence[int]) -> str:
    """An album has no buttons; the one below it that deletes names its messages."""
    if not album:
        return ""
    first, *rest = album
    return "+".join([f"@{first}", *(str(message - first) for message in rest)])


def _labelled(message: Message | None) -> Iterable[tuple[str, str]]:
    """Texts and data of the buttons below a message."""
    markup = message.reply_markup if message else None
    for row in markup.inline_keyboard if markup else ():
        for shown in row:
            if isinstance(shown.callback_data, str):
                yield shown.text, shown.callback_data
