"""From a message to an accepted request: `/imagine`, plain text in private, a reply to a picture or a menu.

Nothing here waits for Telegram: an update counts as dealt with once its request is written down, and whatever
is to be shown is shown by a task beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.commands import buttons
from bot.imagine.parse import parse_imagine
from bot.messages import UserError, say
from bot.telegram import keyboards

if TYPE_CHECKING:
    from telegram import Message, Update
    from telegram.ext import CallbackContext

    from bot.imagine.options import Options
    from bot.telegram.face import Caller, Face
    from bot.telegram.menu import Menus

    Context = CallbackContext[Any, Any, Any, Any]


class Imagine:
    """Handlers that may accept a request."""

    def __init__(self, face: Face, menus: Menus) -> None:
        self._face = face
        self._menus = menus

    async def command(self, update: Update, _: Context) -> None:
        """`/imagine …`; alone it opens a menu."""
        message = update.message
        if message is None or message.is_automatic_forward:
            return
        caller = await self._face.caller(update)
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
        author = replied.from_user if replied else None
        ours = replied if author is not None and author.id == self._face.bot.id else None
        caller = await self._face.caller(update)
        if not caller.is_private and ours is None:
            return
        try:
            self._check_place(caller)
            if ours and (target := self._target(caller, ours)):
                await self.vary(caller, target, message.text)
            elif ours and (chosen := keyboards.menu_data(ours)):
                await self.ask(caller, self._menus.options(chosen, parse_imagine(message.text)))
            elif caller.is_private:
                await self.ask(caller, self._menus.take_up(caller, parse_imagine(message.text)))
        except UserError as error:
            self._face.refuse(caller, error)

    async def ask(self, caller: Caller, options: Options) -> None:
        """Accept a request and have it followed. Raises UserError."""
        address = caller.address(private=options.private)
        live = await self._face.service.imagine(caller.asker, options, key=caller.key, address=address)
        self._face.courier.follow(live)

    async def vary(self, caller: Caller, target: str, text: str) -> None:
        """Other words from the seed of a picture that was replied to. Raises UserError."""
        options = parse_imagine(text)
        if not options.prompt:
            raise UserError(say("error-prompt-empty"))
        live = await buttons.vary(
            self._face.service, caller.asker, target, options, key=caller.key, address=caller.address()
        )
        self._face.courier.follow(live)

    def _target(self, caller: Caller, replied: Message) -> str | None:
        """The request, or the one picture of it, that a message of ours shows. Raises UserError."""
        if request_id := keyboards.request_of(replied):
            return request_id
        if not replied.media_group_id:
            return None
        job_id = self._face.courier.albums.find(caller.chat.id, replied.message_id)
        if job_id is None:
            raise UserError(say("telegram-album-unknown"))
        return job_id

    def _check_place(self, caller: Caller) -> None:
        """A group may keep the bot to some of its topics."""
        if not caller.is_private and not caller.rules.allows(str(caller.thread_id or caller.chat.id)):
            raise UserError(say("telegram-elsewhere"))


def after_command(text: str) -> str:
    """What follows the command word, line breaks and all."""
    parts = text.split(maxsplit=1)
    return parts[1].strip() if len(parts) == 2 else ""
