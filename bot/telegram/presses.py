"""What happens when a button is pressed. Only whoever asked for a picture, or an admin, may; others are told.

A press that draws is accepted before it is confirmed to Telegram, like a message. The rest is done beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from telegram import Message
from telegram.error import TelegramError

from bot.commands import buttons, members
from bot.commands.buttons import Action
from bot.messages import Reason, UserError, say
from bot.telegram import html, keyboards
from storage.errors import UnknownRequest

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from telegram import CallbackQuery, Update
    from telegram.ext import CallbackContext

    from bot.commands.buttons import Press
    from bot.telegram.face import Caller, Face
    from bot.telegram.member import Members
    from bot.telegram.menu import Menus

    Context = CallbackContext[Any, Any, Any, Any]

log = structlog.get_logger(__name__)

ALERT_CHARS = 200
"""The most that fits into the answer to a press."""


class Buttons:
    """The handler of all callback queries."""

    def __init__(self, face: Face, menus: Menus, members: Members) -> None:
        self._face = face
        self._menus = menus
        self._members = members

    async def pressed(self, update: Update, _: Context) -> None:
        """Find out what the button says, and do it."""
        query = update.callback_query
        assert query is not None
        caller = await self._face.caller(update)
        data = query.data or ""
        press, album = keyboards.read(data)
        if press is None:
            self._face.own(self._guarded(caller, query, self._other(caller, query, data)))
        elif press.action in (Action.AGAIN, Action.LARGER, Action.FETCH) and await self._is_owner(
            caller, press
        ):
            await self._guarded(caller, query, self._draw(caller, query, press))
        else:
            self._face.own(self._guarded(caller, query, self._on_picture(caller, query, press, album)))

    async def _draw(self, caller: Caller, query: CallbackQuery, press: Press) -> None:
        """A new request out of an old one."""
        service, asker, key = self._face.service, caller.asker, caller.key
        match press.action:
            case Action.AGAIN:
                live = await buttons.again(service, asker, press.target, key=key, address=caller.address())
            case Action.LARGER:
                live = await buttons.larger(service, asker, press.target, key=key, address=caller.address())
            case _:
                live = await buttons.fetch(service, asker, press.target)
                if live.over:  # fetched before
                    service.closed(live)
                    raise UserError(say("telegram-fetched"))
                fresh = {"message": None, "photo": False, "album": None, "shown": False}
                await service.moved(live, **caller.address(), **fresh)
        self._face.courier.follow(live)
        self._face.own(_answer(query))

    async def _on_picture(self, caller: Caller, query: CallbackQuery, press: Press, album: list[int]) -> None:
        """Whatever a button under a picture does, once it is clear that the caller may."""
        owner = await self._is_owner(caller, press)
        admin = not owner and await self._face.is_admin(caller)
        if not owner and not admin:
            raise UserError(say("error-not-owner"))
        service, asker = self._face.service, caller.asker
        match press.action:
            case Action.AGAIN | Action.LARGER | Action.FETCH:
                await self._draw(caller, query, press)
            case Action.CANCEL:
                await buttons.cancel(service, asker, press.target, moderator=admin)
                await _answer(query, caller.t("action-cancelling"))
            case Action.VARY:
                await _answer(query, caller.t("telegram-vary"), alert=True)
            case Action.SINGLE:
                await _answer(query)
                await self._file(caller, press.target)
            case Action.DETAILS:
                await _answer(query)
                await self._face.card(caller, await buttons.details(service, asker, press.target, caller.t))
            case Action.DELETE:
                await buttons.delete(service, asker, press.target, moderator=admin)
                await self._remove(caller, album)
                await _answer(query, caller.t("action-deleted"))

    async def _file(self, caller: Caller, job_id: str) -> None:
        """The lossless picture, its parameters inside, as a document."""
        single = await buttons.single(self._face.service, caller.asker, job_id)
        await self._face.bot.send_document(
            caller.chat.id,
            single.png,
            filename=f"easel-{single.request.seed}.png",
            message_thread_id=caller.thread_id,
        )

    async def _remove(self, caller: Caller, album: list[int]) -> None:
        """Take the messages of a deleted picture out of the chat; Telegram keeps those over two days old."""
        for message_id in [*album, *([caller.message_id] if caller.message_id else [])]:
            try:
                await self._face.bot.delete_message(caller.chat.id, message_id)
            except TelegramError as error:
                log.info("telegram.not_deleted", why=type(error).__name__)

    async def _other(self, caller: Caller, query: CallbackQuery, data: str) -> None:
        """Buttons that are not about one picture."""
        first, _, rest = data.partition(":")
        match first:
            case keyboards.MENU:
                await self._menus.press(caller, query)
                return
            case keyboards.LINK | keyboards.FORGET:
                card = await self._members.decide(caller, first, rest)
            case keyboards.LANGUAGE:
                card = await members.set_language(self._face.service, caller.asker, rest)
            case keyboards.HISTORY:
                await _answer(query)
                await self._members.show_history(caller, rest)
                return
            case keyboards.SETTING:
                await self._members.change_setting(caller, query, rest)
                await _answer(query)
                return
            case _:
                raise UserError(say("error-gone").because(Reason.GONE))
        await _answer(query)
        if isinstance(query.message, Message):
            await query.edit_message_text(html.card(card), parse_mode="HTML")

    async def _is_owner(self, caller: Caller, press: Press) -> bool:
        try:
            record = await self._face.service.store.requests.get(press.request_id)
        except UnknownRequest:
            raise UserError(say("error-gone").because(Reason.GONE)) from None
        return record.member == caller.member.key

    async def _guarded(self, caller: Caller, query: CallbackQuery, work: Coroutine[None, None, None]) -> None:
        """Say in an alert why something was not done."""
        try:
            await work
        except UserError as error:
            self._face.own(_answer(query, caller.t(error.message), alert=True))
        except TelegramError as error:
            log.warning("telegram.press_lost", why=type(error).__name__)
        except Exception:
            log.exception("telegram.press_died")
            self._face.own(_answer(query, caller.t("error-internal"), alert=True))


async def _answer(query: CallbackQuery, text: str | None = None, *, alert: bool = False) -> None:
    """Stop the button's spinner; too late an answer is nobody's trouble."""
    try:
        await query.answer(text and text[:ALERT_CHARS], show_alert=alert)
    except TelegramError as error:
        log.info("telegram.press_unanswered", why=type(error).__name__)
