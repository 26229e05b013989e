"""Requests to Telegram, and what its answers mean: done, later, message gone, or never in this chat."""

from __future__ import annotations

import asyncio
import os
import re
from typing import TYPE_CHECKING, TypeVar

import structlog
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter

from bot.faces.screen import Gone, Unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

os.environ.setdefault("PTB_TIMEDELTA", "true")  # the library's new way to tell a pause; the old one warns

log = structlog.get_logger(__name__)
T = TypeVar("T")

MAX_BACKOFF_S = 20.0
GRACE_S = 5.0
"""How long a request to Telegram may still take when the bot stops."""

_UNCHANGED = re.compile("message is not modified", re.I)
_MESSAGE_GONE = re.compile(
    "message to (edit|delete) not found|message can't be edited|MESSAGE_ID_INVALID"
    "|there is no (text|caption|media) in the message",
    re.I,
)
_NO_MEDIA = re.compile(
    "rights to send (photos|documents|media)|CHAT_SEND_(PHOTOS|DOCS|MEDIA)_FORBIDDEN", re.I
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


class Refused(Exception):
    """Telegram does not take this content, here or at all."""


async def once(call: Callable[[], Awaitable[T]]) -> T | None:
    """Ask one time. None where the message says that already.

    Raises what stands above, `Unreachable` or `Gone` where the bot cannot write in the chat, or ChatMigrated.
    """
    try:
        return await _whole(call)
    except RetryAfter as error:
        raise Later("flood control") from error
    except BadRequest as error:
        if _UNCHANGED.search(error.message):
            return None
        if _MESSAGE_GONE.search(error.message):
            raise MessageGone(error.message) from error
        if _CLOSED.search(error.message) and not _NO_MEDIA.search(error.message):
            raise _closed(error.message) from error
        raise Refused(error.message) from error
    except NetworkError as error:
        raise Later(type(error).__name__) from error
    except Forbidden as error:
        raise _closed(error.message) from error


async def surely(call: Callable[[], Awaitable[T]], pause_s: float) -> T | None:
    """Ask until there is an answer: a missing network is waited out, at first for `pause_s`."""
    while True:
        try:
            return await once(call)
        except Later as error:
            log.info("telegram.later", why=str(error))
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


def _closed(why: str) -> Unreachable:
    """The bot cannot write in this chat; a member who blocked it has shut it out themselves."""
    return Gone(why, members_doing=True) if _OWN_DOING.search(why) else Unreachable(why)


__all__ = ["ChatMigrated", "Later", "MessageGone", "Refused", "once", "surely"]
