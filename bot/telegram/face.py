"""What every handler of updates shares: the service, the delivery, and how people are answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from telegram import Update
from telegram.error import ChatMigrated

from bot.commands import allowance
from bot.faces.delivery import Delivery
from bot.faces.screen import Unreachable
from bot.imagine.picture import contact_sheet
from bot.messages import Message as Told
from bot.messages import UserError, best_language, translator
from bot.render import Card
from bot.tasks import Tasks
from bot.telegram import html, keyboards
from bot.telegram.address import reply_to
from bot.telegram.albums import Albums
from bot.telegram.caller import PLATFORM, Admins, Asked, asked
from bot.telegram.calls import MessageGone, Refused, surely
from bot.telegram.screen import TelegramScreen
from storage.settings import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import CallbackQuery, InlineKeyboardMarkup
    from telegram.ext import ExtBot

    from bot.imagine.service import Service
    from bot.telegram.pace import RateLimiter

log = structlog.get_logger(__name__)

REFUSAL_UNITS = 1000
"""A refusal repeats what was typed; a message takes only so much."""

TOAST_CHARS = 200
"""The most that fits into the answer to a press."""
TOAST_S = 15.0
"""How long that answer is of use."""


class Face:
    """What every handler needs: the service, the bot, the delivery, and a way to answer."""

    def __init__(self, service: Service, bot: ExtBot[Any], limiter: RateLimiter) -> None:
        self.service = service
        self.bot = bot
        self.albums = Albums()
        self.pressers: dict[str, str] = {}
        """Who pressed the button that a request came from, as a mention: in a group, a reply names nobody."""
        self.delivery = Delivery(
            service,
            PLATFORM,
            lambda live, t: TelegramScreen(service, bot, limiter, self.albums, live, t, self.pressers),
        )
        self.tasks = Tasks(PLATFORM)
        self.retry_s = limiter.pace.retry_s
        self.admins = Admins(bot)

    async def asked(self, update: Update) -> Asked:
        """Who sent this. Raises UserError while the store is down."""
        return await asked(self.service, self.admins, update)

    async def settled(self) -> None:
        """Wait until every answer is given and every request delivered."""
        await self.tasks.settled()
        await self.delivery.settled()

    async def close(self) -> None:
        """Let go of everything; requests on their way are told that they are kept."""
        await self.delivery.close()
        await self.tasks.close()

    # answering

    async def answer(self, asked: Asked, text: str, keyboard: InlineKeyboardMarkup | None = None) -> None:
        """Reply with HTML `text`. Flood control and a missing network are waited out."""
        quoted = None if asked.is_private else asked.message_id
        reply = reply_to(quoted) if quoted is not None else None
        await self.send(
            asked.chat.id,
            lambda chat: self.bot.send_message(
                chat,
                text,
                reply_markup=keyboard,
                reply_parameters=reply,
                message_thread_id=asked.thread_id,
            ),
        )

    async def card(self, asked: Asked, card: Card) -> None:
        """Reply with a card, its buttons and its picture; how the entries of a list look comes first.

        A picture to choose from has the buttons below it.
        """
        if card.picture is not None and card.buttons:
            await self._photo(asked, card.picture, "picture.jpg", html.card(card), keyboards.of_card(card))
            return
        looks = [part.picture for part in card.parts]
        if any(looks):
            await self._photo(asked, await asyncio.to_thread(contact_sheet, looks), "history.jpg")
        await self.answer(asked, html.card(card), keyboards.of_card(card))
        if card.picture is not None:
            await self._photo(asked, card.picture, "chart.png")
        if (document := card.document) is not None:
            await self.send(
                asked.chat.id,
                lambda chat: self.bot.send_document(
                    chat, document.content, message_thread_id=asked.thread_id, filename=document.name
                ),
            )

    async def _photo(
        self,
        asked: Asked,
        content: bytes,
        name: str,
        caption: str | None = None,
        keyboard: InlineKeyboardMarkup | None = None,
    ) -> None:
        await self.send(
            asked.chat.id,
            lambda chat: self.bot.send_photo(
                chat,
                content,
                caption,
                reply_markup=keyboard,
                message_thread_id=asked.thread_id,
                filename=name,
            ),
        )

    async def send(self, chat_id: int, call: Callable[[int], Awaitable[object]]) -> None:
        """Show something in a chat, or in what it has become meanwhile; only where Telegram will never take
        it, it is let go.
        """
        try:
            await surely(lambda: call(chat_id), self.retry_s)
        except ChatMigrated as error:
            await self.send(error.new_chat_id, call)
        except (Unreachable, MessageGone, Refused) as error:
            log.warning("telegram.answer_lost", why=str(error))

    def refuse(self, asked: Asked, error: UserError, *, to: str = "") -> None:
        """Tell why not and what can be done about it, without keeping the update waiting for it. `to` is a
        mention, where the answer stands below a message that is somebody else's.
        """
        text = html.escape(html.clip(asked.t(error.message), REFUSAL_UNITS))
        ways = Card("", buttons=allowance.ways_on(error, self.service.config, asked.caller))
        self.tasks.start(self.answer(asked, f"{to} {text}" if to else text, keyboards.of_card(ways)))

    async def toast(self, query: CallbackQuery, text: str | None = None, *, alert: bool = False) -> None:
        """Stop a button's spinner, through flood control and a missing network; too late an answer is
        nobody's trouble.
        """
        try:
            async with asyncio.timeout(TOAST_S):
                await surely(
                    lambda: query.answer(text and text[:TOAST_CHARS], show_alert=alert), self.retry_s
                )
        except (Refused, Unreachable, TimeoutError) as error:
            log.info("telegram.press_unanswered", why=type(error).__name__)

    async def apologise(self, update: object, message: Told) -> None:
        """Tell whoever sent `update` that it went wrong, even while nothing is known of them."""
        chat = update.effective_chat if isinstance(update, Update) else None
        user = update.effective_user if isinstance(update, Update) else None
        if chat is None:
            return
        t = translator(best_language(user.language_code if user else None, self.service.config.language))
        if isinstance(update, Update) and update.callback_query is not None:
            await self.toast(update.callback_query, t(message), alert=True)
        else:
            await self.send(chat.id, lambda chat_id: self.bot.send_message(chat_id, html.escape(t(message))))

    # groups

    async def group_moved(self, old: int, new: int) -> None:
        """A group became a supergroup: its settings go with it."""
        old_scope, new_scope = Scope.server(PLATFORM, str(old)), Scope.server(PLATFORM, str(new))
        for key, value in (await self.service.store.settings.of(old_scope)).items():
            await self.service.store.settings.set(
                new_scope, key, value, by="telegram", why=f"migrated from {old}"
            )
