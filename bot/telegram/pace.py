"""How often a chat may be edited: all its requests take turns, results before progress.

Telegram asks for about one message a second in a private chat, 20 a minute in a group, 30 a second over all.
Progress is worth less than results, so it may use half of the last, and steps aside for what cannot wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from bot.faces.pacing import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two edits of a chat, edits a second over all, seconds before the first new try."""

    private_s: float = 1.0
    group_s: float = 3.0
    edits_a_second: float = 15.0
    retry_s: float = 0.5


class ChatPacer(Pacer):
    """One chat's turns. An urgent waiter goes before the others; a cancelled one costs nobody a turn."""

    def __init__(
        self,
        every_s: Callable[[], float],
        *,
        retry_s: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(0.0, clock=clock)
        self.retry_s = retry_s
        self._interval_s = every_s
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
        """Something was sent without waiting for a turn; the next turn is later for it."""
        self._next_s = max(self._clock(), self._next_s) + self._interval_s()

    def used(self) -> None:
        """A request was answered: the interval begins anew, so that none comes too soon after a slow one."""
        self._next_s = max(self._next_s, self._clock() + self._interval_s())

    def hold(self, for_s: float) -> None:
        super().hold(for_s)
        self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class Chats:
    """The pacer of each chat, for as long as somebody holds it."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._pacers: WeakValueDictionary[int, ChatPacer] = WeakValueDictionary()

    def pacer(self, chat_id: int) -> ChatPacer:
        """The one all requests of this chat share."""
        pacer = self._pacers.get(chat_id)
        if pacer is None:
            base_s = self._pace.private_s if chat_id > 0 else self._pace.group_s
            pacer = ChatPacer(
                lambda: max(base_s, len(self._pacers) / self._pace.edits_a_second),
                retry_s=self._pace.retry_s,
            )
            self._pacers[chat_id] = pacer
        return pacer
