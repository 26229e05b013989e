"""Follows requests to their end: progress as edits of one message, the picture, the acknowledgement.

Nothing is charged before Discord has answered the call that carries the picture. Requests of an earlier
process are followed by a start-up job, each at the address kept with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import discord
import structlog
from pydantic import ValidationError
from structlog.contextvars import bind_contextvars

from bot.discord.address import Address
from bot.discord.caller import PLATFORM
from bot.discord.files import Upload, file_name, grid
from bot.discord.keyboards import request_view, result_view
from bot.discord.pages import Page, escaped, look, progress_page, prompt_embed, result_page
from bot.discord.screen import Screen
from bot.faces.pacing import Pacer, paced
from bot.imagine.events import Done, Failed
from bot.messages import say, translator
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from bot.imagine.events import Event
    from bot.imagine.live import LiveRequest
    from bot.imagine.picture import Picture
    from bot.imagine.service import Service
    from bot.messages import Translator

log = structlog.get_logger(__name__)

EDIT_EVERY_S = 2.0
"""Discord allows five edits in five seconds; half of that leaves room for buttons and results."""

FAREWELL_S = 3.0
"""How long messages may take to say that the bot restarts."""

KEPT = "error-draining-kept"


class Delivery:
    """One task for each request on its way."""

    def __init__(self, client: discord.Client, service: Service) -> None:
        self._client = client
        self._service = service
        self._following: dict[str, LiveRequest] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def following(self) -> tuple[LiveRequest, ...]:
        """The requests on their way."""
        return tuple(self._following.values())

    async def recover(self) -> None:
        """Go on with what an earlier process left. Reads the store; the tasks it starts call Discord."""
        for live in await self._service.undelivered(PLATFORM):
            self.spawn(self.follow(live))

    async def stop(self) -> None:
        """Let go of everything; requests on their way are told that they are kept."""
        lives = [live for live in self._following.values() if not live.finished]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await asyncio.gather(*(self._say_kept(live) for live in lives), return_exceptions=True)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` in a task that `stop` takes down."""
        self.own(asyncio.create_task(work))

    def own(self, task: asyncio.Task[None] | None) -> None:
        """Take a task down at the end, too."""
        if task is not None and task not in self._tasks:
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    async def follow(self, live: LiveRequest) -> None:
        """Show a request's progress and deliver its outcome. One that is followed already is left alone."""
        if live.request_id in self._following:
            return
        self._following[live.request_id] = live
        bind_contextvars(request_id=live.request_id)
        try:
            address = _address(live)
            if address is None:
                await self._service.park(live)
                return
            screen, t = Screen(self._client, address, live.request_id), translator(address.language)
            outcome = await self._progress(live, address, screen, t)
            if isinstance(outcome, Done):
                await self._hand_out(live, outcome, screen, t)
            else:
                await self._tell(live, outcome, screen, t)
        finally:
            del self._following[live.request_id]

    async def _progress(
        self, live: LiveRequest, address: Address, screen: Screen, t: Translator
    ) -> Done | Failed:
        """Edit the message as the request moves, until it is over."""
        view = request_view(live.request_id, t)
        late = asyncio.create_task(self._announce_lateness(live, address, screen, t))
        try:
            async for event in paced(
                live, Pacer(EDIT_EVERY_S).turn, lambda event: look(event, t, preview=address.preview)
            ):
                if isinstance(event, Done | Failed):
                    return event
                await screen.show(await self._page(live, event, t, view, preview=address.preview))
        finally:
            late.cancel()
            await asyncio.gather(late, return_exceptions=True)
        raise AssertionError("events end with an outcome")

    async def _page(
        self, live: LiveRequest, event: Event, t: Translator, view: discord.ui.View, *, preview: bool
    ) -> Page:
        return await asyncio.to_thread(progress_page, live, event, t, view, preview=preview)

    async def _announce_lateness(
        self, live: LiveRequest, address: Address, screen: Screen, t: Translator
    ) -> None:
        """Just before its token dies, let the message say where the picture will come instead."""
        left_s = (address.token_ends_at - discord.utils.utcnow()).total_seconds()
        if left_s > 0:
            await asyncio.sleep(max(0.0, left_s - EDIT_EVERY_S))
            text = t("discord-late-private" if address.private else "discord-late")
            await screen.show(Page(text, prompt_embed(live.request), request_view(live.request_id, t)))

    async def _hand_out(self, live: LiveRequest, done: Done, screen: Screen, t: Translator) -> None:
        """Deliver the pictures; acknowledged, they count. Without a way they wait in the history."""
        upload = await _upload(live.request_id, done.pictures)
        view = result_view(live, done, self._service, t)
        message_id = await screen.deliver(result_page(live, done, t, view, upload))
        if message_id is None:
            log.warning("discord.parked")
            await self._service.park(live)
            return
        await self._service.delivered(live, str(message_id))
        log.info("discord.delivered", message=message_id)

    async def _tell(self, live: LiveRequest, failed: Failed, screen: Screen, t: Translator) -> None:
        page = Page(escaped(t(failed.message)), prompt_embed(live.request))
        if failed.message.id == KEPT:
            await screen.show(page)
        else:
            await screen.deliver(page)
        self._service.closed(live)

    async def _say_kept(self, live: LiveRequest) -> None:
        address = _address(live)
        if address is not None:
            page = Page(translator(address.language)(say(KEPT)), prompt_embed(live.request))
            await Screen(self._client, address, live.request_id).show(page)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            level = log.warning if isinstance(error, StorageError) else log.error
            level("discord.task_died", exc_info=error)


async def _upload(request_id: str, pictures: Sequence[Picture]) -> Upload:
    """The picture, or the grid of several."""
    spoiler = any(picture.spoiler for picture in pictures)
    if len(pictures) == 1:
        return Upload(file_name(request_id, 1, spoiler=spoiler), pictures[0].png)
    sheet = await asyncio.to_thread(grid, [picture.png for picture in pictures])
    return Upload(file_name(request_id, spoiler=spoiler), sheet)


def _address(live: LiveRequest) -> Address | None:
    """The kept address, or None where it cannot be read (an older Easel's)."""
    try:
        return Address.from_json(live.address)
    except ValidationError:
        log.warning("discord.no_address", request_id=live.request_id)
        return None
