"""Pictures that people send: the one that a message means, and its bytes.

They are asked for by file id. The address that Telegram gives for one holds the bot's token, so it is neither
kept nor logged.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from telegram.error import TelegramError

from bot.faces.screen import Unreachable
from bot.imagine.inputs import Brought
from bot.messages import UserError, say
from bot.telegram.calls import MessageGone, Refused, surely

if TYPE_CHECKING:
    from telegram import ExternalReplyInfo, Message
    from telegram.ext import ExtBot

log = structlog.get_logger(__name__)

LARGEST_BYTES = 20 << 20
"""Bots cannot get larger files."""
AT_ONCE = 4
"""Downloads; each is held in memory."""
DOWNLOAD_S = 30.0
"""An update is confirmed only once its request is written down, so others wait while a picture comes."""
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture that somebody sent."""

    file_id: str
    size_bytes: int | None


def sent_in(message: Message | ExternalReplyInfo | None) -> Sent | None:
    """The picture of a message, a photo at its largest or a file that is one."""
    if message is None:
        return None
    if message.photo:
        photo = max(message.photo, key=lambda one: one.width * one.height)
        return Sent(photo.file_id, photo.file_size)
    document = message.document
    if document is not None and (document.mime_type or "").startswith("image/"):
        return Sent(document.file_id, document.file_size)
    return None


def replied_to(message: Message) -> Sent | None:
    """The picture that a message replies to, in this chat or another.

    Raises `UserError` where it is something to look at that cannot be drawn from, such as a sticker.
    """
    replied = message.reply_to_message or message.external_reply
    sent = sent_in(replied)
    if sent is None and replied is not None:
        moving = replied.animation or replied.video or replied.video_note
        if moving or replied.sticker:
            raise UserError(say("telegram-reply-no-picture"))
    return sent


class Pictures:
    """Downloads pictures, and knows which album was used already."""

    def __init__(self, bot: ExtBot[Any], retry_s: float) -> None:
        self._bot = bot
        self._retry_s = retry_s
        self._few = asyncio.Semaphore(AT_ONCE)
        self._of_album: dict[str, int | None] = {}
        """The message that counts of an album; None where none did, and that was told."""

    async def fetch(self, sent: Sent, limit_bytes: int) -> Brought:
        """Raises `UserError` where it is too large, or does not come."""
        limit_bytes = min(limit_bytes, LARGEST_BYTES)
        try:
            async with self._few, asyncio.timeout(DOWNLOAD_S):
                return Brought(await self._bytes(sent, limit_bytes))
        except (TelegramError, Unreachable, MessageGone, Refused, TimeoutError, RuntimeError) as error:
            log.info("telegram.picture_lost", why=type(error).__name__)
            raise UserError(say("telegram-picture-lost")) from None

    async def _bytes(self, sent: Sent, limit_bytes: int) -> bytes:
        _check(sent.size_bytes, limit_bytes)
        file = await surely(lambda: self._bot.get_file(sent.file_id), self._retry_s)
        assert file is not None
        _check(file.file_size, limit_bytes)
        content = await surely(file.download_as_bytearray, self._retry_s)
        assert content is not None
        return bytes(content)

    def takes(self, message: Message) -> bool:
        """Whether a picture with words is the one of its album that counts: the first."""
        album = message.media_group_id
        if album is None:
            return True
        if self._of_album.get(album) is None:
            self._remember(album, message.message_id)
        return self._of_album[album] == message.message_id

    def asks(self, message: Message) -> bool:
        """Whether to ask about a picture without words: of an album once, and only if none of it has any."""
        album = message.media_group_id
        if album is None:
            return True
        if album in self._of_album:
            return False
        self._remember(album, None)
        return True

    def _remember(self, album: str, message_id: int | None) -> None:
        self._of_album[album] = message_id
        while len(self._of_album) > REMEMBERED:
            del self._of_album[next(iter(self._of_album))]


def _check(size_bytes: int | None, limit_bytes: int) -> None:
    if size_bytes is not None and size_bytes > limit_bytes:
        raise UserError(say("error-picture-bytes", mb=limit_bytes >> 20))
