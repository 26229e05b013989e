"""Who writes, from where, in which language; and how they are answered. Shared by all handlers."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from telegram import Chat, ChatMember, Message, Update, User
from telegram.error import ChatMigrated, TelegramError

from bot.faces.caller import Origin, caller_of
from bot.faces.delivery import Delivery
from bot.faces.screen import Unreachable
from bot.faces.tasks import Tasks
from bot.messages import Message as Told
from bot.messages import UserError, best_language, translator
from bot.telegram import html, keyboards
from bot.telegram.address import Address, reply_to
from bot.telegram.albums import Albums
from bot.telegram.calls import MessageGone, Refused, surely
from bot.telegram.screen import TelegramScreen
from storage.settings import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import InlineKeyboardMarkup
    from telegram.ext import ExtBot

    from bot.faces.caller import Caller
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.render import Card
    from bot.telegram.pace import RateLimiter

log = structlog.get_logger(__name__)

PLATFORM = "telegram"
REFUSAL_UNITS = 1000
"""A refusal repeats what was typed; a message takes only so much."""
ADMINS_FOR_S = 60.0
"""How long somebody who is an admin is taken for one without asking again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An update that asks for something: who sent it, and where in which chat."""

    caller: Caller
    chat: Chat
    thread_id: int | None
    message: Message | None
    """What they wrote; None where they pressed a button."""
    message_id: int | None
    """Theirs, or the one under which they pressed."""

    @property
    def t(self) -> Translator:
        return self.caller.t

    @property
    def is_private(self) -> bool:
        return self.chat.type == Chat.PRIVATE

    def address(self, *, private: bool = False) -> dict[str, object]:
        """Where to show what this update asks for; `private` things go to the asker's own chat."""
        preview = self.caller.rules.preview
        here = Address(self.chat.id, self.thread_id, self.message_id, preview=preview)
        if private and not self.is_private:
            own = int(self.caller.asker.user_id)
            return Address(own, preview=preview, asked_at=here).to_json()
        return here.to_json()


class Face:
    """What every handler needs: the service, the bot, the delivery, and a way to answer."""

    def __init__(self, service: Service, bot: ExtBot[Any], limiter: RateLimiter) -> None:
        self.service = service
        self.bot = bot
        self.albums = Albums()
        self.delivery = Delivery(
            service,
            PLATFORM,
            lambda live, t: TelegramScreen(service, bot, limiter, self.albums, live, t),
        )
        self.tasks = Tasks(PLATFORM)
        self._retry_s = limiter.pace.retry_s
        self._admins: dict[tuple[int, str], float] = {}

    async def asked(self, update: Update) -> Asked:
        """Who sent this. Raises UserError while the store is down."""
        message, user, chat = update.effective_message, update.effective_user, update.effective_chat
        assert chat is not None
        private = chat.type == Chat.PRIVATE
        written = update.message  # a button is pressed on a message of ours
        user_id = str(_identity(written, user))
        topic = isinstance(message, Message) and message.is_topic_message
        thread_id = message.message_thread_id if isinstance(message, Message) and topic else None
        origin = Origin(
            platform=PLATFORM,
            user_id=user_id,
            event=f"{chat.id}:{update.update_id}",
            locale=user.language_code if user else None,
            server_id=None if private else str(chat.id),
            channel_id=None if private else str(thread_id or chat.id),
            alone=private,
            manages=lambda: self._is_admin(chat.id, user_id),
        )
        caller = await caller_of(self.service, origin)
        return Asked(caller, chat, thread_id, written, message.message_id if message else None)

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
            lambda: self.bot.send_message(
                asked.chat.id,
                text,
                reply_markup=keyboard,
                reply_parameters=reply,
                message_thread_id=asked.thread_id,
            )
        )

    async def card(self, asked: Asked, card: Card) -> None:
        """Reply with a card, its buttons and its picture."""
        await self.answer(asked, html.card(card), keyboards.of_card(card))
        if (picture := card.picture) is not None:
            await self.send(
                lambda: self.bot.send_photo(
                    asked.chat.id,
                    io.BytesIO(picture),
                    message_thread_id=asked.thread_id,
                    filename="chart.png",
                )
            )

    async def send(self, call: Callable[[], Awaitable[object]]) -> None:
        """Make a call that shows something; only where Telegram will never take it, it is let go."""
        try:
            await surely(call, self._retry_s)
        except (Unreachable, MessageGone, Refused, ChatMigrated) as error:
            log.warning("telegram.answer_lost", why=str(error))

    def refuse(self, asked: Asked, error: UserError) -> None:
        """Tell why not, without keeping the update waiting for it."""
        text = html.escape(html.clip(asked.t(error.message), REFUSAL_UNITS))
        self.tasks.start(self.answer(asked, text))

    async def apologise(self, update: object, message: Told) -> None:
        """Tell whoever sent `update` that it went wrong, even while nothing is known of them."""
        chat = update.effective_chat if isinstance(update, Update) else None
        user = update.effective_user if isinstance(update, Update) else None
        if chat is None:
            return
        t = translator(best_language(user.language_code if user else None, self.service.config.language))
        await self.send(lambda: self.bot.send_message(chat.id, html.escape(t(message))))

    # groups

    async def _is_admin(self, chat_id: int, user_id: str) -> bool:
        """Whether somebody is an admin of a group; who is one is believed to be for a minute."""
        if user_id == str(chat_id):
            return True  # an anonymous admin writes as the group itself
        now_s = time.monotonic()
        self._admins = {key: until_s for key, until_s in self._admins.items() if until_s > now_s}
        if (chat_id, user_id) in self._admins:
            return True
        admin = await self._ask_admin(chat_id, int(user_id))
        if admin:
            self._admins[chat_id, user_id] = now_s + ADMINS_FOR_S
        return admin

    async def _ask_admin(self, chat_id: int, user_id: int) -> bool:
        """A group that hides its members tells only who its admins are."""
        try:
            member = await self.bot.get_chat_member(chat_id, user_id)
            return member.status in (ChatMember.ADMINISTRATOR, ChatMember.OWNER)
        except TelegramError as error:
            log.info("telegram.member_hidden", why=type(error).__name__)
        try:
            return user_id in {admin.user.id for admin in await self.bot.get_chat_administrators(chat_id)}
        except TelegramError:
            return False

    async def group_moved(self, old: int, new: int) -> None:
        """A group became a supergroup: its settings go with it."""
        old_scope, new_scope = Scope.server(PLATFORM, str(old)), Scope.server(PLATFORM, str(new))
        for key, value in (await self.service.store.settings.of(old_scope)).items():
            await self.service.store.settings.set(
                new_scope, key, value, by="telegram", why=f"migrated from {old}"
            )


def _identity(message: Message | None, user: User | None) -> int:
    """Who counts as the author: a channel or an anonymous admin writes as a chat, not as a user."""
    if message is not None and message.sender_chat is not None:
        return message.sender_chat.id
    assert user is not None
    return user.id
