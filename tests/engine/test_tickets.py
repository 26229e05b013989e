"""Whoever follows a waiting job is told when something changes, and nothing is looked at before."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from engine.request import DrawRequest, JobState, Progress
from engine.tickets import News, Ticket
from tests.engine.fleet import virtual

HOUR_S = 3600.0


class Queue:
    """One job in it, the fifth."""

    def __init__(self) -> None:
        self.news = News()
        self.now = Progress(JobState.QUEUED, 0, 4, eta_s=60.0, position=4)
        self.looks = 0

    def progress(self, job_id: str) -> Progress:
        self.looks += 1
        return self.now

    def cancel(self, job_id: str) -> bool:
        return False


def test_an_eta_is_told_again_when_something_changes_and_at_most_once_a_second() -> None:
    queue, told = Queue(), list[float]()

    async def follow(ticket: Ticket) -> None:
        async for progress in ticket.updates():
            told.append(progress.eta_s)

    async def play() -> None:
        following = asyncio.create_task(
            follow(Ticket(DrawRequest("a cat", 64, 64, 4, seed=1, job_id="a"), queue))
        )
        await asyncio.sleep(HOUR_S)
        assert queue.looks == 1, "an hour in which nothing happens costs nothing"
        for eta_s in (50.0, 40.0, 30.0):  # as when what was learned tells another time
            queue.now = replace(queue.now, eta_s=eta_s)
            queue.news.touch()
            await asyncio.sleep(0.1)
        assert told == [60.0, 50.0]
        await asyncio.sleep(HOUR_S)
        assert told == [60.0, 50.0, 30.0]
        assert queue.looks == 3
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following

    virtual.run(play())
