"""From a message to an accepted request: `/imagine`, plain text in private, a reply to a picture or a menu.

Nothing here waits for Telegram: an update counts as dealt with once its request is written down, and whatever
is to be shown is shown by a task of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from telegram import Chat

from bot.commands import buttons
from bot.imagine.parse import parse_imagine
from bot.messages import Reason, UserError, say
from bot.telegram import keyboards
from bot.telegram.commands import hello
from bot.telegram.smalltalk import is_small_talk

if TYPE_CHECKING:
    from telegram import Message, Update
    from telegram.ext import CallbackContext

    from bot.imagine.options import Options
    from bot.telegram.caller import Asked
    from bot.telegram.face import Face
    from bot.telegram.menu import Menus

    Context = CallbackContext[Any, Any, Any, Any]

JOB_ID = re.compile(r"\b[0-9a-f]{16}-[0-9]\b")
"""Names the picture in a question for other words."""
IMAGINE = re.compile(r"/imagine(?:@(?P<bot>\w+))?(?![A-Za-z0-9_])", re.I)
"""The command, however the prompt is joined to it: by a blank, a quote, a comma or a dash."""


class Imagine:
    """Handlers that may accept a request."""

    def __init__(self, face: Face, menus: Menus) -> None:
        self._face = face
        self._menus = menus

    async def command(self, update: Update, _: Context) -> None:
        """`/imagine …`; alone it opens a menu."""
        message = update.message
        found = IMAGINE.match((message and message.text) or "")
        if message is None or found is None or message.is_automatic_forward:
            return
        if found["bot"] and found["bot"].lower() != (self._face.bot.username or "").lower():
            return  # another bot's
        asked = await self._face.asked(update)
        words = (message.text or "")[found.end() :].strip().lstrip(",，:：").strip()
        try:
            self._check_place(asked)
            if not words:
                self._face.tasks.start(self._menus.open(asked))
                return
            await self.ask(asked, parse_imagine(words))
        except UserError as error:
            self._face.refuse(asked, error)

    async def text(self, update: Update, _: Context) -> None:
        """Text without a command: a reply to a picture or a menu of ours, or in private a prompt."""
        message = update.message
        if message is None or not message.text or message.is_automatic_forward:
            return
        replied = message.reply_to_message
        author = replied.from_user if replied else None
        ours = replied if author is not None and author.id == self._face.bot.id else None
        if message.chat.type != Chat.PRIVATE and ours is None:
            return
        asked = await self._face.asked(update)
        try:
            self._check_place(asked)
            if ours and (target := self._target(asked, ours)):
                await self.vary(asked, target, message.text)
            elif ours and (chosen := keyboards.menu_data(ours)):
                await self.ask(asked, self._menus.options(chosen, parse_imagine(message.text)))
            elif asked.is_private and message.forward_origin is not None:
                raise UserError(say("telegram-forwarded"))
            elif asked.is_private and is_small_talk(message.text):
                self._face.tasks.start(hello(self._face, asked))
            elif asked.is_private:
                if not self._face.service.config.telegram.plain_text:
                    raise UserError(say("telegram-plain-off"))
                await self.ask(asked, self._menus.take_up(asked, parse_imagine(message.text)))
        except UserError as error:
            self._face.refuse(asked, error)

    async def other(self, update: Update, _: Context) -> None:
        """Something that is no text: a photo, a sticker, a voice message; answered, not drawn."""
        message = update.message
        if message is None or message.is_automatic_forward:
            return
        asked = await self._face.asked(update)
        replied = message.reply_to_message
        to_us = replied is not None and replied.from_user is not None
        ours = to_us and replied is not None and replied.from_user.id == self._face.bot.id  # type: ignore[union-attr]
        called = IMAGINE.match(message.caption or "") is not None
        if asked.is_private or ours or called:
            self._face.refuse(asked, UserError(say("telegram-words-only")))

    async def ask(self, asked: Asked, options: Options) -> None:
        """Accept a request and have it followed. Raises UserError."""
        if options.private and int(asked.caller.asker.user_id) < 0:
            raise UserError(say("telegram-private-nobody"))
        address, caller = asked.address(private=options.private), asked.caller
        live = await self._face.service.imagine(caller.asker, options, key=caller.key, address=address)
        self._face.delivery.follow(live)

    async def vary(self, asked: Asked, target: str, text: str) -> None:
        """Other words from the seed of a picture that was replied to. Raises UserError."""
        options = parse_imagine(text)
        if not options.prompt:
            raise UserError(say("error-prompt-empty"))
        caller = asked.caller
        live = await buttons.vary(
            self._face.service, caller.asker, target, options, key=caller.key, address=asked.address()
        )
        self._face.delivery.follow(live)

    def _target(self, asked: Asked, replied: Message) -> str | None:
        """The request, or the one picture of it, that a message of ours shows. Raises UserError."""
        if request_id := keyboards.request_of(replied):
            return request_id
        if asked_about := JOB_ID.search(replied.text or ""):
            return asked_about[0]
        if not replied.media_group_id:
            return None
        job_id = self._face.albums.find(asked.chat.id, replied.message_id)
        if job_id is None:
            raise UserError(say("telegram-album-unknown"))
        return job_id

    def _check_place(self, asked: Asked) -> None:
        """A group may keep the bot to some of its topics, and the owner to people."""
        if asked.nobody and self._face.service.config.telegram.unknown_channels == "refuse":
            raise UserError(say("telegram-as-channel").because(Reason.NOT_ALLOWED))
        here = asked.caller.origin.channel_id
        if here is not None and not asked.caller.rules.allows(here):
            raise UserError(say("telegram-elsewhere"))
