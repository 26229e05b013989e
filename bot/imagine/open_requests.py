"""The requests that are not over: new ones, those of an earlier process, and old ones to be delivered again.

Each is drawn in a task that outlives the event that asked for it. Whatever the process knows of a request it
can read again from the database, where `resume` goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextvars import Context
from typing import TYPE_CHECKING, TypeVar

from bot.imagine.drawing import OpenRequest
from bot.imagine.events import Failed
from bot.imagine.live import LiveRequest
from bot.imagine.request import ImageRequest
from bot.messages import Reason, UserError, say
from bot.tasks import Tasks
from storage.records.requests import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from bot.config.schema import Config
    from bot.imagine.drawing import JobRunner
    from storage.records.members import Member
    from storage.records.requests import CancelledBy, RequestRecord
    from storage.store import Store

STORING_S = 10.0
"""How long `stop` waits for the last pictures to be stored. One that is not stored by then is drawn again."""
LANGUAGE = "language"
CLOSED = (JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED)
T = TypeVar("T")


class OpenRequests:
    """Finds, cancels and resumes requests. `resume` at the start, `stop` after the engine's stop."""

    def __init__(
        self,
        config: Config,
        store: Store,
        runner: JobRunner,
        signal: Callable[[], asyncio.Event] = asyncio.Event,
    ) -> None:
        """`signal` makes what those who follow a request wait on."""
        self._config = config
        self._store = store
        self._runner = runner
        self.signal = signal
        self._open: dict[str, OpenRequest] = {}
        self._tasks = Tasks("requests", told=UserError)

    # finding

    def get(self, request_id: str) -> LiveRequest | None:
        """A request on its way, or None where it is over or unknown."""
        open_request = self._open.get(request_id)
        return open_request.live if open_request else None

    def unfinished(self, member: str | None = None) -> list[LiveRequest]:
        """The requests that are still being drawn, the oldest first: a member's, or everybody's."""
        lives = (open_request.live for open_request in self._open.values() if not open_request.live.finished)
        return [live for live in lives if member in (None, live.member)]

    async def undelivered(self, platform: str) -> list[LiveRequest]:
        """Requests of `platform` from before the last stop: being drawn again, or drawn and not delivered."""
        lives = [
            open_request.live
            for open_request in self._open.values()
            if open_request.live.platform == platform
        ]
        known = {live.request_id for live in lives}
        written = await self._store.requests.undelivered(platform)
        ids = [record.request_id for record in written if record.request_id not in known]
        return lives + [await self._read(await self._store.requests.get(id_)) for id_ in ids]

    async def untold(self, platform: str) -> list[LiveRequest]:
        """Requests of `platform` that failed or were cancelled, and whose messages do not say so yet."""
        lives = [await self._read(record) for record in await self._store.requests.untold(platform)]
        for live in lives:
            live.over = False
        return lives

    async def known(self, record: RequestRecord) -> LiveRequest:
        """A request that was accepted before, wherever it stands now."""
        return self.get(record.request_id) or await self._read(record)

    async def revisit(self, request_id: str, language: str) -> LiveRequest:
        """A request from the history, to be delivered again, in `language`. Raises UnknownRequest."""
        live = self.get(request_id) or await self._read(await self._store.requests.get(request_id))
        live.language = language
        return live

    # their way

    def start(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        """Run `work` in a task of ours, not in the context of the event that asked for it."""
        return Context().run(self._tasks.start, work)

    def follow(self, open_request: OpenRequest) -> None:
        """Have a request's tickets drawn."""
        self._open[open_request.live.request_id] = open_request
        self.start(self._runner.draw(open_request))

    def cancel(self, request_id: str, member: Member | None, *, by: CancelledBy) -> bool:
        """Cancel what is not drawn yet: a `member` their own, None anybody's. `by` decides who pays.

        False where it is another's or too late.
        """
        open_request = self._open.get(request_id)
        if open_request is None or (member is not None and member.key != open_request.live.member):
            return False
        open_request.cancelled_by = by
        return sum(ticket.cancel() for ticket in open_request.tickets.values()) > 0

    def closed(self, live: LiveRequest) -> None:
        """The face is done with this request."""
        self._open.pop(live.request_id, None)
        if isinstance(live.latest, Failed):
            self.start(self._store.requests.told(live.request_id))

    # from one process to the next

    async def resume(self) -> int:
        """Queue what an earlier process accepted and did not finish, in its old order; how many that are."""
        for record in await self._store.requests.unfinished():
            await self._resume(await self._store.requests.get(record.request_id))
        return len(self._open)

    async def stop(self) -> None:
        """Let what the engine still drew be stored, then follow no request any more."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STORING_S):
                    await self._tasks.settled()
        finally:
            await self._tasks.close()

    async def _resume(self, record: RequestRecord) -> None:
        open_request = OpenRequest(self._live(record))
        for job in record.jobs:
            if job.state in (JobState.QUEUED, JobState.RUNNING):
                await self._runner.resubmit(open_request, record, job)
        self._runner.collect(open_request, record)
        self.follow(open_request)

    async def _read(self, record: RequestRecord) -> LiveRequest:
        """A request none of whose jobs is open: its pictures come from the store."""
        open_request = OpenRequest(self._live(record))
        open_request.live.over = all(job.state in CLOSED for job in record.jobs)
        self._runner.collect(open_request, record)
        if not open_request.pictures and not open_request.failures:
            open_request.failures.append(Failed(say("error-gone").because(Reason.GONE)))
        await self._runner.conclude(open_request)
        self._open[record.request_id] = open_request
        return open_request.live

    def _live(self, record: RequestRecord) -> LiveRequest:
        """A request as it stands in the database."""
        address = json.loads(record.address)
        return LiveRequest(
            request_id=record.request_id,
            member=record.member,
            platform=record.source.platform,
            request=ImageRequest.from_json(record.payload),
            address=address,
            language=address.pop(LANGUAGE, self._config.language),
            tier=record.tier,
            signal=self.signal,
        )


def written_address(address: Mapping[str, object], language: str) -> str:
    """Where a request is shown, as the store keeps it: with the language to use after a restart."""
    return json.dumps({**address, LANGUAGE: language})
