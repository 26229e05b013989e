"""The message of one request: sent, edited, and replaced by the result; where the chat has moved, it follows.

Where it stands is the request's address, written down as soon as Telegram has answered, so neither a
redelivery nor a restart shows a result again; only where Telegram took a new message and its answer was lost
is it seen twice.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError
from telegram import Message
from telegram.error import ChatMigrated, TelegramError

from bot.faces.screen import Unreachable
from bot.telegram import html
from bot.telegram.address import Address
from bot.telegram.calls import Later, MessageGone, Refused, once, surely
from bot.telegram.pace import Urgency

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from telegram import InlineKeyboardMarkup, InputMediaPhoto
    from telegram.ext import ExtBot

    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.telegram.pace import ChatPacer, RateLimiter

    Send = Callable[[], Awaitable[Message | tuple[Message, ...]]]
    Edit = Callable[[int], Awaitable[object]]

log = structlog.get_logger(__name__)


class StatusMessage:
    """Writes to a request's chat. `at` is where its message stands now."""

    def __init__(
        self, service: Service, bot: ExtBot[Any], limiter: RateLimiter, live: LiveRequest, t: Translator
    ) -> None:
        """Raises Unreachable where the request's address cannot be read."""
        self._service, self._bot, self._limiter = service, bot, limiter
        self._live, self._t = live, t
        try:
            self.at = Address.from_json(live.address)
        except ValidationError as error:
            raise Unreachable("no address") from error
        self._pacer: ChatPacer = limiter.pacer(self.at.chat)

    # while the request is on its way

    async def turn(self) -> None:
        """The first message is sent at once; edits wait for the chat's turn, behind results."""
        if self.at.message is None:
            self._pacer.spend()
        else:
            await self._pacer.turn()

    async def show(self, text: str, keyboard: InlineKeyboardMarkup, photo: InputMediaPhoto | None) -> bool:
        """Send the message, or change its text, or its picture with it; False where it is not there now.

        Raises Refused: Telegram takes no such message here.
        """
        try:
            await once(lambda: self._put(text, keyboard, photo))
        except Later:
            return False
        except MessageGone:
            await self._move(message=None, photo=False)
            return False
        except ChatMigrated as error:
            await self._migrate(error)
            return False
        return True

    async def _put(self, text: str, keyboard: InlineKeyboardMarkup, photo: InputMediaPhoto | None) -> None:
        message, urgency = self.at.message, Urgency.TURN_TAKEN
        if message is None:
            await self._note(await self._message(text, keyboard, urgency, silent=True))
        elif photo is not None:
            await self._bot.edit_message_media(
                photo, self.at.chat, message, reply_markup=keyboard, rate_limit_args=urgency
            )
            if not self.at.photo:
                await self._move(photo=True)
        else:
            await self.edit_text(message, text, keyboard, urgency)

    # the outcome; these wait until Telegram has answered

    async def text(
        self,
        text: str,
        keyboard: InlineKeyboardMarkup | None = None,
        *,
        anew: bool = False,
        silent: bool = False,
    ) -> None:
        """A text takes the place of the status. Raises Unreachable."""
        try:
            await self.replace(
                lambda message: self.edit_text(message, text, keyboard),
                lambda: self._message(text, keyboard, silent=silent),
                anew=anew,
            )
        except Refused as error:
            raise Unreachable(str(error)) from error

    async def replace(self, edit: Edit, send: Send, *, anew: bool = False) -> None:
        """Edit the status, which cannot show anything twice; where it is gone, send a new message.

        `anew`: send one in any case, where that is possible, and take the status away. Raises Refused or
        Unreachable.
        """
        status = self.at.message
        if anew and status is not None and self.at.stale is None:
            try:
                await self.send(send, stale=status)
                await self._take_away(status)
                return
            except Unreachable as error:
                log.info("telegram.not_anew", why=str(error))
        if (message := self.at.message) is not None:
            try:
                await surely(lambda: edit(message), self._limiter.pace.retry_s)
                if self.at.stale is not None:
                    await self._take_away(self.at.stale)
                return
            except MessageGone:
                await self._move(message=None, photo=False)
            except ChatMigrated as error:
                await self._migrate(error)
        await self.send(send)

    async def send(self, send: Send, *, stale: int | None = None) -> None:
        """Send something new, and note where it stands; a group that has moved gets it where it is now."""

        async def noted() -> None:
            await self._note(await send(), stale)

        while True:
            try:
                await surely(noted, self._limiter.pace.retry_s)
                return
            except ChatMigrated as error:
                await self._migrate(error)

    async def edit_text(
        self, message: int, text: str, keyboard: InlineKeyboardMarkup | None, urgency: Urgency | None = None
    ) -> object:
        """Change a message's text, which of a picture is its caption."""
        if self.at.photo:
            return await self._bot.edit_message_caption(
                self.at.chat, message, caption=text, reply_markup=keyboard, rate_limit_args=urgency
            )
        return await self._bot.edit_message_text(
            text, self.at.chat, message, reply_markup=keyboard, rate_limit_args=urgency
        )

    async def _message(
        self,
        text: str,
        keyboard: InlineKeyboardMarkup | None,
        urgency: Urgency | None = None,
        *,
        silent: bool = False,
    ) -> Message:
        return await self._bot.send_message(
            self.at.chat,
            text,
            reply_markup=keyboard,
            reply_parameters=self.at.reply,
            message_thread_id=self.at.thread,
            disable_notification=silent or None,
            rate_limit_args=urgency,
        )

    async def _take_away(self, status: int) -> None:
        """Delete the status: the result stands below it. Where that cannot be, the status says so."""
        try:
            await self._bot.delete_message(self.at.chat, status)
        except TelegramError as error:
            log.info("telegram.status_not_deleted", why=type(error).__name__)
            text = html.escape(self._t("telegram-below"))
            try:
                await self._bot.edit_message_caption(self.at.chat, status, caption=text)
            except TelegramError:  # no preview was shown in it
                with contextlib.suppress(TelegramError):
                    await self._bot.edit_message_text(text, self.at.chat, status)

    # where it stands

    async def _note(self, sent: Message | Sequence[Message], stale: int | None = None) -> None:
        if isinstance(sent, Message):
            await self._move(message=sent.message_id, photo=bool(sent.photo), stale=stale)
        else:
            await self._move(album=tuple(message.message_id for message in sent))

    async def _move(self, **changes: Any) -> None:
        """Remember more of where the request is shown: a restart goes on there."""
        await self._moved_to(replace(self.at, **changes))

    async def _migrate(self, error: ChatMigrated) -> None:
        await self._moved_to(self.at.in_supergroup(error.new_chat_id))
        self._pacer = self._limiter.pacer(self.at.chat)

    async def _moved_to(self, at: Address) -> None:
        self.at = at
        await self._service.moved(self._live, **at.to_json())
