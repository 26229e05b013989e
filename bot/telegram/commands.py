"""Typed commands other than /imagine: those of the shared table, and whom they are about on Telegram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram import MessageEntity

from bot.commands import table
from bot.commands.command import Mentioned, typed
from bot.telegram.caller import PLATFORM
from storage.records import Identity

if TYPE_CHECKING:
    from telegram import Message

    from bot.telegram.caller import Asked
    from bot.telegram.face import Face

ALIASES = {"start": "help"}


async def answer(face: Face, asked: Asked, name: str, words: str) -> None:
    """Answer a command. Raises UserError."""
    if name == "start" and words and face.service.config.access.code:
        name = "join"  # a link to the bot may bring the invitation code along
    mentioned, words = mentioned_in(asked.message, words)
    command, rest = table.named(ALIASES.get(name, name), words)
    given = typed(command, rest, PLATFORM, mentioned)
    await face.card(asked, await command.run(face.service, asked.caller, given))


def mentioned_in(message: Message | None, words: str) -> tuple[Mentioned, str]:
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
    author = message.reply_to_message.from_user if message.reply_to_message else None
    replied = Identity(PLATFORM, str(author.id)) if author and not author.is_bot else None
    return Mentioned(named, replied), words


def split_command(text: str) -> tuple[str, str]:
    """The command's name, without the bot's, and what follows it, line breaks and all."""
    first, *rest = text.split(maxsplit=1)
    return first[1:].partition("@")[0].lower(), rest[0].strip() if rest else ""
