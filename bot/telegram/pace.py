"""How fast a chat may be written to: all messages of a chat take turns, results before progress.

Telegram allows about one message a second in a private chat, 20 a minute in a group, and 30 a second in all.
Progress may use half of the last. What has to arrive waits for its turn and sits out flood control;
only other methods (`getChatMember`, answers to presses) pass at once and cost the chat nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.faces.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two messages to a chat, edits and messages a second over all chats (0: no limit)."""

    private_s: float = 1.0
    group_s: float = 3.0
    edits_a_second: float = 15.0
    messages_a_second: float = 30.0
    retry_s: float = 0.5
    """Before the first new try where the network failed."""


class Urgency(Enum):
    """How a message waits; given as `rate_limit_args`. Without it a message waits for its turn."""

    TURN_TAKEN = auto()
    """The caller waited already. Flood control is the caller's to deal with."""


class ChatPacer:
    """One chat's turns. An urgent waiter goes before the others; a cancelled one costs nobody a turn."""

    def __init__(self, every_s: Callable[[], float], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.every_s = every_s
        self._clock = clock
        self._next_s = clock()
        self._waiting: list[tuple[bool, int]] = []
        self._numbers = itertools.count()
        self._moved = asyncio.Event()

    async def turn(self, *, urgent: bool = False) -> None:
        """Wait until it is this caller's turn."""
        ticket = (not urgent, next(self._numbers))
        heapq.heappush(self._waiting, ticket)
        try:
            while self._waiting[0] != ticket or self._clock() < self._next_s:
                wait_s = self._next_s - self._clock() if self._waiting[0] == ticket else None
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._moved.wait()
            self.spend()
        finally:
            self._waiting.remove(ticket)
            heapq.heapify(self._waiting)
            self._wake()

    def spend(self) -> None:
        """Something is sent without waiting for a turn; the next turn is later for it."""
        self._next_s = max(self._clock(), self._next_s) + self.every_s()

    def used(self) -> None:
        """A request was answered: the interval begins anew, so that none comes too soon after a slow one."""
        self._next_s = max(self._next_s, self._clock() + self.every_s())

    def hold(self, for_s: float) -> None:
        """No turn before `for_s` seconds from now: Telegram asked for a pause."""
        self._next_s = max(self._next_s, self._clock() + for_s)
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class RateLimiter(BaseRateLimiter[Urgency]):
    """The library's limiter: every message to a chat waits here, and is sent again after flood control."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._pacers: WeakValueDictionary[int, ChatPacer] = WeakValueDictionary()
        self._overall = Pacer(1 / pace.messages_a_second if pace.messages_a_second else 0.0)

    async def initialize(self) -> None:
        """Nothing to set up."""

    async def shutdown(self) -> None:
        """Nothing to let go of."""

    def pacer(self, chat: int) -> ChatPacer:
        """The turns of a chat, kept for as long as somebody holds them."""
        pacer = self._pacers.get(chat)
        if pacer is None:
            base_s = self.pace.private_s if chat > 0 else self.pace.group_s
            pacer = ChatPacer(lambda: max(base_s, len(self._pacers) / self.pace.edits_a_second))
            self._pacers[chat] = pacer
        return pacer

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: Urgency | None,
    ) -> Any:
        """Make one request of the library's, in the chat's turn where it is a message."""
        chat = data.get("chat_id")
        if not isinstance(chat, int) or not endpoint.startswith(("send", "edit", "copy")):
            return await callback(*args, **kwargs)
        pacer = self.pacer(chat)
        while True:
            if rate_limit_args is not Urgency.TURN_TAKEN:
                await pacer.turn(urgent=True)
            await self._overall.turn()
            try:
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                pacer.hold(pause_of(error))
                if rate_limit_args is Urgency.TURN_TAKEN:
                    raise
            finally:
                pacer.used()


def pause_of(error: RetryAfter) -> float:
    """How many seconds Telegram asks to wait."""
    after = error.retry_after
    return float(after if isinstance(after, int | float) else after.total_seconds())
