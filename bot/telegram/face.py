"""Who writes, from where, in which language; and how they are answered. Shared by all handlers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from telegram import Chat, ChatMember, LinkPreviewOptions, Message, ReplyParameters, Update, User
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.commands.owners import is_owner
from bot.commands.server import Nsfw, ServerSettings, server_settings
from bot.imagine.service import Asker
from bot.messages import Message as Told
from bot.messages import Translator, UserError, best_language, say, translator
from bot.telegram import html
from bot.telegram.delivery import PLATFORM
from storage.settings import Scope

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from telegram import InlineKeyboardMarkup
    from telegram.ext import ExtBot

    from bot.commands.general import Card
    from bot.imagine.service import Service
    from bot.telegram.delivery import Courier
    from storage.records import Member

log = structlog.get_logger(__name__)


REFUSAL_UNITS = 1000
"""A refusal repeats what was typed; a message takes only so much."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent an update, and the chat it came from."""

    asker: Asker
    member: Member
    t: Translator
    rules: ServerSettings
    chat: Chat
    thread_id: int | None
    message: Message | None
    """What they wrote; None where they pressed a button."""
    message_id: int | None
    """Theirs, or the one under which they pressed."""
    update_id: int

    @property
    def is_private(self) -> bool:
        return self.chat.type == Chat.PRIVATE

    @property
    def key(self) -> str:
        """What makes a redelivery of this update the same request."""
        return f"{self.chat.id}:{self.update_id}"

    def address(self, *, private: bool = False) -> dict[str, object]:
        """Where to show what this update asks for; `private` things go to the asker's own chat."""
        shared = {"language": self.t.language, "preview": self.rules.preview}
        here = {"chat": self.chat.id, "thread": self.thread_id, "reply_to": self.message_id}
        if private and not self.is_private:
            return {"chat": int(self.asker.user_id), "asked_at": here, **shared}
        return {**here, **shared}


class Face:
    """What every handler needs: the service, the bot, the courier, and a way to answer."""

    def __init__(self, service: Service, bot: ExtBot[Any], courier: Courier) -> None:
        self.service = service
        self.bot = bot
        self.courier = courier
        self._tasks: set[asyncio.Task[None]] = set()

    async def caller(self, update: Update) -> Caller:
        """Who sent this. Raises UserError while the store is down."""
        message, user = update.effective_message, update.effective_user
        chat = update.effective_chat
        assert chat is not None
        server = None if chat.type == Chat.PRIVATE else str(chat.id)
        rules = await server_settings(self.service, PLATFORM, server)
        written = update.message  # a button is pressed on a message of ours
        asker = Asker(
            platform=PLATFORM,
            user_id=str(_identity(written, user)),
            locale=rules.language or (user.language_code if user else None),
            server_id=server,
            adult=server is None or rules.nsfw is Nsfw.ALLOW,
        )
        member = await self.service.member(asker)
        return Caller(
            asker=asker,
            member=member,
            t=translator(self.service.language_of(member, asker)),
            rules=rules,
            chat=chat,
            thread_id=message.message_thread_id
            if isinstance(message, Message) and message.is_topic_message
            else None,
            message=written,
            message_id=message.message_id if message else None,
            update_id=update.update_id,
        )

    def own(self, work: Coroutine[None, None, None]) -> None:
        """Do something beside the handling of updates; it is cancelled when the bot stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def settled(self) -> None:
        """Wait until every answer is given."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def answer(
        self, caller: Caller, text: str, keyboard: InlineKeyboardMarkup | None = None
    ) -> Message | None:
        """Reply with HTML `text`. What Telegram does not take now is let go: it is not a picture."""
        reply = (
            ReplyParameters(caller.message_id, allow_sending_without_reply=True)
            if caller.message_id
            else None
        )
        try:
            return await self.bot.send_message(
                caller.chat.id,
                text,
                parse_mode=ParseMode.HTML,
                reply_markup=keyboard,
                reply_parameters=None if caller.is_private else reply,
                message_thread_id=caller.thread_id,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            )
        except TelegramError as error:
            log.warning("telegram.answer_lost", why=type(error).__name__)
            return None

    async def card(self, caller: Caller, card: Card, keyboard: InlineKeyboardMarkup | None = None) -> None:
        await self.answer(caller, html.card(card), keyboard)

    def refuse(self, caller: Caller, error: UserError) -> None:
        """Tell why not, without keeping the update waiting for it."""
        self.own(self._refuse(caller, error))

    async def _refuse(self, caller: Caller, error: UserError) -> None:
        await self.answer(caller, html.escape(html.clip(caller.t(error.message), REFUSAL_UNITS)))

    async def apologise(self, update: object, message: Told) -> None:
        """Tell whoever sent `update` that it went wrong, even while nothing is known of them."""
        chat = update.effective_chat if isinstance(update, Update) else None
        user = update.effective_user if isinstance(update, Update) else None
        if chat is None:
            return
        t = translator(best_language(user.language_code if user else None, self.service.config.language))
        try:
            await self.bot.send_message(chat.id, html.escape(t(message)), parse_mode=ParseMode.HTML)
        except TelegramError as error:
            log.warning("telegram.answer_lost", why=type(error).__name__)

    async def is_admin(self, caller: Caller) -> bool:
        """Whether the caller may act for others here: an owner of the bot, or an admin of the group."""
        if is_owner(self.service.config, caller.asker):
            return True
        if caller.is_private:
            return False
        if caller.asker.user_id == str(caller.chat.id):
            return True  # an anonymous admin writes as the group itself
        try:
            member = await self.bot.get_chat_member(caller.chat.id, int(caller.asker.user_id))
        except TelegramError:
            return False
        return member.status in (ChatMember.ADMINISTRATOR, ChatMember.OWNER)

    async def require_admin(self, caller: Caller) -> None:
        if caller.is_private:
            raise UserError(say("error-server-only"))
        if not await self.is_admin(caller):
            raise UserError(say("error-admin"))

    async def group_moved(self, old: int, new: int) -> None:
        """A group became a supergroup: its settings go with it."""
        old_scope, new_scope = Scope.server(PLATFORM, str(old)), Scope.server(PLATFORM, str(new))
        for key, value in (await self.service.store.settings.of(old_scope)).items():
            await self.service.store.settings.set(
                new_scope, key, value, by="telegram", why=f"migrated from {old}"
            )

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("telegram.task_died", exc_info=error)


def _identity(message: Message | None, user: User | None) -> int:
    """Who counts as the author: a channel or an anonymous admin writes as a chat, not as a user."""
    if message is not None and message.sender_chat is not None:
        return message.sender_chat.id
    assert user is not None
    return user.id
