"""The one message of a request that is edited while the request is on its way, and becomes its result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from telegram import InputMediaPhoto, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import ChatMigrated

from bot import render
from bot.imagine.events import Progress
from bot.imagine.picture import encode_preview
from bot.telegram import html, keyboards
from bot.telegram.address import Place, migrated
from bot.telegram.calls import Later, MessageGone, Refused, once

if TYPE_CHECKING:
    from PIL.Image import Image
    from telegram import InlineKeyboardMarkup, Message
    from telegram.ext import ExtBot

    from bot.imagine.events import Event
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.telegram.pace import ChatPacer

log = structlog.get_logger(__name__)

NO_LINKS = LinkPreviewOptions(is_disabled=True)
PREVIEW_PX = 512


class Status:
    """Shows a request's events in its message. What cannot be shown now is left for the next event."""

    def __init__(
        self, live: LiveRequest, bot: ExtBot[Any], service: Service, pacer: ChatPacer, t: Translator
    ) -> None:
        self._live = live
        self._bot = bot
        self._service = service
        self._pacer = pacer
        self._t = t
        self._shown: str | None = None
        self._preview: Image | None = None
        # an earlier process showed something in it, nobody knows what: only a picture surely differs
        self._unknown = Place.of(live).message_id is not None

    def look(self, event: Event) -> object:
        """What of an event would be seen."""
        return self._words(event), id(self._preview_in(event))

    async def open(self) -> None:
        """Show the request at once, before any turn; not where it is over already."""
        if not self._live.finished and Place.of(self._live).message_id is None:
            self._pacer.spend()
            await self.show(self._live.latest)

    async def show(self, event: Event) -> None:
        """Say what `event` says. Raises ChatClosed."""
        words, preview = self._words(event), self._preview_in(event)
        if preview is self._preview:
            preview = None
        if preview is None and (words == self._shown or self._unknown):
            return
        try:
            await once(lambda: self._put(words, preview), self._pacer)
        except Later:
            return
        except Refused as error:
            log.warning("telegram.status_refused", why=str(error))
            return
        except MessageGone:
            await self._service.moved(self._live, message=None, photo=False)
            return
        except ChatMigrated as error:
            await self._service.moved(self._live, **migrated(error))
            return
        self._shown, self._unknown = words, False
        self._preview = preview or self._preview

    async def _put(self, words: str, preview: Image | None) -> object:
        place, keyboard = Place.of(self._live), keyboards.cancelling(self._live, self._t)
        if place.message_id is None:
            return await self._begin(place, words, keyboard)
        if preview is not None:
            jpeg = await asyncio.to_thread(encode_preview, preview, PREVIEW_PX)
            media = InputMediaPhoto(jpeg, caption=words, parse_mode=ParseMode.HTML, filename="preview.jpg")
            answer = await self._bot.edit_message_media(
                media, place.chat_id, place.message_id, reply_markup=keyboard
            )
            if not place.is_photo:
                await self._service.moved(self._live, photo=True)
            return answer
        if place.is_photo:
            return await self._bot.edit_message_caption(
                place.chat_id,
                place.message_id,
                caption=words,
                parse_mode=ParseMode.HTML,
                reply_markup=keyboard,
            )
        return await self._bot.edit_message_text(
            words,
            place.chat_id,
            place.message_id,
            parse_mode=ParseMode.HTML,
            reply_markup=keyboard,
            link_preview_options=NO_LINKS,
        )

    async def _begin(self, place: Place, words: str, keyboard: InlineKeyboardMarkup) -> Message:
        message = await self._bot.send_message(
            place.chat_id,
            words,
            parse_mode=ParseMode.HTML,
            reply_markup=keyboard,
            reply_parameters=place.reply,
            message_thread_id=place.thread_id,
            link_preview_options=NO_LINKS,
        )
        await self._service.moved(self._live, message=message.message_id, photo=False)
        return message

    def _words(self, event: Event) -> str:
        notes = [self._t(note) for note in self._live.accepted.notes]
        return html.captioned("", [render.status(event, self._t), *notes])

    def _preview_in(self, event: Event) -> Image | None:
        wanted = self._live.request.images == 1 and Place.of(self._live).preview
        return event.preview if wanted and isinstance(event, Progress) else None
