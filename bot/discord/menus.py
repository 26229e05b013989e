"""Context menus on a message of ours: "Imagine again" and "Show parameters"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import discord  # noqa: TC002 - discord.py reads annotations when commands are made

from bot.discord import presses
from bot.discord.caller import spoken_to
from bot.discord.locale import text
from bot.discord.pages import escaped

if TYPE_CHECKING:
    from bot.discord.client import EaselClient, Interaction

_FILE = re.compile(r"(?:SPOILER_)?easel-(?P<request>[0-9a-f]{16})(?:-[0-9])?\.(?:png|webp)")


def add_to(client: EaselClient) -> None:
    """Put the menus on the client's tree."""

    @client.tree.context_menu(name=text("cmd-again"))
    async def again(interaction: Interaction, message: discord.Message) -> None:
        request_id = request_of(client, message)
        if request_id is None:
            await _nothing_there(client, interaction)
        else:
            await presses.again(client, interaction, request_id, private=message.flags.ephemeral)

    @client.tree.context_menu(name=text("cmd-parameters"))
    async def parameters(interaction: Interaction, message: discord.Message) -> None:
        request_id = request_of(client, message)
        if request_id is None:
            await _nothing_there(client, interaction)
        else:
            await presses.details(client, interaction, request_id)


def request_of(client: EaselClient, message: discord.Message) -> str | None:
    """The request that a message of ours shows, read off its file's name."""
    if message.author.id not in (client.application_id, client.user and client.user.id):
        return None
    found = (_FILE.fullmatch(attachment.filename) for attachment in message.attachments)
    return next((match["request"] for match in found if match), None)


async def _nothing_there(client: EaselClient, interaction: Interaction) -> None:
    t = spoken_to(client.service, interaction)
    await interaction.response.send_message(escaped(t("discord-not-mine")), ephemeral=True)
