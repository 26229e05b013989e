"""Turns an update into a caller: who sent it, and where."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from telegram import Chat, ChatMember, Message, Update
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
CHANNELS_FOR_S = 600.0
"""How long it is remembered whose a channel is."""


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
    nobody: bool = False
    """They write as a channel, and whose that is cannot be told."""

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
    """Remembers who the admins of each group are."""

    def __init__(self, bot: ExtBot[Any]) -> None:
        self._bot = bot
        self._until_s: dict[tuple[int, str], float] = {}
        self._channels: dict[int, tuple[float, int | None]] = {}

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

    async def owner_of(self, channel_id: int) -> int | None:
        """Whose channel this is, where the bot is in it and may know; believed for ten minutes."""
        now_s = time.monotonic()
        self._channels = {id_: known for id_, known in self._channels.items() if known[0] > now_s}
        if channel_id not in self._channels:
            self._channels[channel_id] = now_s + CHANNELS_FOR_S, await self._ask_owner(channel_id)
        return self._channels[channel_id][1]

    async def _ask_owner(self, channel_id: int) -> int | None:
        try:
            admins = await self._bot.get_chat_administrators(channel_id)
        except TelegramError as error:
            log.info("telegram.channel_unknown", why=type(error).__name__)
            return None
        return next((admin.user.id for admin in admins if admin.status == ChatMember.OWNER), None)


async def author_of(admins: Admins, message: Message) -> tuple[int | None, bool]:
    """The account that wrote a message, and whether that is one that anybody could make up.

    An anonymous admin writes as the group, and counts as it. A channel counts as its owner where that can be
    told; else anybody may have as many as they like.
    """
    sender = message.sender_chat
    if sender is None:
        return (message.from_user.id if message.from_user else None), False
    if sender.id == message.chat.id:
        return sender.id, False
    owner = await admins.owner_of(sender.id)
    return (sender.id, True) if owner is None else (owner, False)


async def asked(service: Service, admins: Admins, update: Update) -> Asked:
    """Who sent this. Raises `UserError`: the store is down."""
    message, user, chat = update.effective_message, update.effective_user, update.effective_chat
    assert chat is not None
    private = chat.type == Chat.PRIVATE
    written = update.message  # a button is pressed on a message of ours
    author, nobody = await author_of(admins, written) if written else (None, False)
    if author is None:
        assert user is not None
        author = user.id
    user_id = str(author)
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
    return Asked(caller, chat, thread_id, written, message.message_id if message else None, nobody)
