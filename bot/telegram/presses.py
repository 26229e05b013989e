"""What happens when a button is pressed. Anybody who sees a picture may go on from it, and pays for what that
draws; deleting and cancelling is for whoever asked for it, and for admins.

A press that draws is accepted before it is confirmed to Telegram, like a message. The rest is done by a task.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import structlog
from telegram import ForceReply, Message
from telegram.error import TelegramError

from bot.commands import button_ids, buttons, edits, questions
from bot.commands.button_ids import Action
from bot.commands.details import details_card
from bot.faces.caller import Who
from bot.imagine.refusals import UsedUp
from bot.messages import Reason, UserError, say
from bot.telegram import commands, html, keyboards

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from telegram import CallbackQuery, Update
    from telegram.ext import CallbackContext

    from bot.commands.button_ids import Press
    from bot.imagine.live import LiveRequest
    from bot.render import Card
    from bot.telegram.caller import Asked
    from bot.telegram.face import Face
    from bot.telegram.options_menu import Menus

    Context = CallbackContext[Any, Any, Any, Any]

log = structlog.get_logger(__name__)

PLACEHOLDER_UNITS = 64
"""The most that fits into an empty field that asks for words."""
DRAWING = edits.DRAWING | {Action.FETCH}
TAP_S = 1.0
"""Taps on the same button within so many seconds are one."""


class Buttons:
    """The handler of all callback queries."""

    def __init__(self, face: Face, menus: Menus) -> None:
        self._face = face
        self._menus = menus
        self._tapped: dict[tuple[str, str, int | None], tuple[float, str]] = {}

    async def pressed(self, update: Update, _: Context) -> None:
        """Find out what the button says, and do it."""
        query = update.callback_query
        assert query is not None
        if query.message is None:  # on an inline message, which none of ours is
            self._face.tasks.start(self._face.toast(query))
            return
        asked = await self._face.asked(update)
        data = query.data or ""
        press, album = keyboards.read(data)
        if press is None:
            self._face.tasks.start(self._guarded(asked, query, self._other(asked, query, data)))
        elif press.action not in DRAWING and not press.area:
            key = asked.caller.asker.user_id, data, asked.message_id
            if self._face.tasks.get(key) is not None:  # what it shows waits for the chat's turn
                self._face.tasks.start(self._face.toast(query))
                return
            work = self._on_picture(asked, query, press, album)
            self._face.tasks.start(self._guarded(asked, query, work), key=key)
        elif self._is_new_tap(asked, data):
            await self._guarded(asked, query, self._draw(asked, query, press))
        else:
            self._face.tasks.start(self._face.toast(query))

    def _is_new_tap(self, asked: Asked, data: str) -> bool:
        """Whether this is not the second of two quick taps; a redelivered press is the first once more."""
        now_s, key = time.monotonic(), (asked.caller.asker.user_id, data, asked.message_id)
        last_s, event = self._tapped.get(key, (now_s - TAP_S, ""))
        if now_s - last_s < TAP_S and event != asked.caller.key:
            return False
        self._tapped = {k: tap for k, tap in self._tapped.items() if now_s - tap[0] < TAP_S}
        self._tapped[key] = now_s, asked.caller.key
        return True

    async def _draw(self, asked: Asked, query: CallbackQuery, press: Press) -> None:
        """A new request out of an old one."""
        live = await self._drawn_from(asked, press)
        if not asked.is_private:
            self._face.pressers[live.request_id] = query.from_user.mention_html()
        self._face.delivery.follow(live)
        self._face.tasks.start(self._face.toast(query))

    async def _drawn_from(self, asked: Asked, press: Press) -> LiveRequest:
        service, asker, key, address = (
            self._face.service,
            asked.caller.asker,
            asked.caller.key,
            asked.address(),
        )
        if press.action in edits.DRAWING:
            return await edits.draw(service, asker, press, key=key, address=address)
        if press.area:
            return await edits.in_area(service, asker, press, key=key, address=address)
        live = await buttons.fetch(service, asker, press.target)
        if live.over:  # fetched before
            service.requests.closed(live)
            raise UserError(say("telegram-fetched"))
        await service.moved(live, **address)
        return live

    async def _on_picture(self, asked: Asked, query: CallbackQuery, press: Press, album: list[int]) -> None:
        """Whatever a button under a picture does that draws nothing."""
        service, asker, t = self._face.service, asked.caller.asker, asked.t
        match press.action:
            case Action.VARY if "-" in press.target:
                await self._ask_words(asked, query, press)
                await self._face.toast(query)
            case Action.VARY:
                await self._face.toast(query, t("telegram-vary"), alert=True)
            case Action.SINGLE:
                await self._file(asked, press.target)
                await self._face.toast(query)
            case Action.AREA:
                await self._face.card(asked, await edits.areas(service, asker, press.target, t))
                await self._face.toast(query)
            case Action.DETAILS:
                await self._face.card(asked, await details_card(service, asker, press.target, t))
                await self._face.toast(query)
            case Action.CANCEL:
                moderator = await self._moderates(asked, press)
                await buttons.cancel(service, asker, press.target, moderator=moderator)
                await self._face.toast(query, t("action-cancelling"))
            case Action.DELETE:
                moderator = await self._moderates(asked, press)
                await buttons.delete(service, asker, press.target, moderator=moderator)
                gone = await self._remove(asked, album)
                await self._face.toast(
                    query, t("action-deleted" if gone else "telegram-too-old"), alert=not gone
                )

    async def _ask_words(self, asked: Asked, query: CallbackQuery, press: Press) -> None:
        """Ask for other words for one picture of several. The question holds its id, and so does a reply."""
        words = await buttons.prompt(self._face.service, asked.caller.asker, press.target)
        text = html.escape(asked.t("telegram-vary-of", number=int(press.target.rpartition("-")[2]) + 1))
        who = "" if asked.is_private else f"{query.from_user.mention_html()} "
        placeholder = html.clip(words, PLACEHOLDER_UNITS)
        await self._face.send(
            asked.chat.id,
            lambda chat: self._face.bot.send_message(
                chat,
                f"{who}{text}\n{html.code(press.target)}",
                message_thread_id=asked.thread_id,
                reply_markup=ForceReply(selective=True, input_field_placeholder=placeholder),
            ),
        )

    async def _moderates(self, asked: Asked, press: Press) -> bool:
        """Whether they act on another's request, as an admin. Telegram is asked only where it matters."""
        if await buttons.is_of(self._face.service, asked.caller.asker, press.target):
            return False
        if not await asked.caller.may(Who.MANAGER):
            raise UserError(say("error-not-owner"))
        return True

    async def _file(self, asked: Asked, job_id: str) -> None:
        """The lossless picture, its parameters inside, as a document."""
        single = await buttons.single(self._face.service, asked.caller.asker, job_id)
        await self._face.send(
            asked.chat.id,
            lambda chat: self._face.bot.send_document(
                chat,
                single.png,
                filename=f"easel-{single.request.seed}.png",
                message_thread_id=asked.thread_id,
            ),
        )

    async def _remove(self, asked: Asked, album: list[int]) -> bool:
        """Take the messages of a deleted picture out of the chat. Telegram keeps those over two days old:
        then the last says so, without buttons.
        """
        gone = True
        for message_id in [*album, *([asked.message_id] if asked.message_id else [])]:
            try:
                await self._face.bot.delete_message(asked.chat.id, message_id)
            except TelegramError as error:
                log.info("telegram.not_deleted", why=type(error).__name__)
                gone = gone and "not found" in error.message  # somebody took it away before
        if not gone:
            await self._say_deleted(asked)
        return gone

    async def _say_deleted(self, asked: Asked) -> None:
        """In a message that cannot be taken away, whether its text is a caption or not."""
        bot, chat, message_id = self._face.bot, asked.chat.id, asked.message_id
        text = html.escape(asked.t("telegram-too-old"))
        try:
            await bot.edit_message_caption(chat, message_id, caption=text)
        except TelegramError:
            with contextlib.suppress(TelegramError):
                await bot.edit_message_text(text, chat, message_id)

    async def _other(self, asked: Asked, query: CallbackQuery, data: str) -> None:
        """Buttons that are not about one picture."""
        if data.startswith(f"{keyboards.MENU}:"):
            self._face.tasks.start(self._face.toast(query))
            await self._menus.press(asked, query)
            return
        what, _, target = data.partition(":")
        if what in (keyboards.MORE, keyboards.LESS):
            await self._swap(asked, target, more=what == keyboards.MORE)
            await self._face.toast(query)
            return
        if data.startswith(f"{keyboards.COMMAND}:"):
            await commands.answer(self._face, asked, data.partition(":")[2], "")
            await self._face.toast(query)
            return
        reply = button_ids.replied(data)
        if reply is None:
            raise UserError(say("error-gone").because(Reason.GONE))
        card = await questions.answer(self._face.service, asked.caller, reply)
        await self._face.toast(query)
        await self._show(asked, query, card, below=reply.reply is button_ids.Reply.OLDER)

    async def _swap(self, asked: Asked, request_id: str, *, more: bool) -> None:
        """The other buttons of a result."""
        rows = await buttons.still_offered(self._face.service, asked.caller.asker, request_id)
        keyboard = keyboards.of_result(rows, request_id, asked.t, more=more)
        await self._face.send(
            asked.chat.id,
            lambda chat: self._face.bot.edit_message_reply_markup(
                chat, asked.message_id, reply_markup=keyboard
            ),
        )

    async def _show(self, asked: Asked, query: CallbackQuery, card: Card, *, below: bool) -> None:
        """In the place of the question; a page of a list comes `below` the one before."""
        message = query.message
        if below or not isinstance(message, Message):
            await self._face.card(asked, card)
            return
        text, keyboard = html.card(card), keyboards.of_card(card)
        await self._face.send(
            asked.chat.id,
            lambda chat: self._face.bot.edit_message_text(
                text, chat, message.message_id, reply_markup=keyboard
            ),
        )

    async def _guarded(self, asked: Asked, query: CallbackQuery, work: Coroutine[None, None, None]) -> None:
        """Say in an alert why something was not done."""
        try:
            await work
        except UsedUp as error:  # an alert has no buttons
            self._face.refuse(asked, error, to="" if asked.is_private else query.from_user.mention_html())
            self._face.tasks.start(self._face.toast(query))
        except UserError as error:
            self._face.tasks.start(self._face.toast(query, asked.t(error.message), alert=True))
        except TelegramError as error:
            log.warning("telegram.press_lost", why=type(error).__name__)
        except Exception:
            log.exception("telegram.press_died")
            self._face.tasks.start(self._face.toast(query, asked.t("error-internal"), alert=True))
