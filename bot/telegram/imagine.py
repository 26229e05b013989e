"""From a message to an accepted request: `/imagine`, plain text in private, a reply to a picture or a menu.

Nothing here waits for Telegram: an update counts as dealt with once its request is written down, and whatever
is to be shown is shown by a task beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bot import actions
from bot.messages import UserError, say
from bot.parse import parse_imagine
from bot.telegram import keyboards
from bot.telegram.delivery import PLATFORM

if TYPE_CHECKING:
    from telegram import Message, Update
    from telegram.ext import CallbackContext

    from bot.request import ImagineOptions
    from bot.telegram.face import Caller, Face
    from bot.telegram.menu import Menus

    Context = CallbackContext[Any, Any, Any, Any]

LOOK_BACK = 50
"""Requests of a member among which a replied-to album is looked for."""


class Imagine:
    """Handlers that may accept a request."""

    def __init__(self, face: Face, menus: Menus) -> None:
        self._face = face
        self._menus = menus

    async def command(self, update: Update, _: Context) -> None:
        """`/imagine …`; alone it opens a menu."""
        caller = await self._face.caller(update)
        message = update.message
        assert message is not None
        words = after_command(message.text or "")
        try:
            self._check_place(caller)
            if not words:
                self._face.own(self._menus.open(caller))
                return
            await self.ask(caller, parse_imagine(words))
        except UserError as error:
            self._face.refuse(caller, error)

    async def text(self, update: Update, _: Context) -> None:
        """Text without a command: a reply to a picture or a menu of ours, or in private a prompt."""
        message = update.message
        if message is None or not message.text or message.is_automatic_forward:
            return
        replied = message.reply_to_message
        ours = (
            replied is not None
            and replied.from_user is not None
            and replied.from_user.id == self._face.bot.id
        )
        caller = await self._face.caller(update)
        if not caller.is_private and not ours:
            return
        try:
            self._check_place(caller)
            if ours and (target := await self._target(caller, replied)):
                await self.vary(caller, target, message.text)
            elif ours and (chosen := keyboards.menu_data(replied)):
                await self.ask(caller, self._menus.options(chosen, parse_imagine(message.text)))
            elif caller.is_private:
                await self.ask(caller, self._menus.take_up(caller, parse_imagine(message.text)))
        except UserError as error:
            self._face.refuse(caller, error)

    async def ask(self, caller: Caller, options: ImagineOptions) -> None:
        """Accept a request and have it followed. Raises UserError."""
        address = caller.address(private=options.private)
        live = await self._face.service.imagine(caller.asker, options, key=caller.key, address=address)
        self._face.courier.follow(live)

    async def vary(self, caller: Caller, target: str, text: str) -> None:
        """Other words from the seed of a picture that was replied to. Raises UserError."""
        options = parse_imagine(text)
        if not options.prompt:
            raise UserError(say("error-prompt-empty"))
        live = await actions.vary(
            self._face.service, caller.asker, target, options, key=caller.key, address=caller.address()
        )
        self._face.courier.follow(live)

    async def _target(self, caller: Caller, replied: Message | None) -> str | None:
        """The request a message of ours shows: by its buttons; an album by the ids noted when it was sent."""
        if replied is None or (request_id := keyboards.request_of(replied)):
            return request_id if replied else None
        if not replied.media_group_id:
            return None
        for record in await self._face.service.store.history(caller.member.key, LOOK_BACK):
            at = json.loads(record.address) if record.source.platform == PLATFORM else {}
            album = at.get("album") or []
            if at.get("chat") == caller.chat.id and replied.message_id in album:
                return record.jobs[album.index(replied.message_id)].job_id
        return None

    def _check_place(self, caller: Caller) -> None:
        """A group may keep the bot to some of its topics."""
        if not caller.is_private and not caller.rules.allows(str(caller.thread_id or caller.chat.id)):
            raise UserError(say("telegram-elsewhere"))


def after_command(text: str) -> str:
    """What follows the command word, line breaks and all."""
    parts = text.split(maxsplit=1)
    return parts[1].strip() if len(parts) == 2 else ""
