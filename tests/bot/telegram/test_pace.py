"""Turns in a chat: spaced, results first, lost to nobody; and the edits that come of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.telegram.pace import ChatPacer, Pace, RateLimiter


@dataclass
class Clock:
    """Time that passes when a test says so."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


class Turns:
    """Notes who got a turn when."""

    def __init__(self, every_s: float = 3.0) -> None:
        self.clock = Clock()
        self.pacer = ChatPacer(lambda: every_s, clock=self.clock)
        self.taken: list[tuple[str, float]] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def take(self, name: str, *, urgent: bool = False) -> None:
        async def taking() -> None:
            await self.pacer.turn(urgent=urgent)
            self.taken.append((name, self.clock.now_s))

        self.tasks[name] = asyncio.ensure_future(taking())

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.clock.now_s += seconds
        for _ in range(8):
            self.pacer.hold(0.0)  # wakes whoever waits
            await asyncio.sleep(0)


async def test_turns_are_spaced() -> None:
    turns = Turns()
    for name in "abc":
        turns.take(name)
    for _ in range(9):
        await turns.passes(1.0)
    assert turns.taken == [("a", 100.0), ("b", 103.0), ("c", 106.0)]


async def test_a_result_goes_before_progress() -> None:
    turns = Turns()
    for name in ("first", "progress", "more progress"):
        turns.take(name)
    await turns.passes(1.0)
    turns.take("result", urgent=True)
    for _ in range(9):
        await turns.passes(1.0)
    assert [name for name, _ in turns.taken] == ["first", "result", "progress", "more progress"]


async def test_a_cancelled_waiter_costs_nobody_a_turn() -> None:
    turns = Turns()
    for name in "abc":
        turns.take(name)
    await turns.passes(1.0)
    turns.tasks["b"].cancel()
    for _ in range(3):
        await turns.passes(1.0)
    assert turns.taken == [("a", 100.0), ("c", 103.0)]


async def test_a_flood_wait_holds_everybody() -> None:
    turns = Turns()
    turns.pacer.hold(20.0)
    turns.take("a", urgent=True)
    for _ in range(19):
        await turns.passes(1.0)
    assert turns.taken == []
    await turns.passes(1.0)
    assert turns.taken == [("a", 120.0)]


async def test_a_chat_has_one_pacer_while_anybody_uses_it() -> None:
    chats = RateLimiter(Pace())
    first, second, other = chats.pacer(5), chats.pacer(5), chats.pacer(-5)
    assert first is second
    assert first is not other


async def test_groups_are_slower_and_many_chats_share_the_bots_limit() -> None:
    chats = RateLimiter(Pace(private_s=1.0, group_s=3.0, edits_a_second=15.0))
    assert (chats.pacer(5).every_s(), chats.pacer(-5).every_s()) == (1.0, 3.0)
    held = [chats.pacer(chat) for chat in range(1, 301)]
    assert held[0].every_s() >= 300 / 15
