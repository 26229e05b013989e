"""What Telegram offers when somebody types `/`: the commands of each scope, in each language."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import structlog
from telegram import (
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
)
from telegram.error import BadRequest, TelegramError

from bot.commands.table import names
from bot.faces.caller import Who
from bot.messages import LANGUAGES, translator

if TYPE_CHECKING:
    from telegram import BotCommandScope
    from telegram.ext import ExtBot

    from bot.config.schema import Config

log = structlog.get_logger(__name__)


async def set_commands(bot: ExtBot[Any], config: Config) -> None:
    """Tell Telegram once after the start; a scope it refuses (an owner who never wrote) is left out."""
    scopes: list[tuple[BotCommandScope, tuple[str, ...]]] = [
        (BotCommandScopeAllPrivateChats(), names(config)),
        (BotCommandScopeAllGroupChats(), names(config, alone=False)),
        (BotCommandScopeAllChatAdministrators(), names(config, Who.MANAGER, alone=False)),
    ]
    await _set(bot, scopes)
    for owner in config.owners.telegram:
        await set_owners_commands(bot, config, owner)


async def set_owners_commands(bot: ExtBot[Any], config: Config, owner: int) -> None:
    """What an owner is offered in their own chat; Telegram knows that only once they have written."""
    theirs = tuple(name for name in names(config, Who.OWNER) if name != "settings")
    await _set(bot, [(BotCommandScopeChat(owner), theirs)])


async def _set(bot: ExtBot[Any], scopes: list[tuple[BotCommandScope, tuple[str, ...]]]) -> None:
    for scope, listed_names in scopes:
        for language in LANGUAGES:
            listed = [_command(name, language) for name in ("imagine", *listed_names)]
            code = None if language == LANGUAGES[0] else language.split("-")[0]
            try:
                await bot.set_my_commands(listed, scope=scope, language_code=code)
            except BadRequest as error:
                log.info("telegram.commands_refused", scope=scope.type, why=error.message)
            except TelegramError as error:
                log.warning("telegram.commands_not_set", why=type(error).__name__)
                return


@cache
def _command(name: str, language: str) -> BotCommand:
    return BotCommand(name, translator(language)(f"cmd-{name}-about"))
