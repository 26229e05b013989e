"""Edits come at most once an interval, never twice the same, and the outcome waits for none of it."""

from __future__ import annotations

import asyncio
import itertools

from bot.faces.pacing import Pacer, paced
from bot.imagine.events import Event, Failed, Progress, Waiting
from bot.imagine.live import LiveRequest
from bot.imagine.request import ImageRequest
from bot.messages import say

DONE = Failed(say("error-draw"))


class Clock:
    """Time that passes only when the test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, for_s: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now_s + for_s, woken))
        await woken

    async def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        for at_s, sleeper in self._sleepers:
            if at_s <= self.now_s and not sleeper.done():
                sleeper.set_result(None)
        await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def request() -> LiveRequest:
    return LiveRequest(
        request_id="r",
        member="m",
        platform="test",
        request=ImageRequest("a cat", 64, 64, 8, 1),
        address={},
        language="en",
    )


def progress(step: int) -> Progress:
    return Progress(step, 8, 0, 1, eta_s=8 - step)


class Follower:
    def __init__(self, live: LiveRequest, clock: Clock, every_s: float = 2.0) -> None:
        self.seen: list[tuple[float, Event]] = []
        self._clock = clock
        pacer = Pacer(every_s, clock=clock, sleep=clock.sleep)
        self.task = asyncio.create_task(self._follow(live, pacer))

    async def _follow(self, live: LiveRequest, pacer: Pacer) -> None:
        async for event in paced(live, pacer.turn, lambda event: event):
            self.seen.append((self._clock.now_s, event))


async def test_the_newest_state_is_shown_once_an_interval() -> None:
    clock, live = Clock(), request()
    follower = Follower(live, clock)
    await settle()
    for step in range(1, 7):
        live.publish(progress(step))
        await clock.pass_s(0.5)
    live.publish(DONE)
    await follower.task
    times = [at_s for at_s, _ in follower.seen[:-1]]
    assert all(later - earlier >= 2.0 for earlier, later in itertools.pairwise(times))
    assert follower.seen[-1] == (3.0, DONE)
    assert (2.0, progress(4)) in follower.seen or (2.0, progress(5)) in follower.seen


async def test_the_same_is_not_shown_again() -> None:
    clock, live = Clock(), request()
    follower = Follower(live, clock)
    await settle()
    for _ in range(3):
        live.publish(Waiting(1, 9.0))
        await clock.pass_s(5)
    live.publish(DONE)
    await follower.task
    assert [event for _, event in follower.seen].count(Waiting(1, 9.0)) == 1


async def test_the_outcome_does_not_wait_for_a_turn() -> None:
    clock, live = Clock(), request()
    follower = Follower(live, clock, every_s=1000)
    await settle()
    live.publish(progress(1))
    await settle()
    live.publish(DONE)
    await follower.task
    assert follower.seen[-1] == (0.0, DONE)


async def test_two_messages_of_a_chat_share_its_turns() -> None:
    clock = Clock()
    pacer = Pacer(3.0, clock=clock, sleep=clock.sleep)
    turns: list[float] = []

    async def take() -> None:
        await pacer.turn()
        turns.append(clock())

    tasks = [asyncio.create_task(take()) for _ in range(3)]
    await settle()
    for _ in range(6):
        await clock.pass_s(1)
    await asyncio.gather(*tasks)
    assert [round(turn) for turn in turns] == [0, 3, 6]


async def test_a_platform_that_asks_for_a_pause_gets_it() -> None:
    clock = Clock()
    pacer = Pacer(1.0, clock=clock, sleep=clock.sleep)
    pacer.hold(30)
    turn = asyncio.create_task(pacer.turn())
    await clock.pass_s(29)
    assert not turn.done()
    await clock.pass_s(1)
    await turn
