"""The one message of a request: edited while it is on its way, and sure to carry the result in the end.

An interaction's token can edit its answer for a quarter of an hour, whether or not the bot may post there.
After that, or when the answer is gone, a message in the channel and a direct message are left. A way that
Discord refuses is not tried again; one that failed for the moment is.
"""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog

from bot.discord.address import DEFAULT_LIMIT_BYTES
from bot.discord.files import SPOILER, fit
from bot.discord.library import interaction_webhook, message_named

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.discord.address import Address
    from bot.discord.pages import Page

log = structlog.get_logger(__name__)

PAUSES_S = (0, 1, 2, 5, 15, 60, 300)
"""How long to wait before each try while Discord answers with errors of its own."""

GONE = frozenset({401, 403, 404})
"""The token is dead, the message or channel gone, or we may not post there."""

REFUSED = frozenset(range(400, 500)) - {429}
TOO_LARGE = 40005
PREVIEW_NAME = "preview.jpg"

Troubles = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)


class Message:
    """The message that shows one request, and the ways to get a page to its reader."""

    def __init__(self, client: discord.Client, address: Address, request_id: str) -> None:
        self._client = client
        self._address = address
        self._request_id = request_id
        self._limit_bytes = address.limit_bytes
        self._refused: set[str] = set()

    @property
    def editable(self) -> bool:
        """Whether the first answer can still be edited by its token."""
        return self._edit in self._ways()

    async def show(self, page: Page) -> None:
        """Edit the answer; a page that cannot be shown is left out, the next one will do."""
        if not self.editable:
            return
        try:
            await self._edit(page)
        except Troubles as error:
            self._note(self._edit, error, refused=_status(error) in GONE)

    async def deliver(self, page: Page) -> int | None:
        """Get the page to the member by some way. The message's id, or None where no way is left."""
        for pause_s in PAUSES_S:
            await asyncio.sleep(pause_s)
            while ways := self._ways():
                try:
                    message_id = await ways[0](page)
                    if ways[0] != self._edit:
                        await self._close_first()
                    return message_id
                except Troubles as error:
                    if _too_large(error) and self._limit_bytes > 256 * 1024:
                        self._limit_bytes //= 2
                    elif self._note(ways[0], error, refused=_status(error) in REFUSED):
                        continue
                    else:
                        break
            else:
                return None
        return None

    async def _close_first(self) -> None:
        """Take the buttons off the first answer: the outcome came elsewhere. Past the token's life, the bot
        edits it as its own message, where it may.
        """
        address = self._address
        if address.private or address.channel_id is None or address.message_id is None:
            return
        channel = self._client.get_partial_messageable(address.channel_id, guild_id=address.guild_id)
        try:
            await channel.get_partial_message(address.message_id).edit(view=None)
        except Troubles as error:
            log.warning("discord.not_closed", request=self._request_id, status=_status(error))

    # the ways, best first

    def _ways(self) -> list[Callable[[Page], Awaitable[int]]]:
        ways: list[Callable[[Page], Awaitable[int]]] = []
        if discord.utils.utcnow() < self._address.token_ends_at:
            ways += [self._edit, self._follow_up]
        if not self._address.private and self._address.channel_id is not None:
            ways.append(self._post)
        ways.append(self._write_privately)
        return [way for way in ways if way.__name__ not in self._refused]

    async def _edit(self, page: Page) -> int:
        original = message_named(self._address.message_id)
        message = await self._webhook.edit_message(original, **await self._edited(page))
        return message.id

    async def _follow_up(self, page: Page) -> int:
        kwargs = await self._fresh(page, self._limit_bytes)
        message = await self._webhook.send(ephemeral=self._address.private, wait=True, **kwargs)
        return message.id

    async def _post(self, page: Page) -> int:
        address = self._address
        assert address.channel_id is not None
        channel = self._client.get_partial_messageable(address.channel_id, guild_id=address.guild_id)
        named = replace(page, content=f"<@{address.user_id}>\n{page.content}".strip())
        asker = discord.AllowedMentions(users=True, everyone=False, roles=False, replied_user=False)
        return await self._send(
            channel, named, asker
        )  # all else on a page is escaped, so nobody else is named

    async def _write_privately(self, page: Page) -> int:
        channel = await self._client.create_dm(discord.Object(self._address.user_id))
        return await self._send(channel, page)

    async def _send(
        self, channel: discord.abc.Messageable, page: Page, mentions: discord.AllowedMentions | None = None
    ) -> int:
        """As the bot's own message; the nonce keeps a repeated try from showing twice."""
        kwargs = await self._fresh(page, min(self._limit_bytes, DEFAULT_LIMIT_BYTES))
        if mentions is not None:
            kwargs["allowed_mentions"] = mentions
        message = await channel.send(nonce=self._request_id, **kwargs)
        return message.id

    # what goes over the wire

    @property
    def _webhook(self) -> discord.Webhook:
        address = self._address
        return interaction_webhook(self._client, address.application_id, address.token)

    async def _edited(self, page: Page) -> dict[str, Any]:
        """Everything of an edited message, what is not on the page taken off."""
        files = await _files(page, self._limit_bytes)
        return {
            "content": page.content,
            "embeds": [_embed(page, files)] if page.embed else [],
            "attachments": files,
            "view": page.view,
            "allowed_mentions": discord.AllowedMentions.none(),
        }

    async def _fresh(self, page: Page, limit_bytes: int) -> dict[str, Any]:
        files = await _files(page, limit_bytes)
        parts = {
            "content": page.content or None,
            "embed": _embed(page, files) if page.embed else None,
            "view": page.view,
        }
        shown = {name: part for name, part in parts.items() if part is not None}
        return shown | {"files": files, "allowed_mentions": discord.AllowedMentions.none()}

    def _note(self, way: Callable[[Page], Awaitable[int]], error: BaseException, *, refused: bool) -> bool:
        """Log that a way did not work, and strike it from the ways where Discord has refused it for good."""
        if refused:
            self._refused.add(way.__name__)
        log.warning(
            "discord.not_shown",
            request=self._request_id,
            way=way.__name__.strip("_"),
            refused=refused,
            status=_status(error),
            code=getattr(error, "code", None),
        )
        return refused


async def _files(page: Page, limit_bytes: int) -> list[discord.File]:
    """Fresh files for one try, each encoded to fit its share of the limit."""
    if page.preview is not None:
        return [discord.File(io.BytesIO(page.preview), PREVIEW_NAME)]
    share = limit_bytes // max(1, len(page.uploads))
    encoded = [await asyncio.to_thread(fit, upload, share) for upload in page.uploads]
    return [discord.File(io.BytesIO(one.content), one.name) for one in encoded]


def _embed(page: Page, files: list[discord.File]) -> discord.Embed:
    assert page.embed is not None
    embed = page.embed.copy()
    if files and not files[0].filename.startswith(SPOILER):  # an embed cannot hide its picture
        embed.set_image(url=f"attachment://{files[0].filename}")
    return embed


def _status(error: BaseException) -> int | None:
    """Discord's answer, None where there was none."""
    return error.status if isinstance(error, discord.HTTPException) else None


def _too_large(error: BaseException) -> bool:
    return isinstance(error, discord.HTTPException) and (error.status == 413 or error.code == TOO_LARGE)
