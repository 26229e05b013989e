"""The link by which the owner of a server lets the bot in."""

from __future__ import annotations

import discord

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
)
"""Post pictures and go on editing their messages; nothing that touches members, roles or other messages."""


def invite_link(application_id: int) -> str:
    """Where a server's owner says yes; the slash commands come with it."""
    scopes = ("bot", "applications.commands")
    return discord.utils.oauth_url(application_id, permissions=PERMISSIONS, scopes=scopes)
