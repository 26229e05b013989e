"""Turns an update into a caller: who sent it, and where."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from telegram import Chat, ChatMember, Message, Update, User
from telegram.error import TelegramError

from bot.faces.caller import Origin, caller_of
from bot.telegram.address import Address

if TYPE_CHECKING:
    from telegram.ext import ExtBot

    from bot.faces.caller import Caller
    from bot.imagine.service import Service
    from bot.messages import Translator

log = structlog.get_logger(__name__)

PLATFORM = "telegram"
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
        now_s = time.time()
        here = Address(self.chat.id, self.thread_id, self.message_id, preview=preview, since_s=now_s)
        if private and not self.is_private:
            own = int(self.caller.asker.user_id)
            return Address(own, preview=preview, asked_at=here, since_s=now_s).to_json()
        return here.to_json()


class Admins:
    """Who are admins of which groups."""

    def __init__(self, bot: ExtBot[Any]) -> None:
        self._bot = bot
        self._until_s: dict[tuple[int, str], float] = {}

    async def include(self, chat_id: int, user_id: str) -> bool:
        """Whether somebody is an admin of a group; who is one is believed to be for a minute."""
        if user_id == str(chat_id):
            return True  # an anonymous admin writes as the group itself
        now_s = time.monotonic()
        self._until_s = {key: until_s for key, until_s in self._until_s.items() if until_s > now_s}
        if (chat_id, user_id) in self._until_s:
            return True
        admin = await self._ask(chat_id, int(user_id))
        if admin:
            self._until_s[chat_id, user_id] = now_s + ADMINS_FOR_S
        return admin

    async def _ask(self, chat_id: int, user_id: int) -> bool:
        """A group that hides its members tells only who its admins are."""
        try:
            member = await self._bot.get_chat_member(chat_id, user_id)
            return member.status in (ChatMember.ADMINISTRATOR, ChatMember.OWNER)
        except TelegramError as error:
            log.info("telegram.member_hidden", why=type(error).__name__)
        try:
            return user_id in {admin.user.id for admin in await self._bot.get_chat_administrators(chat_id)}
        except TelegramError:
            return False


async def asked(service: Service, admins: Admins, update: Update) -> Asked:
    """Who sent this. Raises `UserError`: the store is down."""
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
        manages=lambda: admins.include(chat.id, user_id),
    )
    caller = await caller_of(service, origin)
    return Asked(caller, chat, thread_id, written, message.message_id if message else None)


def _identity(message: Message | None, user: User | None) -> int:
    """Who counts as the author: a channel or an anonymous admin writes as a chat, not as a user."""
    if message is not None and message.sender_chat is not None:
        return message.sender_chat.id
    assert user is not None
    return user.id
