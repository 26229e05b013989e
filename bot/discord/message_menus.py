"""Context menus on a message: "Imagine again" and "Show parameters" of ours, "Edit picture" of any."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import discord

from bot.commands import button_ids
from bot.commands.button_ids import Action, Press
from bot.discord import presses
from bot.discord.caller import spoken_to
from bot.discord.editing import EditModal
from bot.discord.locale import text
from bot.discord.pages import escaped
from bot.discord.uploads import picture_of

if TYPE_CHECKING:
    from bot.discord.face import Face, Interaction

_FILE = re.compile(r"(?:SPOILER_)?easel-(?P<request>[0-9a-f]{16})(?:-[0-9])?\.(?:png|webp)")


def add_to(face: Face) -> None:
    """Put the menus on the command tree."""

    @face.tree.context_menu(name=text("cmd-again"))
    async def again(interaction: Interaction, message: discord.Message) -> None:
        request_id = request_of(face, message)
        if request_id is None:
            await _nothing_there(face, interaction)
        else:
            press = Press(Action.AGAIN, request_id)
            await presses.draw(face, interaction, press, private=message.flags.ephemeral)

    @face.tree.context_menu(name=text("cmd-parameters"))
    async def parameters(interaction: Interaction, message: discord.Message) -> None:
        request_id = request_of(face, message)
        if request_id is None:
            await _nothing_there(face, interaction)
        else:
            await presses.details(face, interaction, request_id)

    @face.tree.context_menu(name=text("cmd-edit"))
    async def edit(interaction: Interaction, message: discord.Message) -> None:
        picture = request_of(face, message) or picture_of(message.attachments)
        if picture is None:
            await _nothing_there(face, interaction, "discord-no-picture")
            return
        t, private = spoken_to(face.service, interaction), message.flags.ephemeral
        await face.open_form(interaction, EditModal(face, picture, t, private=private))


def request_of(face: Face, message: discord.Message) -> str | None:
    """The request that a message of ours shows, read off its buttons, or its file's name."""
    if message.author.id not in (face.application_id, face.user and face.user.id):
        return None
    rows = (part for part in message.components if isinstance(part, discord.ActionRow))
    ids = (child.custom_id for row in rows for child in row.children if isinstance(child, discord.Button))
    presses = (button_ids.pressed(id_) for id_ in ids if id_)
    named = (_FILE.fullmatch(attachment.filename) for attachment in message.attachments)
    found = [press.request_id for press in presses if press] + [match["request"] for match in named if match]
    return next(iter(found), None)


async def _nothing_there(face: Face, interaction: Interaction, why: str = "discord-not-mine") -> None:
    t = spoken_to(face.service, interaction)
    await interaction.response.send_message(escaped(t(why)), ephemeral=True)
