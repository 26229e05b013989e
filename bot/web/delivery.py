"""Which connections still wait for which request, and what becomes of a request that none waits for.

Several connections may wait for one request, and one that is gone cannot be edited later as a message can. So
HTTP has a delivery of its own instead of the one that chats share.

A client that came with an Idempotency-Key may come back: its pictures are drawn and kept for it, uncharged
until they are fetched, as long as not too many of its pictures wait so. One without cannot: its request is
cancelled, and what was drawn all the same is given back as often as cancels are; always where it was this
process that ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING

import structlog

from bot.imagine.events import Accepted, Failed, Waiting
from bot.tasks import Tasks
from storage.errors import UnknownJob, UnknownRequest
from storage.keys import PLATFORM
from storage.records.requests import CancelledBy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service

    class Reader(Protocol):
        """A connection that is waiting for a request's pictures."""

        live: LiveRequest

        def turn_away(self) -> None:
            """Tell the client to come back later."""


log = structlog.get_logger(__name__)

COMES_BACK = "comes_back"
"""In a request's address: its client has a key to ask for it again."""


class Delivery:
    """Knows every open connection. `recover` at the start, `drain` and `close` at the end."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._readers: set[Reader] = set()
        self._count: Counter[str] = Counter()
        self._fewer = asyncio.Event()
        self._tasks = Tasks("api.delivery")
        self.draining = False

    async def recover(self) -> None:
        """Go on with what an earlier process left: nobody waits for it now."""
        for live in await self._service.requests.undelivered(PLATFORM):
            self._let_go(live, by=CancelledBy.SYSTEM)

    @contextlib.contextmanager
    def reading(self, reader: Reader) -> Iterator[None]:
        """While a connection waits for its request."""
        request_id = reader.live.request_id
        self._readers.add(reader)
        if self.draining:  # accepted just before that began
            reader.turn_away()
        self._count[request_id] += 1
        try:
            yield
        finally:
            self._readers.discard(reader)
            self._count[request_id] -= 1
            if not self._count[request_id]:
                del self._count[request_id]
            self._fewer.set()

    async def taken(self, job_id: str, receipt: str) -> None:
        """The client has every byte of one picture: charged, even if the client hangs up meanwhile."""
        await asyncio.shield(self._tasks.start(self._charge(job_id, receipt)))

    async def _charge(self, job_id: str, receipt: str) -> None:
        with contextlib.suppress(UnknownJob):  # forgotten, at its member's wish
            await self._service.taken(job_id, receipt)

    async def handed_over(self, live: LiveRequest, receipt: str) -> None:
        """The client has every byte: charged, and closed."""
        await self._service.delivered(live, receipt)
        log.info("http.delivered", request_id=live.request_id, images=live.request.images)

    def told(self, live: LiveRequest, outcome: Failed) -> None:
        """The client knows that there will be no picture."""
        if not outcome.kept:
            self._service.requests.closed(live)

    def left(self, live: LiveRequest) -> None:
        """A client is gone before it had everything."""
        if not self._count[live.request_id]:
            self._let_go(live, by=CancelledBy.SYSTEM if self.draining else CancelledBy.MEMBER)

    async def drain(self, timeout_s: float) -> None:
        """Turn away requests that are still queued, and give those being drawn this long to finish."""
        self.draining = True
        for reader in list(self._readers):
            if isinstance(reader.live.latest, Accepted | Waiting):
                reader.turn_away()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._readers:
                    self._fewer.clear()
                    await self._fewer.wait()
        for reader in list(self._readers):
            reader.turn_away()

    async def settled(self) -> None:
        """Wait until nobody waits, and what they left is dealt with."""
        while self._readers or len(self._tasks):
            await self._tasks.settled()
            if self._readers:
                self._fewer.clear()
                await self._fewer.wait()

    async def close(self) -> None:
        """Stop. What is unfinished stays in the database."""
        await self._tasks.close()

    def _let_go(self, live: LiveRequest, *, by: CancelledBy) -> None:
        self._tasks.start(self._without_readers(live, by))

    async def _without_readers(self, live: LiveRequest, by: CancelledBy) -> None:
        with contextlib.suppress(UnknownRequest, UnknownJob):  # forgotten, at its member's wish
            await (self._keep(live) if live.address.get(COMES_BACK) else self._drop(live, by))

    async def _keep(self, live: LiveRequest) -> None:
        outcome = await live.outcome()
        if self._count[live.request_id]:  # somebody came back, and takes it from here
            return
        if isinstance(outcome, Failed):
            self.told(live, outcome)
        elif await self._unfetched(live) > self._service.config.http.unfetched_by_key:
            await self._service.delivered(live, "not fetched")
        else:
            await self._service.park(live)

    async def _unfetched(self, live: LiveRequest) -> int:
        """Images that are held for this key, uncharged."""
        return (await self._service.store.members.quota(live.member, tier=live.tier)).reserved

    async def _drop(self, live: LiveRequest, by: CancelledBy) -> None:
        self._service.requests.cancel(live.request_id, None, by=by)
        outcome = await live.outcome()
        if isinstance(outcome, Failed):
            self.told(live, outcome)
        else:
            await self._service.abandoned(live, by=by)
