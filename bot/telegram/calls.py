"""Requests to Telegram, and what its answers mean: done, later, message gone, or never in this chat."""

from __future__ import annotations

import asyncio
import os
import re
from typing import TYPE_CHECKING, TypeVar

import structlog
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.telegram.pace import ChatPacer

os.environ.setdefault("PTB_TIMEDELTA", "true")  # the library's new way to tell a pause; the old one warns

log = structlog.get_logger(__name__)
T = TypeVar("T")

MAX_BACKOFF_S = 20.0
GRACE_S = 5.0
"""How long a request to Telegram may still take when the bot stops."""

_UNCHANGED = re.compile("message is not modified", re.I)
_GONE = re.compile(
    "message to (edit|delete) not found|message can't be edited|MESSAGE_ID_INVALID"
    "|there is no (text|caption|media) in the message",
    re.I,
)
_CLOSED = re.compile(
    "chat not found|chat was deactivated|CHAT_WRITE_FORBIDDEN|not enough rights|have no rights"
    "|need administrator rights|user is deactivated|PEER_ID_INVALID|TOPIC_(CLOSED|DELETED)|thread not found",
    re.I,
)
_OWN_DOING = re.compile("blocked by the user|user is deactivated", re.I)


class Later(Exception):
    """Not now: flood control, or the network. Nothing needs to be done about it."""


class MessageGone(Exception):
    """The message to be changed is not there, or not of that kind any more."""


class ChatClosed(Exception):
    """The bot cannot write in this chat. `members_doing`: the member themselves shut it out."""

    def __init__(self, why: str, *, members_doing: bool) -> None:
        super().__init__(why)
        self.members_doing = members_doing


class Refused(Exception):
    """Telegram does not take this content."""


async def once(call: Callable[[], Awaitable[T]], pacer: ChatPacer) -> T | None:
    """Ask one time. None where the message says that already. Raises what stands above, or ChatMigrated."""
    try:
        return await _whole(call)
    except RetryAfter as error:
        pause_s = pause_of(error)
        pacer.hold(pause_s)
        raise Later(f"flood control, {pause_s:.0f} s") from error
    except BadRequest as error:
        if _UNCHANGED.search(error.message):
            return None
        if _GONE.search(error.message):
            raise MessageGone(error.message) from error
        if _CLOSED.search(error.message):
            own = bool(_OWN_DOING.search(error.message))
            raise ChatClosed(error.message, members_doing=own) from error
        raise Refused(error.message) from error
    except NetworkError as error:
        raise Later(type(error).__name__) from error
    except Forbidden as error:
        own = bool(_OWN_DOING.search(error.message))
        raise ChatClosed(error.message, members_doing=own) from error
    finally:
        pacer.used()


async def surely(call: Callable[[], Awaitable[T]], pacer: ChatPacer) -> T | None:
    """Ask until there is an answer: flood control and a missing network are waited out."""
    pause_s = pacer.retry_s
    while True:
        await pacer.turn(urgent=True)
        try:
            return await once(call, pacer)
        except Later as error:
            log.info("telegram.later", why=str(error))
            if not isinstance(error.__cause__, RetryAfter):
                await asyncio.sleep(pause_s)
                pause_s = min(MAX_BACKOFF_S, 2 * pause_s)


async def _whole(call: Callable[[], Awaitable[T]]) -> T:
    """To the end, even while being cancelled: what Telegram took must be written down."""
    running = asyncio.ensure_future(call())
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running], timeout=GRACE_S)
        running.cancel()
        raise


def pause_of(error: RetryAfter) -> float:
    """How many seconds Telegram asks to wait."""
    after = error.retry_after
    return float(after if isinstance(after, int | float) else after.total_seconds())


__all__ = ["ChatClosed", "ChatMigrated", "Later", "MessageGone", "Refused", "once", "pause_of", "surely"]
