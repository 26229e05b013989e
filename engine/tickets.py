"""Callers' handles on their jobs, and how a job ends: once, with a drawing or an error."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from engine.request import Draining, Drawing, EngineError, JobState, Progress, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from engine.job import Job
    from engine.request import DrawRequest
    from engine.worker.accounting import Clock

REMEMBERED = 1024
"""How many jobs that are over can still be asked about."""


class Source(Protocol):
    """The front, as far as a ticket needs it."""

    def progress(self, job_id: str) -> Progress: ...

    def cancel(self, job_id: str) -> bool: ...

    @property
    def news(self) -> News:
        """What a waiting job's position and ETA follow."""


class News:
    """Hears that any job moved, came or went, or a worker did; and wakes those who wait for that."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: set[Ticket] = set()

    def touch(self) -> None:
        """Something changed."""
        self.count += 1
        waiting, self._waiting = self._waiting, set()
        for ticket in waiting:
            ticket.touch()

    def touch_next_time(self, ticket: Ticket) -> None:
        self._waiting.add(ticket)


class Ticket:
    """A caller's handle on one job."""

    REFRESH_S, PER_PLACE_S, LONGEST_S = 1.0, 0.05, 30.0
    """How often a waiting job's position and ETA are looked at again at most, while others move: the farther
    it is, the more rarely.
    """

    def __init__(self, request: DrawRequest, source: Source) -> None:
        self.request = request
        self._source = source
        self._result: asyncio.Future[Drawing] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()
        self._last: Progress | None = None

    @property
    def job_id(self) -> str:
        return self.request.job_id

    @property
    def done(self) -> bool:
        return self._result.done()

    def progress(self) -> Progress:
        """The job as it stands now; after the end, as it ended."""
        return self._last if self._last is not None else self._source.progress(self.job_id)

    def cancel(self) -> bool:
        """False where the job was over already."""
        return self._source.cancel(self.job_id)

    async def result(self) -> Drawing:
        """The drawing. Raises the EngineError the job ended with. Cancelling the waiter cancels no job."""
        return await asyncio.shield(self._result)

    async def updates(self) -> AsyncIterator[Progress]:
        """The newest state whenever it changed; a slow reader misses some.

        The last is a final state, or the one in which a stopping engine handed the job back.
        """
        seen: Progress | None = None
        news = self._source.news
        while True:
            changed, count = self._changed, news.count
            now = self.progress()
            if now != seen:
                seen = now
                yield now
            if self.done:
                return
            rests_s = min(self.REFRESH_S + self.PER_PLACE_S * now.position, self.LONGEST_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rests_s):
                    await changed.wait()
            if news.count == count:
                news.touch_next_time(self)
                await changed.wait()

    def touch(self) -> None:
        """Wake whoever follows the job. For the front."""
        self._changed.set()
        self._changed = asyncio.Event()

    def settle(self, outcome: Drawing | EngineError, last: Progress) -> None:
        """The job is over. For the front."""
        self._last = last
        if isinstance(outcome, EngineError):
            self._result.set_exception(outcome)
            self._result.exception()  # read once, so that a result nobody asks for is not complained about
        else:
            self._result.set_result(outcome)
        self.touch()


class OpenJobs:
    """All jobs that are not over, with their tickets, and the end of the last ones that are."""

    def __init__(self, clock: Clock) -> None:
        self.news = News()
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._tickets: dict[str, Ticket] = {}
        self._over: OrderedDict[str, Progress] = OrderedDict()

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs.values())

    def open(self, job: Job, ticket: Ticket) -> None:
        self._jobs[job.job_id] = job
        self._tickets[job.job_id] = ticket
        self.news.touch()

    def job(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def ended(self, job_id: str) -> Progress:
        """How a job ended. Raises KeyError for one not known, or long over."""
        return self._over[job_id]

    def touch(self, job: Job) -> None:
        """Tell whoever follows the job that it moved."""
        self._tickets[job.job_id].touch()
        self.news.touch()

    def touch_all(self) -> None:
        """Wake whoever follows any job."""
        for ticket in self._tickets.values():
            ticket.touch()

    def waited_s(self, job: Job) -> float:
        """How long the job has waited, an earlier life of the process included."""
        return self._clock() - job.arrived_at

    def close(self, job: Job, outcome: Drawing | EngineError, state: JobState) -> None:
        """The job is over: its ticket is settled."""
        job.state = state
        del self._jobs[job.job_id]
        ticket = self._tickets.pop(job.job_id)
        ticket.settle(outcome, self._note(job.job_id, state, job.step, job.plan.steps))
        self.news.touch()

    def answer(self, ticket: Ticket, drawing: Drawing) -> None:
        """Settle a ticket that never was a job."""
        steps = ticket.request.steps
        ticket.settle(drawing, self._note(ticket.job_id, JobState.DONE, steps, steps))

    def let_go(self, why: str) -> tuple[str, ...]:
        """Hand every open job back. Returns their ids, oldest first."""
        left = sorted(self._jobs.values(), key=lambda job: job.arrived_at)
        for job in left:
            usage = Usage(queue_s=self.waited_s(job), billable=False)
            self.close(job, Draining(why, usage), JobState.QUEUED)
        return tuple(job.job_id for job in left)

    def _note(self, job_id: str, state: JobState, step: int, steps: int) -> Progress:
        last = self._over[job_id] = Progress(state, step, steps, 0.0)
        while len(self._over) > REMEMBERED:
            self._over.popitem(last=False)
        return last
