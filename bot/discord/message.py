"""The one message of a request: edited while it is on its way, and sure to carry the result in the end.

An interaction's token can edit its answer for a quarter of an hour, whether or not the bot may post there.
After that, or when the answer is gone, a message in the channel and a direct message are left. A way that
Discord refuses is not tried again; one that failed for the moment is.

An edit calls nobody. So a result that took long comes as a new message that does, and the first one goes.
"""

from __future__ import annotations

import asyncio
import io
import itertools
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog

from bot.discord.address import DEFAULT_LIMIT_BYTES
from bot.discord.files import fit
from bot.discord.library import interaction_webhook, message_named
from bot.discord.pages import layout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.discord.address import Address
    from bot.discord.pages import Page
    from bot.tasks import Tasks

log = structlog.get_logger(__name__)

PAUSES_S = (0, 1, 2, 5, 15, 60)
"""How long to wait before each try while Discord answers with errors of its own; the last from then on."""

PATIENT = 3
"""How often the best way is tried alone: a call that failed may have worked, and another shows it twice."""

REMOVALS = 30
"""How often it is tried to delete the first answer: for half an hour."""

GONE = frozenset({401, 403, 404})
"""The token is dead, the message or channel gone, or we may not post there."""

REFUSED = frozenset(range(400, 500)) - {429}
TOO_LARGE = 40005
PREVIEW_NAME = "preview.jpg"

Troubles = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)


class Message:
    """The message that shows one request, and the ways to get a page to its reader."""

    def __init__(
        self,
        client: discord.Client,
        address: Address,
        request_id: str,
        moved: Callable[[int], Awaitable[None]],
        tasks: Tasks,
    ) -> None:
        """`moved` is told the id of a new message that took the place of the first; `tasks` outlive it."""
        self._client = client
        self._address = address
        self._request_id = request_id
        self._moved = moved
        self._tasks = tasks
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

    async def deliver(self, page: Page, *, ping: bool = False) -> int | None:
        """Get the page to the member by some way, however long Discord cannot; to `ping` takes a new message.

        The message's id, or None where no way is left.
        """
        for trial in itertools.count():
            await asyncio.sleep(_pause_s(trial))
            ways = self._ways(ping=ping)
            if trial > PATIENT:  # once more each, then only what cannot be seen twice
                ways = [way for way in ways if way not in (self._call, self._follow_up)]
            while ways:
                way = ways.pop(0)
                try:
                    message_id = await way(page)
                except Troubles as error:
                    if _too_large(error) and self._limit_bytes > 256 * 1024:
                        self._limit_bytes //= 2
                        ways.insert(0, way)
                    elif not self._note(way, error, refused=_status(error) in REFUSED) and trial < PATIENT:
                        break
                    continue
                if way not in (self._edit, self._edit_again):
                    await self._moved(message_id)
                    await self._remove_first()
                return message_id
            if not self._ways(ping=ping):
                return None
        raise AssertionError("tries have no end")

    async def leave(self, page: Page) -> None:
        """Say in the first answer that nothing more comes there, where it can still be edited."""
        try:
            if discord.utils.utcnow() < self._address.token_ends_at:
                await self._edit(page)
            elif (first := self._first) is not None:
                await first.edit(**await self._edited(page))
        except Troubles as error:
            log.info("discord.not_left", request=self._request_id, status=_status(error))

    async def _remove_first(self) -> None:
        """Take the first answer away, now or later: the outcome came elsewhere."""
        if not await self._removed_first():
            self._tasks.start(self._remove_first_later())

    async def _remove_first_later(self) -> None:
        for trial in range(1, REMOVALS):
            await asyncio.sleep(_pause_s(trial))
            if await self._removed_first():
                return

    async def _removed_first(self) -> bool:
        """Whether the first answer is gone, or will never be. Past the token's life, the bot deletes its own
        message, where it may.
        """
        try:
            if discord.utils.utcnow() < self._address.token_ends_at:
                await self._webhook.delete_message(message_named(self._address.message_id))
            elif (first := self._first) is not None:
                await first.delete()
        except Troubles as error:
            log.info("discord.not_removed", request=self._request_id, status=_status(error))
            return _status(error) in REFUSED
        return True

    @property
    def _first(self) -> discord.PartialMessage | None:
        """The first answer as a message of the bot's own; None where it cannot be one."""
        address = self._address
        if address.private or address.channel_id is None or address.message_id is None:
            return None
        channel = self._client.get_partial_messageable(address.channel_id, guild_id=address.guild_id)
        return channel.get_partial_message(address.message_id)

    # the ways, best first

    def _ways(self, *, ping: bool = False) -> list[Callable[[Page], Awaitable[int]]]:
        address = self._address
        ways: list[Callable[[Page], Awaitable[int]]] = []
        if discord.utils.utcnow() < address.token_ends_at:
            if address.new_message_id is not None:
                ways.append(self._edit_again)
            elif ping and not address.private:
                ways.append(self._call)
            ways += [self._edit, self._follow_up]
        if not address.private and address.channel_id is not None:
            ways.append(self._post)
        ways.append(self._write_privately)
        return [way for way in ways if way.__name__ not in self._refused]

    async def _edit(self, page: Page) -> int:
        original = message_named(self._address.message_id)
        message = await self._webhook.edit_message(original, **await self._edited(page))
        return message.id

    async def _edit_again(self, page: Page) -> int:
        """The new message of an earlier process, which did not live to know that it had arrived."""
        assert self._address.new_message_id is not None
        message = await self._webhook.edit_message(self._address.new_message_id, **await self._edited(page))
        await self._remove_first()
        return message.id

    async def _call(self, page: Page) -> int:
        kwargs = await self._fresh(page, self._limit_bytes)
        kwargs["allowed_mentions"] = self._asker
        message = await self._webhook.send(wait=True, **kwargs)
        return message.id

    async def _follow_up(self, page: Page) -> int:
        kwargs = await self._fresh(page, self._limit_bytes)
        message = await self._webhook.send(ephemeral=self._address.private, wait=True, **kwargs)
        return message.id

    async def _post(self, page: Page) -> int:
        address = self._address
        assert address.channel_id is not None
        channel = self._client.get_partial_messageable(address.channel_id, guild_id=address.guild_id)
        return await self._send(channel, page, self._asker)

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
    def _asker(self) -> discord.AllowedMentions:
        """Pings who asked, where the page names them, and nobody else."""
        asker = discord.Object(self._address.user_id)
        return discord.AllowedMentions(users=[asker], everyone=False, roles=False, replied_user=False)

    @property
    def _webhook(self) -> discord.Webhook:
        address = self._address
        return interaction_webhook(self._client, address.application_id, address.token)

    async def _edited(self, page: Page) -> dict[str, Any]:
        """Everything of an edited message; text and embeds, as earlier versions wrote them, taken off."""
        file = await _file(page, self._limit_bytes)
        return {
            "content": None,
            "embeds": [],
            "attachments": [file] if file else [],
            "view": layout(page, file),
            "allowed_mentions": discord.AllowedMentions.none(),
        }

    async def _fresh(self, page: Page, limit_bytes: int) -> dict[str, Any]:
        file = await _file(page, limit_bytes)
        return {
            "files": [file] if file else [],
            "view": layout(page, file),
            "allowed_mentions": discord.AllowedMentions.none(),
        }

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


async def _file(page: Page, limit_bytes: int) -> discord.File | None:
    """The page's picture for one try, encoded to fit the limit."""
    if page.preview is not None:
        return discord.File(io.BytesIO(page.preview), PREVIEW_NAME)
    if page.upload is None:
        return None
    encoded = await asyncio.to_thread(fit, page.upload, limit_bytes)
    return discord.File(io.BytesIO(encoded.content), encoded.name)


def _status(error: BaseException) -> int | None:
    """Discord's answer, None where there was none."""
    return error.status if isinstance(error, discord.HTTPException) else None


def _too_large(error: BaseException) -> bool:
    return isinstance(error, discord.HTTPException) and (error.status == 413 or error.code == TOO_LARGE)


def _pause_s(trial: int) -> float:
    return PAUSES_S[min(trial, len(PAUSES_S) - 1)]
