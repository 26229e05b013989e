"""Slash commands, made from the table of commands that all faces share."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, ClassVar

import discord
from discord import app_commands

from bot.commands import server
from bot.commands.command import Given, Kind
from bot.commands.members import AUTO, LANGUAGE_NAMES
from bot.commands.table import offered
from bot.discord.caller import PLATFORM, still_there
from bot.discord.locale import text
from bot.discord.pages import named
from bot.faces.caller import Who
from storage.records.members import Identity

if TYPE_CHECKING:
    from bot.commands.command import Argument, Command
    from bot.discord.face import Face, Interaction
    from bot.faces.caller import Caller
    from bot.render import Card

MAX_CHARS = 400
"""How long a typed argument may be; the command itself checks what it says."""

MANAGERS = discord.Permissions(manage_guild=True)
"""The permissions with which managers' and owners' commands are seen; a server may change that."""

SERVERS = app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False)
"""In direct messages Discord offers a command to everybody or to nobody."""


class Channel(app_commands.Transformer):
    """Any channel of a server that has messages, also in a forum's posts."""

    type = discord.AppCommandOptionType.channel
    channel_types: ClassVar = [
        discord.ChannelType.text,
        discord.ChannelType.voice,
        discord.ChannelType.news,
        discord.ChannelType.stage_voice,
        discord.ChannelType.forum,
    ]

    async def transform(self, interaction: discord.Interaction[Any], value: Any, /) -> Any:
        """The channel as Discord resolved it."""
        return value


TYPES: dict[Kind, Any] = {
    Kind.NUMBER: int,
    Kind.MEMBER: discord.User,
    Kind.CHANNEL: app_commands.Transform[Any, Channel],
    Kind.ROLE: discord.Role,
    Kind.FLAG: bool,
}
"""What Discord's own input offers; anything else is typed."""


def add_to(face: Face) -> None:
    """Put every command of the table on the command tree."""
    groups: dict[str, app_commands.Group] = {}
    for command in offered(face.service.config):
        made = _made(face, command)
        if " " not in command.name:
            face.tree.add_command(made)
            continue
        if command.group not in groups:
            groups[command.group] = _group(command)
            face.tree.add_command(groups[command.group])
        groups[command.group].add_command(made)


def _group(command: Command) -> app_commands.Group:
    """The group of a command of two words."""
    id_ = f"cmd-{command.group}"
    group = app_commands.Group(name=text(id_), description=text(f"{id_}-about"))
    _show_to(group, command.who)
    return group


def _made(face: Face, command: Command) -> app_commands.Command[Any, ..., None]:
    """The command as discord.py wants it: a function whose parameters are the arguments."""

    async def callback(interaction: Interaction, **values: Any) -> None:
        given = _given(command, values)

        async def work(caller: Caller) -> Card:
            if command.group == "settings" and await caller.may(command.who):
                await _take_off_deleted(face, interaction, caller)
            card = await command.run(face.service, caller, given)
            return named(card, interaction.guild) if command.group == "settings" else card

        await face.answer(interaction, work, clickable=command.name == "help")

    asking = Parameter("interaction", Parameter.POSITIONAL_OR_KEYWORD)
    callback.__signature__ = Signature([asking, *map(_parameter, command.arguments)])  # type: ignore[attr-defined]
    decorated: Any = callback
    for argument in command.arguments:
        key, id_ = _key(argument), f"opt-{argument.name}"
        decorated = app_commands.rename(**{key: text(id_)})(decorated)
        decorated = app_commands.describe(**{key: text(f"{id_}-about")})(decorated)
        if argument.choices is not None:
            values = argument.choices(face.service.config)
            choices = [_choice(value) for value in values]
            decorated = app_commands.choices(**{key: choices})(decorated)
    id_ = command.message_id
    made: app_commands.Command[Any, ..., None] = app_commands.Command(
        name=text(id_), description=text(f"{id_}-about"), callback=decorated
    )
    if " " not in command.name:
        _show_to(made, command.who)
    return made


async def _take_off_deleted(face: Face, interaction: Interaction, caller: Caller) -> None:
    """Take deleted channels off the allowed ones: nobody could choose them in the command any more."""
    for channel_id in caller.rules.channels:
        if not still_there(interaction.guild, channel_id):
            await server.set_channel(
                face.service, caller.asker, channel_id, allowed=False, t=caller.t, why="deleted"
            )


def _show_to(made: app_commands.Command[Any, ..., None] | app_commands.Group, who: Who) -> None:
    """Whom Discord offers a command to. Who may use it is checked when it is used."""
    if who is not Who.MEMBER:
        made.default_permissions, made.allowed_contexts = MANAGERS, SERVERS


def _choice(value: str) -> app_commands.Choice[str]:
    name = text("language-auto") if value == AUTO else LANGUAGE_NAMES.get(value, str(value))
    return app_commands.Choice(name=name, value=str(value))


def _parameter(argument: Argument) -> Parameter:
    kind: Any = TYPES.get(argument.kind, app_commands.Range[str, 1, MAX_CHARS])
    default = Parameter.empty if argument.required else None
    annotation = kind if argument.required else kind | None
    return Parameter(_key(argument), Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _key(argument: Argument) -> str:
    """The argument as a parameter's name."""
    return argument.name.replace("-", "_")


def _given(command: Command, values: dict[str, Any]) -> Given:
    """What Discord read, as the table's commands take it."""
    member, texts = None, {}
    for argument in command.arguments:
        value = values.get(_key(argument))
        if value is None:
            continue
        if argument.kind is Kind.MEMBER:
            member = Identity(PLATFORM, str(value.id))
        elif argument.kind is Kind.FLAG:
            texts[argument.name] = "on" if value else "off"
        else:
            texts[argument.name] = str(getattr(value, "id", value))
    return Given(texts, member)
