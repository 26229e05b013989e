"""How a request looks on Discord: a message that is edited, then the picture with its buttons."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import discord
import structlog
from pydantic import ValidationError

from bot import render
from bot.discord.address import Address
from bot.discord.files import Upload, file_name, grid
from bot.discord.keyboards import request_rows, result_rows
from bot.discord.message import Message
from bot.discord.pages import Page, escaped, look, progress_page, result_page
from bot.faces.pacing import Pacer
from bot.faces.screen import Screen, Unreachable
from bot.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.imagine.events import Done, Event, Failed
    from bot.imagine.live import LiveRequest
    from bot.imagine.picture import Picture
    from bot.imagine.service import Service
    from bot.messages import Translator

log = structlog.get_logger(__name__)

EDIT_EVERY_S = 2.0
"""Discord allows five edits in five seconds; half of that leaves room for buttons and results."""


class DiscordScreen(Screen):
    """One request's message."""

    def __init__(
        self,
        client: discord.Client,
        service: Service,
        live: LiveRequest,
        t: Translator,
        edit_every_s: float,
        tasks: Tasks,
    ) -> None:
        """`tasks` outlive the request. Raises `Unreachable` where the request's address cannot be read."""
        try:
            self._address = Address.from_json(live.address)
        except ValidationError:
            raise Unreachable("its address cannot be read") from None
        self._service, self._live, self._t = service, live, t
        self._message = Message(client, self._address, live.request_id, self._moved, tasks)
        self._rows = request_rows(live.request_id, t)
        self._pacer = Pacer(edit_every_s)
        self._edit_every_s = edit_every_s
        self._tasks = Tasks("discord.screen")
        self._tasks.start(self._announce_lateness())

    async def turn(self) -> None:
        await self._pacer.turn()

    def look(self, event: Event) -> object:
        return look(event, self._t, preview=self._address.preview)

    async def show(self, event: Event) -> None:
        preview, hidden = self._address.preview, self._service.config.moderation.may_hide
        page = await asyncio.to_thread(
            progress_page, self._live, event, self._t, self._rows, preview=preview, hidden=hidden
        )
        await self._message.show(page)

    async def hand_over(self, done: Done) -> str:
        """Deliver the pictures. Without any way left they wait in the history."""
        await self._tasks.close()
        upload = await _upload(self._live.request_id, done.pictures)
        config, live = self._service.config, self._live
        page = result_page(
            live,
            done,
            self._t,
            result_rows(live, done, self._service, self._t),
            upload,
            asker=self._address.user_id,
            currency=render.told_in(config, live.tier),
        )
        message_id = await self._message.deliver(page, ping=self._took_long)
        if message_id is None:
            raise Unreachable("Discord refused every way to deliver")
        return str(message_id)

    async def tell(self, failed: Failed) -> None:
        await self._tasks.close()
        text, ping = escaped(self._t(failed.message)), self._took_long and failed.is_news
        asker = f"<@{self._address.user_id}> · " if ping else ""
        page = Page(self._live.request.prompt, (f"{asker}{text}",))
        if failed.kept:
            await self._message.show(page)
        else:
            await self._message.deliver(page, ping=ping)

    @property
    def _took_long(self) -> bool:
        """Whether who asked may have gone on to something else: an edited message pings nobody."""
        return discord.utils.utcnow() - self._address.asked_at > self._service.config.discord.ping_after

    async def explain(self, *, drawn: bool) -> None:
        log.info("discord.parked", request=self._live.request_id, drawn=drawn)
        text = self._t("discord-kept" if drawn else "discord-unreachable")
        await self._message.leave(Page(self._live.request.prompt, (escaped(text),)))

    async def close(self) -> None:
        await self._tasks.close()

    async def _announce_lateness(self) -> None:
        """Just before the interaction's token dies, say where the picture will come instead."""
        left_s = (self._address.token_ends_at - discord.utils.utcnow()).total_seconds()
        if left_s > 0:
            await asyncio.sleep(max(0.0, left_s - self._edit_every_s))
            text = self._t("discord-late-private" if self._address.private else "discord-late")
            await self._message.show(Page(self._live.request.prompt, (text,), self._rows))

    async def _moved(self, message_id: int) -> None:
        """Remember a new message, so that a restart shows nothing twice."""
        await self._service.moved(self._live, new_message_id=message_id)


async def _upload(request_id: str, pictures: Sequence[Picture]) -> Upload:
    """The picture, or the grid of several."""
    spoiler = any(picture.spoiler for picture in pictures)
    if len(pictures) == 1:
        return Upload(file_name(request_id, 1, spoiler=spoiler), pictures[0].png)
    sheet = await asyncio.to_thread(grid, [picture.png for picture in pictures])
    return Upload(file_name(request_id, spoiler=spoiler), sheet)
