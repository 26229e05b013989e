"""The small menu of `/imagine` alone: size, quality, images, model and style before anything is drawn.

What is chosen stands in the menu's own buttons, so a reply to a menu means the same after a restart. In a
private chat what is asked for next counts as the reply too, as long as this process remembers the menu.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from telegram import InlineKeyboardMarkup

from bot.config.section import Language
from bot.imagine.options import MAX_IMAGES
from bot.telegram import html
from bot.telegram.keyboards import CHOSEN, MAX_DATA_BYTES, MENU, button

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telegram import CallbackQuery, InlineKeyboardButton

    from bot.imagine.options import Options
    from bot.messages import Translator
    from bot.telegram.caller import Asked
    from bot.telegram.face import Face

SIZES = ("square", "portrait", "landscape", "tall", "wide")
MAX_OPEN = 10_000


@dataclass(frozen=True, slots=True)
class Choice:
    """What a menu stands at; empty means the default."""

    size: str = ""
    quality: str = ""
    images: str = ""
    model: str = ""
    style: str = ""

    @property
    def data(self) -> str:
        """The choice as the data of a button."""
        return ":".join((MENU, self.size, self.quality, self.images, self.model, self.style))

    @staticmethod
    def read(data: str) -> Choice:
        parts = data.split(":", 5)[1:]
        if len(parts) == 4:  # a menu from before there were models
            parts.insert(3, "")
        return Choice(*parts) if len(parts) == 5 else Choice()


class Menus:
    """Opens menus, moves them on, and reads what they stand at."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._open: dict[int, Choice] = {}

    async def open(self, asked: Asked) -> None:
        choice = Choice()
        await self._face.answer(asked, html.escape(asked.t("telegram-menu")), self._keyboard(choice, asked.t))
        self._remember(asked, choice)

    async def press(self, asked: Asked, query: CallbackQuery) -> None:
        """One choice: the same menu, with another mark. The press itself is the caller's to answer."""
        choice = Choice.read(query.data or "")
        self._remember(asked, choice)
        text, keyboard = html.escape(asked.t("telegram-menu")), self._keyboard(choice, asked.t)
        message = query.message
        if message is None or getattr(message, "reply_markup", None) == keyboard:
            return
        await self._face.send(
            asked.chat.id,
            lambda chat: self._face.bot.edit_message_text(
                text, chat, message.message_id, reply_markup=keyboard
            ),
        )

    def take_up(self, asked: Asked, options: Options, data: str | None) -> Options:
        """What was typed in reply to a menu that holds `data`, or next in a private chat, where a menu counts
        once. Options in the text win over the menu's.
        """
        opened = self._open.pop(asked.chat.id, Choice())
        return _merged(Choice.read(data) if data else opened, options)

    def _remember(self, asked: Asked, choice: Choice) -> None:
        if asked.is_private:
            self._open[asked.chat.id] = choice
            while len(self._open) > MAX_OPEN:
                del self._open[next(iter(self._open))]

    def _keyboard(self, choice: Choice, t: Translator) -> InlineKeyboardMarkup:
        models, styles = self._face.service.models, self._face.service.config.styles
        model = models.named(choice.model).capabilities
        sizes = [(size, t(f"size-{size}")) for size in SIZES if size in model.sizes]
        qualities = [(quality, t(f"quality-{quality}")) for quality in model.steps]
        images = [(str(n), f"{n} 🖼") for n in range(1, MAX_IMAGES + 1)]
        language = Language(t.language)
        named = [(name, style.names.get(language, name)) for name, style in styles.items()]
        rows = [
            self._row(choice, "size", sizes, "square"),
            self._row(choice, "quality", qualities, "standard"),
            self._row(choice, "images", images, "1"),
        ]
        if len(models.names) > 1:
            buttons = self._row(choice, "model", [(name, name) for name in models.names], models.default.name)
            rows += [buttons[at : at + 3] for at in range(0, len(buttons), 3)]
        buttons = self._row(choice, "style", named, None)
        rows += [buttons[at : at + 3] for at in range(0, len(buttons), 3)]
        return InlineKeyboardMarkup([row for row in rows if row])

    def _row(
        self, choice: Choice, field: str, values: Sequence[tuple[str, str]], default: str | None
    ) -> list[InlineKeyboardButton]:
        """A button a value; the chosen style is taken back by pressing it again."""
        row = []
        for value, label in values:
            chosen = (getattr(choice, field) or default) == value
            wanted = "" if chosen and default is None else value
            data = replace(choice, **{field: wanted}).data
            if len(data.encode()) <= MAX_DATA_BYTES:
                row.append(button(f"{CHOSEN}{label}" if chosen else label, data))
        return row


def _merged(choice: Choice, options: Options) -> Options:
    return replace(
        options,
        size=options.size or choice.size or None,
        quality=options.quality or choice.quality or None,
        images=options.images or choice.images or None,
        model=options.model or choice.model or None,
        style=options.style or choice.style or None,
    )
