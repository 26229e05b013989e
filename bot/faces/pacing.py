"""How often a message may be edited: the newest state once an interval, never the same text twice."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bot.imagine.events import Done, Failed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bot.imagine.events import Event
    from bot.imagine.live import LiveRequest


class Pacer:
    """Gives out turns `every_s` seconds apart: for one message, or a chat whose messages share a limit."""

    def __init__(
        self,
        every_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._every_s = every_s
        self._clock = clock
        self._sleep = sleep
        self._next_s = clock()

    async def turn(self) -> None:
        """Wait for the next turn; waiters are served in order. A cancelled waiter's turn is lost."""
        now_s = self._clock()
        at_s = max(now_s, self._next_s)
        self._next_s = at_s + self._every_s
        if at_s > now_s:
            await self._sleep(at_s - now_s)

    def hold(self, for_s: float) -> None:
        """No turn before `for_s` seconds from now: the platform asked for a pause."""
        self._next_s = max(self._next_s, self._clock() + for_s)


async def paced(
    live: LiveRequest, turn: Callable[[], Awaitable[None]], looks: Callable[[Event], object]
) -> AsyncIterator[Event]:
    """Events worth an edit: the newest at each `turn`, none that `looks` like the last, and the outcome."""
    shown: object = None
    outcome = asyncio.ensure_future(live.outcome())
    try:
        async for event in live.events():
            if isinstance(event, Done | Failed):
                yield event
                return
            if looks(event) == shown:
                continue
            waiting = asyncio.ensure_future(turn())
            try:
                await asyncio.wait({waiting, outcome}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
            newest = live.latest
            if isinstance(newest, Done | Failed):
                continue
            if looks(newest) != shown:
                shown = looks(newest)
                yield newest
    finally:
        outcome.cancel()
