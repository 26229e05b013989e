"""From a message to an accepted request: `/imagine`, plain text in private, a picture, a reply to one.

An update counts as dealt with once its request is written down, so nothing here waits for Telegram except for
the picture that a request comes with. Whatever is to be shown is shown by a task of its own.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from telegram import Chat

from bot.commands import buttons, edits
from bot.imagine.options import OPTIONS
from bot.imagine.parse import parse_imagine
from bot.messages import Reason, UserError, say
from bot.telegram import html, keyboards
from bot.telegram.commands import hello
from bot.telegram.smalltalk import is_small_talk
from bot.telegram.uploads import Pictures, replied_to, sent_in

if TYPE_CHECKING:
    from telegram import Message, Update
    from telegram.ext import CallbackContext

    from bot.imagine.options import Options
    from bot.telegram.caller import Asked
    from bot.telegram.face import Face
    from bot.telegram.options_menu import Menus
    from bot.telegram.uploads import Sent

    Context = CallbackContext[Any, Any, Any, Any]

JOB_ID = re.compile(r"\b[0-9a-f]{16}-[0-9]\b")
"""Names the picture in a question for other words."""
IMAGINE = re.compile(r"/imagine(?:@(?P<bot>\w+))?(?![A-Za-z0-9_])", re.I)
"""The command, however the prompt is joined to it: by a blank, a quote, a comma or a dash."""
ALBUM_S = 1.0
"""The pictures of an album come as messages of their own, the one with the caption perhaps last."""


class Imagine:
    """Handlers that may accept a request."""

    def __init__(self, face: Face, menus: Menus) -> None:
        self._face = face
        self._menus = menus
        self._pictures = Pictures(face.bot, face.retry_s)

    async def command(self, update: Update, _: Context) -> None:
        """`/imagine …`; alone it opens a menu."""
        message = update.message
        found = IMAGINE.match((message and message.text) or "")
        if message is None or found is None or message.is_automatic_forward or not self._is_mine(found):
            return
        asked = await self._face.asked(update)
        words, replied = _after(found), message.reply_to_message
        try:
            self._check_place(asked)
            if words and self._is_ours(replied) and (target := self._shown(asked, replied)):
                await self._change(asked, target, parse_imagine(words))
            elif words:
                await self.ask(asked, self._chosen(asked, replied, words), replied_to(message))
            elif replied_to(message):
                raise UserError(say("telegram-picture-words"))
            else:
                self._face.tasks.start(self._menus.open(asked))
        except UserError as error:
            self._face.refuse(asked, error)

    async def text(self, update: Update, _: Context) -> None:
        """Text without a command: a reply to a picture or a menu of ours, or in private a prompt."""
        message = update.message
        if message is None or not message.text or message.is_automatic_forward:
            return
        replied = message.reply_to_message
        ours = replied if self._is_ours(replied) else None
        if message.chat.type != Chat.PRIVATE and ours is None:
            return
        asked, text = await self._face.asked(update), self._without_our_name(message.text)
        try:
            self._check_place(asked)
            if is_small_talk(text) and not self._wants_words(ours):
                if asked.is_private:
                    self._face.tasks.start(hello(self._face, asked))
            elif ours and (target := self._target(asked, ours)):
                await self.vary(asked, target, parse_imagine(text))
            elif ours and keyboards.menu_data(ours):
                await self.ask(asked, self._chosen(asked, ours, text))
            elif asked.is_private and message.forward_origin is not None:
                raise UserError(say("telegram-forwarded"))
            elif asked.is_private:
                if not self._face.service.config.telegram.plain_text:
                    raise UserError(say("telegram-plain-off"))
                await self.ask(asked, self._chosen(asked, replied, text), replied_to(message))
        except UserError as error:
            self._face.refuse(asked, error)

    def _without_our_name(self, text: str) -> str:
        """Who is spoken to is no part of the prompt."""
        return re.sub(rf"@{self._face.bot.username}\b[\s,，:：]*", "", text, count=1, flags=re.I)

    async def picture(self, update: Update, _: Context) -> None:
        """A photo, or a file that is a picture: its caption says what to make of it.

        In a group that takes `/imagine`, or a reply to us. Of an album the picture with words is used.
        """
        message = update.message
        if message is None or message.is_automatic_forward:
            return
        words = message.caption if message.caption and message.forward_origin is None else ""
        found = IMAGINE.match(words)
        if found is not None and not self._is_mine(found):
            return
        asked = await self._face.asked(update)
        if not (asked.is_private or found or self._is_ours(message.reply_to_message)):
            return
        try:
            self._check_place(asked)
            if found:
                words = _after(found)
            elif asked.is_private and not self._face.service.config.telegram.plain_text:
                raise UserError(say("telegram-plain-off"))
            if not words or words.startswith("/") or is_small_talk(words):
                self._face.tasks.start(self._ask_for_words(asked, message))
            elif self._pictures.takes(message):
                await self.ask(asked, self._chosen(asked, message.reply_to_message, words), sent_in(message))
        except UserError as error:
            self._face.refuse(asked, error)

    async def _ask_for_words(self, asked: Asked, message: Message) -> None:
        """Say how to use a picture that came without words."""
        if message.media_group_id is not None:
            await asyncio.sleep(ALBUM_S)
        if self._pictures.asks(message):
            await self._face.answer(asked, html.escape(asked.t("telegram-picture-words")))

    async def other(self, update: Update, _: Context) -> None:
        """Something that is neither text nor a picture: a sticker, a voice message; answered, not drawn."""
        message = update.message
        if message is None or message.is_automatic_forward:
            return
        asked = await self._face.asked(update)
        called = IMAGINE.match(message.caption or "") is not None
        if asked.is_private or self._is_ours(message.reply_to_message) or called:
            self._face.refuse(asked, UserError(say("telegram-words-only")))

    async def ask(self, asked: Asked, options: Options, sent: Sent | None = None) -> None:
        """Accept a request, drawn from what was `sent`, and have it followed. Raises UserError."""
        if options.private and int(asked.caller.asker.user_id) < 0:
            raise UserError(say("telegram-private-nobody"))
        address, caller = asked.address(private=options.private), asked.caller
        brought = None
        if sent is not None:
            limit_bytes = await self._face.service.picture_limit(caller.asker)
            brought = await self._pictures.fetch(sent, limit_bytes)
        live = await self._face.service.imagine(
            caller.asker, options, key=caller.key, address=address, brought=brought
        )
        self._face.delivery.follow(live)

    def _chosen(self, asked: Asked, replied: Message | None, words: str) -> Options:
        """What was typed, with what the menu stands at that it replies to, or that is open."""
        menu = keyboards.menu_data(replied) if self._is_ours(replied) else None
        return self._menus.take_up(asked, parse_imagine(words), menu)

    async def vary(self, asked: Asked, target: str, options: Options) -> None:
        """Other words from the seed of a picture that was replied to, or from the picture where an option is
        about that. Raises UserError.
        """
        if not options.prompt:
            raise UserError(say("error-prompt-empty"))
        if any(option.needs_picture and getattr(options, option.name) for option in OPTIONS):
            await self._change(asked, target, options)
            return
        caller = asked.caller
        live = await buttons.vary(
            self._face.service, caller.asker, target, options, key=caller.key, address=asked.address()
        )
        self._face.delivery.follow(live)

    async def _change(self, asked: Asked, target: str, options: Options) -> None:
        """Draw from a picture of ours. Raises UserError."""
        caller = asked.caller
        live = await edits.change(
            self._face.service, caller.asker, target, options, key=caller.key, address=asked.address()
        )
        self._face.delivery.follow(live)

    def _shown(self, asked: Asked, replied: Message | None) -> str | None:
        """The request, or the one picture of it, that a message of ours shows; None where that is unknown."""
        if replied is None:
            return None
        return keyboards.request_of(replied) or self._face.albums.find(asked.chat.id, replied.message_id)

    def _target(self, asked: Asked, replied: Message) -> str | None:
        """What a message of ours shows or asks about. Raises UserError where that is no longer known."""
        if found := self._shown(asked, replied):
            return found
        if asked_about := JOB_ID.search(replied.text or ""):
            return asked_about[0]
        if replied.media_group_id:
            raise UserError(say("telegram-album-unknown"))
        return None

    def _wants_words(self, message: Message | None) -> bool:
        """Whether a message of ours asks for a prompt: then any reply is one."""
        return message is not None and bool(keyboards.menu_data(message) or JOB_ID.search(message.text or ""))

    def _is_mine(self, command: re.Match[str]) -> bool:
        """Whether a command names no other bot."""
        named = command["bot"]
        return not named or named.lower() == (self._face.bot.username or "").lower()

    def _is_ours(self, message: Message | None) -> bool:
        """Whether this bot wrote a message."""
        return (
            message is not None
            and message.from_user is not None
            and message.from_user.id == self._face.bot.id
        )

    def _check_place(self, asked: Asked) -> None:
        """A group may keep the bot to some of its topics, and the owner to people."""
        if asked.nobody and self._face.service.config.telegram.unknown_channels == "refuse":
            raise UserError(say("telegram-as-channel").because(Reason.NOT_ALLOWED))
        here = asked.caller.origin.channel_id
        if here is not None and not asked.caller.rules.allows(here):
            raise UserError(say("telegram-elsewhere"))


def _after(command: re.Match[str]) -> str:
    """The words behind a command."""
    return command.string[command.end() :].strip().lstrip(",，:：").strip()
