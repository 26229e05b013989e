"""Pictures that members attach: looked at from outside before a byte is downloaded, from Discord alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import discord

from bot.imagine.source import MB
from bot.messages import Reason, UserError, say

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from bot.imagine.asker import Asker
    from bot.imagine.service import Service

CDN = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
"""Where Discord keeps attachments. Nothing is fetched from anywhere else."""
DOWNLOAD_S = 30.0
IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""What may be one of the types that are read; what it is, its bytes tell. Discord gives animations as GIF."""


async def download(
    service: Service, asker: Asker, attachment: discord.Attachment, hosts: Collection[str]
) -> bytes:
    """The bytes of an attachment, from one of `hosts`.

    Raises `UserError` where the asker may not bring it, or it does not come.
    """
    limit_bytes = await service.picture_limit(asker)
    if attachment.size > limit_bytes:
        raise UserError(say("error-picture-bytes", mb=limit_bytes // MB))
    parts = urlsplit(attachment.url)
    if not _is_picture(attachment) or parts.scheme != "https" or parts.hostname not in hosts:
        raise UserError(say("error-picture-none"))
    try:
        async with asyncio.timeout(DOWNLOAD_S):
            return await attachment.read()
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise UserError(say("discord-not-downloaded").because(Reason.UNAVAILABLE)) from error


def picture_of(attachments: Iterable[discord.Attachment]) -> discord.Attachment | None:
    """The first picture among a message's files."""
    return next((one for one in attachments if _is_picture(one)), None)


def _is_picture(attachment: discord.Attachment) -> bool:
    return (attachment.content_type or "").partition(";")[0] in IMAGES
