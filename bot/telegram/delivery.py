"""Follows requests in their chats and hands the pictures over, across restarts, faults and moved groups.

Each request has one task. It may die at any point: what it knows is in the request's address, and `recover`
goes on from there. A result is marked as shown before it is acknowledged, so that neither a redelivery nor a
restart shows it again; only where Telegram took a new message and its answer was lost is it seen twice.
"""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import structlog
from PIL import Image
from structlog.contextvars import bind_contextvars
from telegram import InputMediaDocument, InputMediaPhoto, Message
from telegram.constants import ParseMode
from telegram.error import ChatMigrated, TelegramError

from bot import render
from bot.faces.pacing import paced
from bot.imagine.events import Done, Failed
from bot.messages import Translator, translator
from bot.telegram import html, keyboards
from bot.telegram.address import Place, migrated
from bot.telegram.albums import Albums
from bot.telegram.calls import ChatClosed, MessageGone, Refused, surely
from bot.telegram.screen import NO_LINKS, Status
from storage.errors import UnknownRequest
from storage.records import CancelledBy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import InlineKeyboardMarkup
    from telegram.ext import ExtBot

    from bot.imagine.live import LiveRequest
    from bot.imagine.picture import Picture
    from bot.imagine.service import Service
    from bot.telegram.pace import ChatPacer, Chats

log = structlog.get_logger(__name__)

PLATFORM = "telegram"
JPEG_QUALITY = 93
KEPT = "error-draining-kept"


class Courier:
    """Owns the tasks that follow requests."""

    def __init__(self, service: Service, bot: ExtBot[Any], chats: Chats) -> None:
        self._service = service
        self._bot = bot
        self._chats = chats
        self.albums = Albums()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def follow(self, live: LiveRequest) -> None:
        """Carry a request to its end. Once more for the same request changes nothing."""
        if live.request_id not in self._tasks:
            task = asyncio.create_task(self._carry(live), name=f"telegram:{live.request_id}")
            self._tasks[live.request_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(live.request_id, None))

    async def recover(self) -> None:
        """Go on with what an earlier process left."""
        for live in await self._service.undelivered(PLATFORM):
            self.follow(live)

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def close(self) -> None:
        """Let go; what is unfinished is written down."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry(self, live: LiveRequest) -> None:
        bind_contextvars(request_id=live.request_id)
        try:
            if live.over:  # an update came again after its request was closed
                self._service.closed(live)
                return
            if live.address.get("shown"):
                await self._settle(live, await live.outcome())
                return
            delivery = Delivery(self._service, self._bot, self._chats.pacer, live, self.albums)
            try:
                await delivery.accompany()
                await delivery.hand_over(await live.outcome())
            except ChatClosed as closed:
                await self._abandon(live, closed)
                return
            await self._settle(live, await live.outcome())
        except UnknownRequest:  # forgotten, at its member's wish
            self._service.closed(live)
        except Exception:
            log.exception("telegram.delivery_died")  # it stays written down

    async def _settle(self, live: LiveRequest, outcome: Done | Failed) -> None:
        if isinstance(outcome, Done):
            place = Place.of(live)
            await self._service.delivered(live, f"{place.chat_id}:{place.message_id}")
            log.info("telegram.delivered", images=len(outcome.pictures))
        elif outcome.message.id != KEPT:
            self._service.closed(live)

    async def _abandon(self, live: LiveRequest, closed: ChatClosed) -> None:
        """Nobody can be reached there: draw nothing in vain, keep what is drawn for whoever may fetch it."""
        log.info("telegram.chat_closed", why=str(closed))
        by = CancelledBy.MEMBER if closed.members_doing else CancelledBy.SYSTEM
        await self._service.cancel(live.request_id, None, by=by)
        outcome = await live.outcome()
        await self._service.moved(live, shown=True)
        if isinstance(outcome, Failed):
            await self._settle(live, outcome)
        elif closed.members_doing:
            await self._service.undeliverable(live, str(closed), members_doing=True)
        else:
            await self._service.park(live)
        if not closed.members_doing:
            drawn = isinstance(outcome, Done)
            await self._explain(live, "telegram-kept" if drawn else "telegram-unreachable")

    async def _explain(self, live: LiveRequest, sentence: str) -> None:
        """Tell where it was asked for, as far as that is possible, why there is no picture."""
        t = translator(str(live.address.get("language") or live.language))
        place = Place.asked_at(live)
        try:
            await self._bot.send_message(
                place.chat_id,
                html.escape(t(sentence, bot=self._bot.username)),
                parse_mode=ParseMode.HTML,
                reply_parameters=place.reply,
                message_thread_id=place.thread_id,
            )
        except TelegramError as error:
            log.info("telegram.not_explained", why=type(error).__name__)


class Delivery:
    """One request on its way to its chat."""

    def __init__(
        self,
        service: Service,
        bot: ExtBot[Any],
        pacers: Callable[[int], ChatPacer],
        live: LiveRequest,
        albums: Albums,
    ) -> None:
        self._service = service
        self._bot = bot
        self._albums = albums
        self._pacers = pacers
        self._live = live
        self._t: Translator = translator(str(live.address.get("language") or live.language))

    async def accompany(self) -> None:
        """Show what happens until the outcome is there."""
        pacer = self._pacers(Place.of(self._live).chat_id)
        status = Status(self._live, self._bot, self._service, pacer, self._t)
        await status.open()
        async for event in paced(self._live, pacer.turn, status.look):
            if not isinstance(event, Done | Failed):
                await status.show(event)

    async def hand_over(self, outcome: Done | Failed) -> None:
        """Put the outcome where the status was. Returns once Telegram has it. Raises ChatClosed."""
        if isinstance(outcome, Failed):
            await self._say(html.escape(render.status(outcome, self._t)))
            shown = outcome.message.id != KEPT
        else:
            if len(outcome.pictures) == 1:
                await self._photo(outcome)
            else:
                await self._album(outcome)
            shown = True
        await self._service.moved(self._live, shown=shown)

    async def _photo(self, done: Done) -> None:
        """One picture takes the place of the status."""
        jpeg = await asyncio.to_thread(_jpeg, done.pictures[0].png)
        caption, keyboard = self._caption(done), self._keyboard(done)
        media = InputMediaPhoto(jpeg, caption=caption, parse_mode=ParseMode.HTML, filename="easel.jpg")

        async def send(place: Place) -> Message:
            return await self._bot.send_photo(
                place.chat_id,
                jpeg,
                caption=caption,
                parse_mode=ParseMode.HTML,
                reply_markup=keyboard,
                reply_parameters=place.reply,
                message_thread_id=place.thread_id,
                filename="easel.jpg",
            )

        async def edit(place: Place, message_id: int) -> object:
            return await self._bot.edit_message_media(media, place.chat_id, message_id, reply_markup=keyboard)

        try:
            await self._replace(edit, send)
        except Refused as error:
            log.warning("telegram.photo_refused", why=str(error))
            await self._document(done, done.pictures[0])

    async def _document(self, done: Done, picture: Picture) -> None:
        """The same as a file, where Telegram does not take it as a photo. A second refusal is final."""
        caption, keyboard = self._caption(done), self._keyboard(done)
        name = f"easel-{picture.seed}.png"
        media = InputMediaDocument(picture.png, caption=caption, parse_mode=ParseMode.HTML, filename=name)

        async def send(place: Place) -> Message:
            return await self._bot.send_document(
                place.chat_id,
                picture.png,
                caption=caption,
                parse_mode=ParseMode.HTML,
                reply_markup=keyboard,
                reply_parameters=place.reply,
                message_thread_id=place.thread_id,
                filename=name,
            )

        async def edit(place: Place, message_id: int) -> object:
            return await self._bot.edit_message_media(media, place.chat_id, message_id, reply_markup=keyboard)

        try:
            await self._replace(edit, send)
        except Refused as error:
            raise ChatClosed(str(error), members_doing=False) from error

    async def _album(self, done: Done) -> None:
        """Several pictures in one album; the status becomes their summary, with the buttons."""
        jpegs = [await asyncio.to_thread(_jpeg, picture.png) for picture in done.pictures]
        first = html.captioned(self._live.request.prompt, [])

        async def send(place: Place) -> tuple[Message, ...]:
            media = [
                InputMediaPhoto(
                    jpeg,
                    caption=None if n else first,
                    parse_mode=None if n else ParseMode.HTML,
                    filename=f"easel-{n + 1}.jpg",
                )
                for n, jpeg in enumerate(jpegs)
            ]
            return await self._bot.send_media_group(
                place.chat_id, media, reply_parameters=place.reply, message_thread_id=place.thread_id
            )

        if not Place.of(self._live).album:
            try:
                await self._send(send)
            except Refused as error:
                raise ChatClosed(str(error), members_doing=False) from error
        place = Place.of(self._live)
        shown = zip(place.album, done.pictures, strict=False)
        self._albums.remember(place.chat_id, {message: picture.job_id for message, picture in shown})
        await self._say(html.captioned("", self._facts(done)), self._keyboard(done))

    async def _say(self, text: str, keyboard: InlineKeyboardMarkup | None = None) -> None:
        """A text takes the place of the status."""

        async def send(place: Place) -> Message:
            return await self._bot.send_message(
                place.chat_id,
                text,
                parse_mode=ParseMode.HTML,
                reply_markup=keyboard,
                reply_parameters=place.reply,
                message_thread_id=place.thread_id,
                link_preview_options=NO_LINKS,
            )

        async def edit(place: Place, message_id: int) -> object:
            if place.is_photo:
                return await self._bot.edit_message_caption(
                    place.chat_id, message_id, caption=text, parse_mode=ParseMode.HTML, reply_markup=keyboard
                )
            return await self._bot.edit_message_text(
                text,
                place.chat_id,
                message_id,
                parse_mode=ParseMode.HTML,
                reply_markup=keyboard,
                link_preview_options=NO_LINKS,
            )

        try:
            await self._replace(edit, send)
        except Refused as error:
            raise ChatClosed(str(error), members_doing=False) from error

    async def _replace(
        self,
        edit: Callable[[Place, int], Awaitable[object]],
        send: Callable[[Place], Awaitable[Message]],
    ) -> None:
        """Edit the status, which cannot show anything twice; where it is gone, send a new message."""
        place = Place.of(self._live)
        if (message_id := place.message_id) is not None:
            try:
                await surely(lambda: edit(place, message_id), self._pacers(place.chat_id))
                return
            except MessageGone:
                await self._service.moved(self._live, message=None, photo=False)
            except ChatMigrated as error:
                await self._service.moved(self._live, **migrated(error))
        await self._send(send)

    async def _send(self, send: Callable[[Place], Awaitable[Message | tuple[Message, ...]]]) -> None:
        """Send something new, and note where it stands; a group that has moved gets it where it is now."""

        async def noted() -> None:
            sent = await send(Place.of(self._live))
            if isinstance(sent, Message):
                await self._service.moved(self._live, message=sent.message_id)
            else:
                await self._service.moved(self._live, album=[message.message_id for message in sent])

        while True:
            try:
                await surely(noted, self._pacers(Place.of(self._live).chat_id))
                return
            except ChatMigrated as error:
                await self._service.moved(self._live, **migrated(error))

    def _keyboard(self, done: Done) -> InlineKeyboardMarkup:
        return keyboards.finished(self._live, done, self._service, self._t)

    def _caption(self, done: Done) -> str:
        return html.captioned(self._live.request.prompt, self._facts(done))

    def _facts(self, done: Done) -> list[str]:
        """What it took and what is left, and what the member should know."""
        request, currency = self._live.request, self._service.pricing.currency
        facts = render.picture_facts(request, done.pictures[0], done.quota, currency, self._t)
        notes = [self._t(note) for note in (*self._live.accepted.notes, *done.notes)]
        missing = [render.status(done, self._t)] if done.missing else []
        return [" · ".join(f"{label} {value}" for label, value in facts), *notes, *missing]


def _jpeg(png: bytes) -> bytes:
    """A photo of a picture: Telegram packs photos as JPEG anyway, and this is a tenth to upload."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
