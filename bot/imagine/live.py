"""A request on its way: the newest event, and whoever follows it.

Progress is state, not a log: a follower that is slow (a platform that rate-limits edits) sees the newest
event and never a backlog of old ones.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.imagine.events import Accepted, Done, Event, Failed, Progress, Waiting
from bot.imagine.picture import sheet
from engine.request import JobState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from PIL.Image import Image

    from bot.imagine.request import ImageRequest
    from bot.messages import Message
    from engine.request import Progress as JobProgress


class LiveRequest:
    """One accepted request. Faces read it; only the service publishes to it."""

    def __init__(
        self,
        *,
        request_id: str,
        member: str,
        platform: str,
        request: ImageRequest,
        address: Mapping[str, object],
        language: str,
        notes: tuple[Message, ...] = (),
        tier: str | None = None,
        signal: Callable[[], asyncio.Event] = asyncio.Event,
    ) -> None:
        """`signal` makes what followers wait on until the next event."""
        self.request_id = request_id
        self.member = member
        self.platform = platform
        self.request = request
        self.address = dict(address)
        self.language = language
        self.tier = tier
        self.over = False
        """Every job was closed when this was read from the database: there is nothing left to hand over."""
        self.accepted = Accepted(notes)
        self._latest: Event = self.accepted
        self._signal = signal
        self._changed = signal()
        self._jobs: dict[str, JobProgress] = {}
        self._previews: dict[str, Image] = {}

    @property
    def latest(self) -> Event:
        return self._latest

    @property
    def finished(self) -> bool:
        return isinstance(self._latest, Done | Failed)

    async def events(self) -> AsyncIterator[Event]:
        """`Accepted`, then the newest event whenever it changed, ending with `Done` or `Failed`."""
        shown: Event = self.accepted
        yield shown
        while not isinstance(shown, Done | Failed):
            changed = self._changed
            if self._latest is shown:
                await changed.wait()
            shown = self._latest
            yield shown

    async def outcome(self) -> Done | Failed:
        """The last event."""
        async for event in self.events():
            if isinstance(event, Done | Failed):
                return event
        raise AssertionError("events end with an outcome")

    def publish(self, event: Event) -> None:
        if event != self._latest:
            self._latest = event
            self._changed.set()
            self._changed = self._signal()

    def job_moved(self, job_id: str, progress: JobProgress) -> None:
        """Fold one job's progress into the request's."""
        self._jobs[job_id] = progress
        if self.finished:
            return
        jobs = self._jobs.values()
        eta_s = max(job.eta_s for job in jobs)
        if all(job.state is JobState.QUEUED for job in jobs):
            unmanned, paused = any(job.unmanned for job in jobs), any(job.paused for job in jobs)
            self.publish(Waiting(min(job.position for job in jobs), eta_s, unmanned, paused))
            return
        done = sum(job.state is JobState.DONE for job in jobs)
        steps = sum(job.steps for job in jobs) * self.request.images // len(jobs)
        event = Progress(sum(job.step for job in jobs), steps, done, self.request.images, eta_s)
        self.publish(replace(event, preview=self._preview(job_id, progress)))

    def _preview(self, job_id: str, progress: JobProgress) -> Image | None:
        """The preview so far; of several pictures, the grid that they will form."""
        kept = self._latest.preview if isinstance(self._latest, Progress) else None
        if progress.preview is None or progress.preview is self._previews.get(job_id):
            return kept
        self._previews[job_id] = progress.preview
        if self.request.images == 1:
            return progress.preview
        return sheet([self._previews.get(f"{self.request_id}-{n}") for n in range(self.request.images)])
