"""Shows one request in its chat: its progress in one message, and its pictures in the place of that."""

from __future__ import annotations

import asyncio
import io
import time
from typing import TYPE_CHECKING, Any

import structlog
from PIL import Image
from telegram import InputMediaDocument, InputMediaPhoto
from telegram.error import TelegramError

from bot import render
from bot.faces.screen import Screen, Unreachable
from bot.imagine.events import Progress
from bot.imagine.picture import encode_preview
from bot.telegram import html, keyboards
from bot.telegram.calls import Refused
from bot.telegram.message import StatusMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telegram import Message
    from telegram.ext import ExtBot

    from bot.imagine.events import Done, Event, Failed
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.telegram.albums import Albums
    from bot.telegram.pace import RateLimiter

log = structlog.get_logger(__name__)

JPEG_QUALITY = 93


class TelegramScreen(Screen):
    """Shows one request in its chat. What cannot be shown now is left for the next event."""

    def __init__(
        self,
        service: Service,
        bot: ExtBot[Any],
        limiter: RateLimiter,
        albums: Albums,
        live: LiveRequest,
        t: Translator,
        pressers: dict[str, str],
    ) -> None:
        """Raises Unreachable where the request's address cannot be read."""
        self._pressers = pressers
        self._service, self._bot, self._albums = service, bot, albums
        self._live, self._t = live, t
        self._message = StatusMessage(service, bot, limiter, live, t)
        self._shown: str | None = None
        self._preview: Image.Image | None = None
        self._photos = True
        """Telegram takes photos here, as far as is known."""

    # while it is on its way

    async def turn(self) -> None:
        await self._message.turn()

    def look(self, event: Event) -> object:
        """What would be seen of an event."""
        return self._words(event), id(self._preview_in(event))

    async def show(self, event: Event) -> None:
        words, preview = self._words(event), self._preview_in(event)
        if preview is self._preview:
            preview = None
        if preview is None and words == self._shown:
            return
        if self._message.at.message is None:  # the first message is of words
            preview = None
        keyboard = keyboards.cancelling(self._live, self._t)
        photo = None if preview is None else await self._preview_photo(preview, words)
        try:
            if not await self._message.show(words, keyboard, photo):
                return
        except Refused as error:
            log.warning("telegram.status_refused", why=str(error))
            self._photos = self._photos and preview is None
            return
        self._shown = words
        self._preview = preview or self._preview

    async def _preview_photo(self, preview: Image.Image, words: str) -> InputMediaPhoto:
        jpeg = await asyncio.to_thread(encode_preview, preview)
        hidden = self._service.config.moderation.may_hide
        return InputMediaPhoto(jpeg, caption=words, filename="preview.jpg", has_spoiler=hidden or None)

    def _words(self, event: Event) -> str:
        notes = [self._t(note) for note in self._live.accepted.notes]
        return html.captioned("", [render.status(event, self._t), *notes])

    def _preview_in(self, event: Event) -> Image.Image | None:
        wanted = self._photos and self._message.at.preview
        return event.preview if wanted and isinstance(event, Progress) else None

    # the outcome

    async def hand_over(self, done: Done) -> str:
        if len(done.pictures) == 1:
            await self._one(done)
        else:
            await self._album(done)
        at = self._message.at
        return f"{at.chat}:{at.message}"

    async def close(self) -> None:
        self._pressers.pop(self._live.request_id, None)

    async def tell(self, failed: Failed) -> None:
        anew = self._took_long and failed.is_news
        await self._message.text(html.escape(render.status(failed, self._t)), anew=anew)

    async def explain(self, *, drawn: bool) -> None:
        """In the status or, failing that, where somebody asked, which may be another chat."""
        text = html.escape(
            self._t("telegram-kept" if drawn else "telegram-unreachable", bot=self._bot.username)
        )
        status = self._message.at
        at = status.asked_at or status
        try:
            if status.message is not None and status.asked_at is None:
                try:
                    await self._message.edit_text(status.message, text, None)
                    return
                except TelegramError as error:
                    log.info("telegram.not_explained", why=type(error).__name__)
            await self._bot.send_message(
                at.chat, text, reply_parameters=at.reply, message_thread_id=at.thread
            )
        except TelegramError as error:
            log.info("telegram.not_explained", why=type(error).__name__)

    async def _one(self, done: Done) -> None:
        """One picture takes the place of the status: as a photo, or as a file where no photo is taken."""
        (picture,) = done.pictures
        caption = self._caption(self._facts(done))
        jpeg = await asyncio.to_thread(_jpeg, picture.png)
        photo = InputMediaPhoto(
            jpeg, caption=caption, filename="easel.jpg", has_spoiler=picture.spoiler or None
        )
        file = InputMediaDocument(picture.png, caption=caption, filename=f"easel-{picture.seed}.png")
        try:
            await self._media(photo, done)
        except Refused as error:
            log.warning("telegram.photo_refused", why=str(error))
            try:
                await self._media(file, done)
            except Refused as again:
                raise Unreachable(str(again)) from again

    async def _media(self, media: InputMediaPhoto | InputMediaDocument, done: Done) -> None:
        """Raises Refused or Unreachable."""
        keyboard = keyboards.finished(self._live, done, self._service, self._t)

        async def send() -> Message:
            at = self._message.at
            shared: dict[str, Any] = {
                "caption": media.caption,
                "reply_markup": keyboard,
                "reply_parameters": at.reply,
                "message_thread_id": at.thread,
            }
            if isinstance(media, InputMediaPhoto):
                return await self._bot.send_photo(
                    at.chat, media.media, has_spoiler=media.has_spoiler, **shared
                )
            return await self._bot.send_document(at.chat, media.media, **shared)

        async def edit(message: int) -> object:
            return await self._bot.edit_message_media(
                media, self._message.at.chat, message, reply_markup=keyboard
            )

        await self._message.replace(edit, send, anew=self._took_long)

    async def _album(self, done: Done) -> None:
        """Several pictures in one album, and below it a summary with the buttons; the status goes."""
        jpegs = [await asyncio.to_thread(_jpeg, picture.png) for picture in done.pictures]
        prompt, status = self._caption([]), self._message

        async def send() -> tuple[Message, ...]:
            media = [
                InputMediaPhoto(
                    jpeg,
                    caption=None if n else prompt,
                    filename=f"easel-{n + 1}.jpg",
                    has_spoiler=picture.spoiler or None,
                )
                for n, (jpeg, picture) in enumerate(zip(jpegs, done.pictures, strict=True))
            ]
            at = status.at
            return await self._bot.send_media_group(
                at.chat, media, reply_parameters=at.reply, message_thread_id=at.thread
            )

        try:
            if not status.at.album:
                await status.send(send)
            shown = zip(status.at.album, done.pictures, strict=False)
            self._albums.remember(status.at.chat, {message: picture.job_id for message, picture in shown})
            keyboard = keyboards.finished(self._live, done, self._service, self._t, status.at.album)
            await status.text(html.captioned("", self._facts(done)), keyboard, anew=True, silent=True)
        except Refused as error:
            raise Unreachable(str(error)) from error

    @property
    def _took_long(self) -> bool:
        """Whether who asked may have gone on to something else: an edited message makes no sound."""
        long_s, since_s = self._service.config.telegram.ping_after.total_seconds(), self._message.at.since_s
        return bool(since_s) and time.time() - since_s > long_s

    def _caption(self, lines: Sequence[str]) -> str:
        """Below a picture: the prompt and `lines`; above them, who pressed the button that it came from."""
        presser = self._pressers.get(self._live.request_id, "")
        taken = html.units(presser) + 1 if presser else 0
        below = html.captioned(self._live.request.prompt, lines, html.CAPTION_UNITS - taken)
        return f"{presser}\n{below}" if presser else below

    def _facts(self, done: Done) -> list[str]:
        """What it took and what is left, and what the member should know."""
        currency = render.told_in(self._service.config, self._live.tier)
        line = render.result_line(self._live.request, done, self._t, currency)
        return [line, *render.notes(self._live.accepted, done, self._t)]


def _jpeg(png: bytes) -> bytes:
    """A photo of a picture: Telegram packs photos as JPEG anyway, and this is a tenth to upload."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
