"""Typed commands other than /imagine: those of the shared table, and whom they are about on Telegram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram import MessageEntity

from bot.commands import table
from bot.commands.command import Mentioned, typed
from bot.telegram import html, keyboards
from bot.telegram.caller import PLATFORM, author_of
from storage.records.members import Identity

if TYPE_CHECKING:
    from telegram import Message

    from bot.telegram.caller import Asked
    from bot.telegram.face import Face

ALIASES = {"start": "help"}
"""Besides, `/start` in a private chat is answered with a hello."""


async def answer(face: Face, asked: Asked, name: str, words: str) -> None:
    """Answer a command. Raises UserError."""
    if name == "start" and words and face.service.config.access.code:
        name = "join"  # a link to the bot may bring the invitation code along
    if name == "start" and asked.is_private:
        await hello(face, asked)
        return
    mentioned, words = await mentioned_in(face, asked.message, words)
    command, rest = table.named(face.service.config, ALIASES.get(name, name), words)
    given = typed(command, rest, PLATFORM, mentioned)
    await face.card(asked, await command.run(face.service, asked.caller, given))


async def hello(face: Face, asked: Asked) -> None:
    """What to do here, with examples and the first things one might press. Raises UserError: not let in."""
    await face.service.admit(asked.caller.asker)
    await face.answer(asked, html.escape(asked.t("telegram-hello")), keyboards.hello(asked.t))


async def mentioned_in(face: Face, message: Message | None, words: str) -> tuple[Mentioned, str]:
    """Who is meant: a mentioned person without a username, or the author of what is replied to.

    Telegram tells bots nothing about a bare @name. The words come back without the mention.
    """
    if message is None:
        return Mentioned(), words
    named = None
    for entity in message.entities:
        if entity.type == MessageEntity.TEXT_MENTION and entity.user:
            named = Identity(PLATFORM, str(entity.user.id))
            words = words.replace(message.parse_entity(entity), "", 1).strip()
            break
    return Mentioned(named, await _replied(face, message.reply_to_message)), words


async def _replied(face: Face, message: Message | None) -> Identity | None:
    """Who wrote what is replied to; a bot is not meant, but for the one in whose name channels write."""
    if message is None or (message.sender_chat is None and message.from_user and message.from_user.is_bot):
        return None
    author, _ = await author_of(face.admins, message)
    return None if author is None else Identity(PLATFORM, str(author))


def split_command(text: str) -> tuple[str, str]:
    """The command's name, without the bot's, and what follows it, line breaks and all."""
    first, *rest = text.split(maxsplit=1)
    return first[1:].partition("@")[0].lower(), rest[0].strip() if rest else ""
