"""The table of commands besides /imagine. A face loops over `COMMANDS`; none knows a command by name.

What a command answers stands with its kind: the modules of this package, and bot/sales/commands.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.commands import (
    allowance,
    help,  # noqa: A004
    loras,
    members,
    models,
    mydata,
    owners,
    questions,
    server,
    stats,
)
from bot.commands.command import Command
from bot.faces.caller import Who
from bot.messages import UserError, say
from bot.sales import commands as sales

if TYPE_CHECKING:
    from bot.commands.command import Given
    from bot.config.schema import Config
    from bot.faces.caller import Caller
    from bot.imagine.service import Service
    from bot.render import Card


async def _help(service: Service, caller: Caller, _: Given) -> Card:
    return help.card(service, caller, offered(service.config))


COMMANDS: tuple[Command, ...] = (
    *allowance.COMMANDS,
    *members.COMMANDS,
    *loras.COMMANDS,
    *questions.COMMANDS,
    *models.COMMANDS,
    *mydata.COMMANDS,
    *sales.COMMANDS,
    Command("help", _help),
    *stats.COMMANDS,
    *owners.COMMANDS,
    *questions.SETTINGS,
    *server.COMMANDS,
)


def offered(config: Config) -> tuple[Command, ...]:
    """The commands that a bot with these settings has."""
    return tuple(command for command in COMMANDS if command.when(config))


def named(config: Config, name: str, words: str = "") -> tuple[Command, str]:
    """The command of a typed name, and the words that are left for its arguments.

    Of a group (`stats`) the next word chooses; where it does not, the first command that can take the words.
    Raises `UserError` where a bot with these settings has no such command.
    """
    group = [command for command in offered(config) if command.group == name.lower()]
    word, _, rest = words.strip().partition(" ")
    for command in group:
        if command.name == name.lower() or command.name == f"{name} {word}".lower():
            return command, words.strip() if command.name == name.lower() else rest.strip()
    for command in group:
        takes = bool(command.arguments) if word else not any(a.required for a in command.arguments)
        if takes:
            return command, words.strip()
    raise UserError(say("error-command", command=f"/{name}"))


def names(config: Config, upto: Who = Who.MEMBER, *, alone: bool = True) -> tuple[str, ...]:
    """The first words of what callers up to `upto` may ask this bot, each once, in the table's order.

    `alone` False leaves out what is answered only where nobody else reads it.
    """
    asked = (c for c in offered(config) if c.who <= upto and (alone or not c.alone))
    return tuple(dict.fromkeys(c.group for c in asked))
