"""The one message of a request: edited while the request is on its way, and replaced by its result.

What it knows of the chat is in the request's address, written down as soon as Telegram has answered, so
neither a redelivery nor a restart shows a result again; only where Telegram took a new message and its answer
was lost is it seen twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog
from PIL import Image
from pydantic import ValidationError
from telegram import InputMediaDocument, InputMediaPhoto, Message
from telegram.error import ChatMigrated, TelegramError

from bot import render
from bot.faces.screen import Screen, Unreachable
from bot.imagine.events import Progress
from bot.imagine.picture import encode_preview
from bot.telegram import html, keyboards
from bot.telegram.address import Address
from bot.telegram.calls import Later, MessageGone, Refused, once, surely
from bot.telegram.pace import Urgency

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from telegram import InlineKeyboardMarkup
    from telegram.ext import ExtBot

    from bot.imagine.events import Done, Event, Failed
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.telegram.albums import Albums
    from bot.telegram.pace import ChatPacer, RateLimiter

    Send = Callable[[], Awaitable[Message | tuple[Message, ...]]]
    Edit = Callable[[int], Awaitable[object]]

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
        self._limiter = limiter
        self._live, self._t = live, t
        try:
            self._at = Address.from_json(live.address)
        except ValidationError as error:
            raise Unreachable("no address") from error
        self._pacer: ChatPacer = limiter.pacer(self._at.chat)
        self._shown: str | None = None
        self._preview: Image.Image | None = None
        self._photos = True
        """Telegram takes photos here, as far as is known."""

    # while it is on its way

    async def turn(self) -> None:
        """The first message is sent at once; edits wait for the chat's turn, behind results."""
        if self._at.message is None:
            self._pacer.spend()
        else:
            await self._pacer.turn()

    def look(self, event: Event) -> object:
        """What of an event would be seen."""
        return self._words(event), id(self._preview_in(event))

    async def show(self, event: Event) -> None:
        words, preview = self._words(event), self._preview_in(event)
        if preview is self._preview:
            preview = None
        if preview is None and words == self._shown:
            return
        try:
            await once(lambda: self._put(words, preview))
        except Later:
            return
        except Refused as error:
            log.warning("telegram.status_refused", why=str(error))
            self._photos = self._photos and preview is None
            return
        except MessageGone:
            await self._move(message=None, photo=False)
            return
        except ChatMigrated as error:
            await self._migrate(error)
            return
        self._shown = words
        self._preview = preview or self._preview

    async def _put(self, words: str, preview: Image.Image | None) -> None:
        keyboard = keyboards.cancelling(self._live, self._t)
        message = self._at.message
        if message is None:
            await self._note(await self._message(words, keyboard, Urgency.TURN_TAKEN, silent=True))
        elif preview is not None:
            jpeg = await asyncio.to_thread(encode_preview, preview)
            hidden = self._service.config.moderation.may_hide
            media = InputMediaPhoto(jpeg, caption=words, filename="preview.jpg", has_spoiler=hidden or None)
            await self._bot.edit_message_media(
                media, self._at.chat, message, reply_markup=keyboard, rate_limit_args=Urgency.TURN_TAKEN
            )
            if not self._at.photo:
                await self._move(photo=True)
        else:
            await self._edit_text(message, words, keyboard, Urgency.TURN_TAKEN)

    def _words(self, event: Event) -> str:
        notes = [self._t(note) for note in self._live.accepted.notes]
        return html.captioned("", [render.status(event, self._t), *notes])

    def _preview_in(self, event: Event) -> Image.Image | None:
        wanted = self._photos and self._at.preview
        return event.preview if wanted and isinstance(event, Progress) else None

    # the outcome

    async def hand_over(self, done: Done) -> str:
        if len(done.pictures) == 1:
            await self._one(done)
        else:
            await self._album(done)
        return f"{self._at.chat}:{self._at.message}"

    async def close(self) -> None:
        self._pressers.pop(self._live.request_id, None)

    async def tell(self, failed: Failed) -> None:
        anew = self._took_long and failed.is_news
        await self._text(html.escape(render.status(failed, self._t)), anew=anew)

    async def explain(self, *, drawn: bool) -> None:
        """In the status or, failing that, where somebody asked, which may be another chat."""
        text = html.escape(
            self._t("telegram-kept" if drawn else "telegram-unreachable", bot=self._bot.username)
        )
        at = self._at.asked_at or self._at
        try:
            if self._at.message is not None and self._at.asked_at is None:
                try:
                    await self._edit_text(self._at.message, text, None)
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
            at = self._at
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
            return await self._bot.edit_message_media(media, self._at.chat, message, reply_markup=keyboard)

        await self._replace(edit, send, anew=self._took_long)

    async def _album(self, done: Done) -> None:
        """Several pictures in one album, and below it a summary with the buttons; the status goes."""
        jpegs = [await asyncio.to_thread(_jpeg, picture.png) for picture in done.pictures]
        prompt = self._caption([])

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
            at = self._at
            return await self._bot.send_media_group(
                at.chat, media, reply_parameters=at.reply, message_thread_id=at.thread
            )

        try:
            if not self._at.album:
                await self._send(send)
            shown = zip(self._at.album, done.pictures, strict=False)
            self._albums.remember(self._at.chat, {message: picture.job_id for message, picture in shown})
            keyboard = keyboards.finished(self._live, done, self._service, self._t, self._at.album)
            await self._text(html.captioned("", self._facts(done)), keyboard, anew=True, silent=True)
        except Refused as error:
            raise Unreachable(str(error)) from error

    @property
    def _took_long(self) -> bool:
        """Whether who asked may have gone on to something else: an edited message makes no sound."""
        long_s = self._service.config.telegram.ping_after.total_seconds()
        return bool(self._at.since_s) and time.time() - self._at.since_s > long_s

    async def _text(
        self,
        text: str,
        keyboard: InlineKeyboardMarkup | None = None,
        *,
        anew: bool = False,
        silent: bool = False,
    ) -> None:
        """A text takes the place of the status."""
        try:
            await self._replace(
                lambda message: self._edit_text(message, text, keyboard),
                lambda: self._message(text, keyboard, silent=silent),
                anew=anew,
            )
        except Refused as error:
            raise Unreachable(str(error)) from error

    async def _replace(self, edit: Edit, send: Send, *, anew: bool = False) -> None:
        """Edit the status, which cannot show anything twice; where it is gone, send a new message.

        `anew`: send one in any case, where that is possible, and take the status away.
        """
        status = self._at.message
        if anew and status is not None and self._at.stale is None:
            try:
                await self._send(send, stale=status)
                await self._take_away(status)
                return
            except Unreachable as error:
                log.info("telegram.not_anew", why=str(error))
        if (message := self._at.message) is not None:
            try:
                await surely(lambda: edit(message), self._limiter.pace.retry_s)
                if self._at.stale is not None:
                    await self._take_away(self._at.stale)
                return
            except MessageGone:
                await self._move(message=None, photo=False)
            except ChatMigrated as error:
                await self._migrate(error)
        await self._send(send)

    async def _take_away(self, status: int) -> None:
        """Delete the status: the result stands below it. Where that cannot be, the status says so."""
        try:
            await self._bot.delete_message(self._at.chat, status)
        except TelegramError as error:
            log.info("telegram.status_not_deleted", why=type(error).__name__)
            text = html.escape(self._t("telegram-below"))
            try:
                await self._bot.edit_message_caption(self._at.chat, status, caption=text)
            except TelegramError:  # no preview was shown in it
                with contextlib.suppress(TelegramError):
                    await self._bot.edit_message_text(text, self._at.chat, status)

    async def _send(self, send: Send, *, stale: int | None = None) -> None:
        """Send something new, and note where it stands; a group that has moved gets it where it is now."""

        async def noted() -> None:
            await self._note(await send(), stale)

        while True:
            try:
                await surely(noted, self._limiter.pace.retry_s)
                return
            except ChatMigrated as error:
                await self._migrate(error)

    # calls

    async def _message(
        self,
        text: str,
        keyboard: InlineKeyboardMarkup | None,
        urgency: Urgency | None = None,
        *,
        silent: bool = False,
    ) -> Message:
        at = self._at
        return await self._bot.send_message(
            at.chat,
            text,
            reply_markup=keyboard,
            reply_parameters=at.reply,
            message_thread_id=at.thread,
            disable_notification=silent or None,
            rate_limit_args=urgency,
        )

    async def _edit_text(
        self, message: int, text: str, keyboard: InlineKeyboardMarkup | None, urgency: Urgency | None = None
    ) -> object:
        if self._at.photo:
            return await self._bot.edit_message_caption(
                self._at.chat, message, caption=text, reply_markup=keyboard, rate_limit_args=urgency
            )
        return await self._bot.edit_message_text(
            text, self._at.chat, message, reply_markup=keyboard, rate_limit_args=urgency
        )

    # where it stands

    async def _note(self, sent: Message | Sequence[Message], stale: int | None = None) -> None:
        if isinstance(sent, Message):
            await self._move(message=sent.message_id, photo=bool(sent.photo), stale=stale)
        else:
            await self._move(album=tuple(message.message_id for message in sent))

    async def _move(self, **changes: Any) -> None:
        """Remember more of where the request is shown: a restart goes on there."""
        await self._moved_to(replace(self._at, **changes))

    async def _migrate(self, error: ChatMigrated) -> None:
        await self._moved_to(self._at.in_supergroup(error.new_chat_id))
        self._pacer = self._limiter.pacer(self._at.chat)

    async def _moved_to(self, at: Address) -> None:
        self._at = at
        await self._service.moved(self._live, **at.to_json())

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
