"""How updates come in: by polling, or by a webhook. Either way one is confirmed only once it is dealt with.

The library's own updater confirms updates when it has put them into a queue in memory; a process killed then
would lose what somebody asked for. Here `handle` has returned, and a request is written down, before Telegram
is told.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from telegram import Update
from telegram.error import BadRequest, Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from bot.telegram.pace import pause_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from telegram.ext import ExtBot

    from bot.config.faces import Telegram

    Handle = Callable[[Update], Awaitable[None]]

log = structlog.get_logger(__name__)

ALLOWED = [Update.MESSAGE, Update.CALLBACK_QUERY, Update.PRE_CHECKOUT_QUERY]
MAX_PAUSE_S = 30.0
MAX_BODY_BYTES = 1 << 20
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name


FIGHT = 3
"""After so many conflicts in a row it is no stray call, but another bot with this token."""
REFUSALS = 5
"""So many refusals of the token in a row are no hiccup: it was taken back."""
WEBHOOK_CHECK_S = 300.0


async def poll(
    bot: ExtBot[Any],
    handle: Handle,
    *,
    timeout_s: int,
    again_s: float = 1.0,
    fought: Callable[[], None] = lambda: None,
) -> None:
    """Fetch updates until cancelled. Raises InvalidToken where Telegram knows this token no more.

    Where somebody else polls too, go on after pauses that grow from `again_s`; `fought` is called where that
    does not end.
    """
    await until_reached(bot.delete_webhook)
    offset, pause_s, conflicts, refusals = 0, again_s, 0, 0
    updates: Sequence[Update]
    while True:
        try:
            updates = await bot.get_updates(
                offset=offset, timeout=timeout_s, allowed_updates=ALLOWED, read_timeout=timeout_s + 10
            )
        except InvalidToken as error:
            refusals += 1
            if refusals == REFUSALS:
                raise
            log.warning("telegram.poll_failed", why=_told(error), again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(MAX_PAUSE_S, 2 * pause_s)
            continue
        except Conflict as error:
            conflicts += 1
            log.warning("telegram.conflict", why=error.message, again_in_s=pause_s)
            if conflicts == FIGHT:
                fought()
            await asyncio.sleep(pause_s)
            pause_s = min(MAX_PAUSE_S, 2 * pause_s)
            await until_reached(bot.delete_webhook)  # which somebody may have set meanwhile
            continue
        except RetryAfter as error:
            await asyncio.sleep(pause_of(error))
            continue
        except TelegramError as error:
            log.warning("telegram.poll_failed", why=_told(error), again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(MAX_PAUSE_S, 2 * pause_s)
            continue
        except Exception:  # the library cannot read one of them, and then hands out none
            updates, after = await _readable(bot, offset)
        else:
            after = updates[-1].update_id + 1 if updates else offset
        pause_s, conflicts, refusals = again_s, 0, 0
        await asyncio.gather(*(handle(update) for update in updates))
        offset = after


async def _readable(bot: ExtBot[Any], offset: int) -> tuple[list[Update], int]:
    """The updates that the library can read, and the offset behind all of them."""
    updates: list[Update] = []
    try:
        raw: Any = await bot.request.post(f"{bot.base_url}/getUpdates?offset={offset}&timeout=0")
    except TelegramError as error:
        log.warning("telegram.poll_failed", why=_told(error), again_in_s=0)
        return updates, offset
    for one in raw:
        if (update := _read(one, bot)) is not None:
            updates.append(update)
        offset = one["update_id"] + 1
    return updates, offset


def _read(raw: Any, bot: ExtBot[Any]) -> Update | None:
    """None where the library cannot read it: brought again, it would be no better."""
    try:
        return Update.de_json(raw, bot)
    except Exception as error:
        log.warning("telegram.update_unreadable", why=type(error).__name__)
        return None


async def listen(
    bot: ExtBot[Any], handle: Handle, section: Telegram, secret: str, *, check_s: float = WEBHOOK_CHECK_S
) -> None:
    """Have Telegram post updates here until cancelled; who does not know the secret is turned away.

    A webhook that somebody else changed is set again. Raises BadRequest where Telegram does not take ours.
    """
    assert section.webhook_url is not None
    path = urlsplit(section.webhook_url).path or "/"
    given = {"bot": bot, "handle": handle, "secret": secret}
    server = HTTPServer(
        Application([(f"{path}/?".replace("//", "/"), Hook, given)]), max_body_size=MAX_BODY_BYTES
    )
    server.listen(section.webhook_port, address=section.webhook_listen)
    try:
        while True:
            await until_reached(
                lambda: bot.set_webhook(
                    section.webhook_url or "", allowed_updates=ALLOWED, secret_token=secret
                )
            )
            log.info("telegram.listening", port=section.webhook_port)
            await _moved_away(bot, section.webhook_url, check_s)
            log.warning("telegram.webhook_changed")
    finally:
        server.stop()
        await server.close_all_connections()


async def _moved_away(bot: ExtBot[Any], url: str, check_s: float) -> None:
    """Return once Telegram posts updates elsewhere; looked at every `check_s`."""
    while True:
        await asyncio.sleep(check_s)
        try:
            if (await bot.get_webhook_info()).url != url:
                return
        except TelegramError as error:
            log.info("telegram.webhook_unknown", why=_told(error))


class Hook(RequestHandler):
    """One update posted by Telegram; the answer 200 confirms it."""

    def initialize(self, bot: ExtBot[Any], handle: Handle, secret: str) -> None:
        self._bot, self._handle, self._secret = bot, handle, secret

    async def post(self) -> None:
        told = self.request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(told.encode(), self._secret.encode()):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        try:
            raw = json.loads(self.request.body)
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        if (update := _read(raw, self._bot)) is not None:
            await self._handle(update)

    def log_exception(self, *_: object) -> None:
        log.exception("telegram.webhook_failed")


async def until_reached(call: Callable[[], Awaitable[object]]) -> None:
    """Make a call of the start-up as soon as Telegram can be reached. Raises BadRequest."""
    pause_s = 1.0
    while True:
        try:
            await call()
            return
        except RetryAfter as error:
            await asyncio.sleep(pause_of(error))
        except BadRequest:
            raise
        except NetworkError as error:
            log.warning("telegram.unreachable", why=_told(error), again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(MAX_PAUSE_S, 2 * pause_s)


def _told(error: TelegramError) -> str:
    """What went wrong, in the words of whoever noticed; a token in it is masked by the log."""
    return f"{type(error).__name__}: {error.message}"
