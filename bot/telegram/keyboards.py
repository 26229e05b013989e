"""Inline keyboards. A button holds its action and an id, at most 64 bytes, so it outlives the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.commands.buttons import Action, button_id, offered, pressed
from bot.commands.members import AUTO, LANGUAGE_NAMES
from bot.telegram.address import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telegram import Message

    from bot.commands.buttons import Press
    from bot.commands.members import Page
    from bot.imagine.events import Done
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator

LINK, FORGET, LANGUAGE, HISTORY, SETTING, MENU = "link", "forget", "lang", "hist", "set", "menu"
"""First parts of the data of buttons that are not about one picture; the rest follows a colon."""

MAX_DATA_BYTES = 64


def button(text: str, data: str) -> InlineKeyboardButton:
    assert len(data.encode()) <= MAX_DATA_BYTES, data
    return InlineKeyboardButton(text, callback_data=data)


def cancelling(live: LiveRequest, t: Translator) -> InlineKeyboardMarkup:
    """Below the status of a request on its way."""
    data = button_id(Action.CANCEL, live.request_id)
    return InlineKeyboardMarkup([[button(f"✖️ {t('button-cancel')}", data)]])


def finished(live: LiveRequest, done: Done, service: Service, t: Translator) -> InlineKeyboardMarkup:
    """Below a result: what can be done with it, and its lossless files."""
    labels = {
        Action.AGAIN: f"🔁 {t('button-again')}",
        Action.VARY: f"✏️ {t('button-vary')}",
        Action.LARGER: f"⤢ {t('button-larger')}",
        Action.DETAILS: f"ℹ️ {t('button-details')}",
        Action.DELETE: f"🗑 {t('button-delete')}",
    }
    data = {action: button_id(action, live.request_id) for action in labels}
    data[Action.DELETE] += _album_suffix(live)
    row = {
        action: button(labels[action], data[action]) for action in offered(live, service) if action in labels
    }
    above = [row[action] for action in (Action.AGAIN, Action.VARY, Action.LARGER) if action in row]
    below = [row[action] for action in (Action.DETAILS, Action.DELETE) if action in row]
    one = len(done.pictures) == 1
    files = [
        button(f"📄 {t('telegram-file')}" if one else f"📄 {n}", button_id(Action.SINGLE, picture.job_id))
        for n, picture in enumerate(done.pictures, 1)
    ]
    rows = [above, [*files, *below]] if one else [above, files, below]
    return InlineKeyboardMarkup([r for r in rows if r])


def read(data: str) -> tuple[Press | None, list[int]]:
    """What a button under a picture does, and the messages of the album it belongs to."""
    what, _, album = data.partition("@")
    first, *offsets = (int(number) for number in album.split("+")) if album else (0,)
    return pressed(what), [first, *(first + offset for offset in offsets)] if album else []


def request_of(message: Message | None) -> str | None:
    """The request a message of ours belongs to, read off its buttons."""
    presses = (read(data)[0] for data in _data(message))
    return next((press.request_id for press in presses if press), None)


def menu_data(message: Message | None) -> str | None:
    """What a menu of ours stands at, read off its buttons."""
    return next((data for data in _data(message) if data.startswith(f"{MENU}:")), None)


def yes_no(first: str, target: str, yes: str, no: str) -> InlineKeyboardMarkup:
    """A question with two answers."""
    return InlineKeyboardMarkup([[button(yes, f"{first}:y:{target}"), button(no, f"{first}:n:{target}")]])


def languages(t: Translator) -> InlineKeyboardMarkup:
    """The languages there are, each by its own name."""
    named = [button(name, f"{LANGUAGE}:{language}") for language, name in LANGUAGE_NAMES.items()]
    return InlineKeyboardMarkup([named, [button(t("language-auto"), f"{LANGUAGE}:{AUTO}")]])


def history(page: Page, t: Translator) -> InlineKeyboardMarkup | None:
    """A file button for each entry that is still kept, and the way to older ones."""
    files = [
        button(f"🖼 {n}", button_id(Action.FETCH if entry.waiting else Action.SINGLE, target))
        for n, entry in enumerate(page.entries, 1)
        for target in ([entry.request_id] if entry.waiting else entry.job_ids[:1])
    ]
    more = [button(f"{t('history-more')} ›", f"{HISTORY}:{page.after}")] if page.after else []
    rows = [row for row in (files, more) if row]
    return InlineKeyboardMarkup(rows) if rows else None


def _album_suffix(live: LiveRequest) -> str:
    """An album has no buttons; the one below it that deletes names its messages."""
    album = Place.of(live).album
    if not album:
        return ""
    first, *rest = album
    return "+".join([f"@{first}", *(str(message - first) for message in rest)])


def _data(message: Message | None) -> Iterable[str]:
    markup = message.reply_markup if message else None
    for row in markup.inline_keyboard if markup else ():
        for shown in row:
            if isinstance(shown.callback_data, str):
                yield shown.callback_data
