"""Gets accepted requests drawn: follows the engine's tickets, stores the pictures, writes down failures.

Whatever the engine answers, each job ends in exactly one row: drawn, failed or cancelled. A store that cannot
write delays that row and the picture with it; it loses neither (verbs that end a job wait by themselves).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bind_contextvars

from bot.imagine import refusals
from bot.imagine.engine_terms import EngineTerms
from bot.imagine.events import Done, Failed
from bot.imagine.picture import Picture, as_spoiler, is_spoiler
from bot.imagine.safety import Safety, Verdict
from bot.messages import Reason, say
from engine.request import (
    Cancelled,
    Draining,
    DrawFailed,
    EngineError,
    JobState,
    Usage,
)
from storage.errors import ImageGone, UnknownJob, UnknownMember
from storage.records.requests import CancelledBy, DrawUsage
from storage.records.requests import JobState as Row

if TYPE_CHECKING:
    from bot.config.schema import Config
    from bot.imagine.live import LiveRequest
    from bot.imagine.loras import Loras
    from bot.imagine.models import Models
    from engine.request import Drawing
    from engine.tickets import Ticket
    from storage.records.requests import JobRecord, RequestRecord
    from storage.store import Store

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class OpenRequest:
    """A request being drawn: the engine's tickets for its open jobs, and the results of the others."""

    live: LiveRequest
    tickets: dict[str, Ticket] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)
    failures: list[Failed] = field(default_factory=list)
    charged: int = 0
    """How many of the failures are cancelled jobs that are charged."""
    notes: set[str] = field(default_factory=set)
    cancelled_by: CancelledBy = CancelledBy.MEMBER
    """Who cancelled it, if anybody did."""
    kept: bool = False
    """The engine is shutting down: its jobs stay open in the database, and the next start resumes them."""


class JobRunner:
    """Takes the jobs of a request to their end. Owns no task: the service runs `draw` and cancels it."""

    def __init__(self, config: Config, models: Models, store: Store, safety: Safety, loras: Loras) -> None:
        self._config = config
        self._models = models
        self._store = store
        self._safety = safety
        self._terms = EngineTerms(config, models, loras)

    async def draw(self, open_request: OpenRequest) -> None:
        """Have every open job drawn and stored, then publish the outcome."""
        async with asyncio.TaskGroup() as jobs:
            for ticket in open_request.tickets.values():
                jobs.create_task(self._job(open_request, ticket))
        open_request.tickets.clear()
        await self.conclude(open_request)

    async def conclude(self, open_request: OpenRequest) -> None:
        """Publish the outcome of a request that has no open job."""
        live = open_request.live
        charged = (
            [say("cancelled-charged", images=open_request.charged).because(Reason.CANCELLED)]
            if open_request.charged
            else []
        )
        if open_request.kept:
            live.publish(Failed(say("error-draining-kept").because(Reason.DRAINING), kept=True))
            return
        if not open_request.pictures:
            live.publish(Failed(charged[0]) if charged else open_request.failures[0])
            return
        try:
            quota = await self._store.until_stored(
                lambda: self._store.members.quota(live.member, tier=live.tier)
            )
        except UnknownMember:  # forgotten, with all their pictures
            live.publish(Failed(say("error-gone").because(Reason.GONE)))
            return
        pictures = tuple(sorted(open_request.pictures.values(), key=lambda picture: picture.seed))
        cancelled = sum(failure.message.reason is Reason.CANCELLED for failure in open_request.failures)
        free = (
            [say("cancelled-some", images=cancelled - open_request.charged)]
            if cancelled > open_request.charged
            else []
        )
        notes = (*(say(note) for note in sorted(open_request.notes)), *free, *charged)
        live.publish(Done(pictures, quota, missing=len(open_request.failures) - cancelled, notes=notes))

    def collect(self, open_request: OpenRequest, record: RequestRecord) -> None:
        """Take over the results of jobs that an earlier process finished."""
        for job in record.jobs:
            self._collect_job(open_request, job)

    async def read(self, done: Done) -> Done | Failed:
        """The outcome with its pictures in memory, to be handed over. A lost file counts as missing."""
        pictures = []
        for picture in done.pictures:
            try:
                png = await self._store.pictures.get(picture.image)
            except ImageGone:
                await self._store.jobs.undeliverable([picture.job_id], "image gone", members_doing=False)
            else:
                pictures.append(replace(picture, png=png, spoiler=is_spoiler(png)))
        if not pictures:
            return Failed(say("error-gone").because(Reason.GONE))
        missing = done.missing + len(done.pictures) - len(pictures)
        return replace(done, pictures=tuple(pictures), missing=missing)

    async def give_up(self, open_request: OpenRequest, job_id: str, error: EngineError) -> None:
        """Close a job that cannot be drawn, with its refund."""
        reason = type(error).__name__
        usage = self._terms.usage(open_request.live.request, error.usage)
        await self._store.jobs.failed(job_id, reason, usage)
        open_request.failures.append(Failed(refusals.explain_engine(error).message))
        log.warning("job.failed", job_id=job_id, reason=reason)

    async def resubmit(self, open_request: OpenRequest, record: RequestRecord, job: JobRecord) -> None:
        """Hand the engine a job of an earlier process; one that it no longer takes is given up."""
        try:
            self.submit(open_request, record, job, accepted_before=True)
        except EngineError as error:  # another model, a smaller budget
            await self.give_up(open_request, job.job_id, error)
        except Exception as error:  # one job must not keep the bot from starting
            await self._broke(open_request, job.job_id, error)

    def submit(
        self,
        open_request: OpenRequest,
        record: RequestRecord,
        job: JobRecord,
        *,
        accepted_before: bool = False,
    ) -> None:
        """Hand a job to the engine. Raises EngineError."""
        request = open_request.live.request
        backend = self._models.named(request.model).backend
        draw = self._terms.request(record, request, job)
        open_request.tickets[job.job_id] = backend.submit(draw, accepted_before=accepted_before)

    async def _job(self, open_request: OpenRequest, ticket: Ticket) -> None:
        """Take one job to its end. Its row may be gone by then, if the member asked to be forgotten."""
        bind_contextvars(job_id=ticket.job_id)  # of this task: whatever is logged below tells whose it is
        try:
            await self._to_its_end(open_request, ticket)
        except UnknownJob:
            ticket.cancel()
            open_request.failures.append(Failed(say("cancelled-refunded").because(Reason.CANCELLED)))

    async def _to_its_end(self, open_request: OpenRequest, ticket: Ticket) -> None:
        """From the queue to a stored picture or a written failure."""
        try:
            drawing = await self._watch(open_request, ticket)
            verdict = await self._safety.verdict(drawing.image)
            if verdict is Verdict.REFUSE:
                await self._refuse(open_request, drawing)
            else:
                await self._keep(open_request, drawing, spoiler=verdict is Verdict.SPOILER)
        except Cancelled as error:
            await self._cancelled(open_request, ticket.job_id, error)
        except Draining:
            open_request.kept = True  # its row stays open: the next start goes on from there
        except EngineError as error:
            await self.give_up(open_request, ticket.job_id, error)
        except UnknownJob:
            raise
        except Exception as error:
            await self._broke(open_request, ticket.job_id, error)

    async def _broke(self, open_request: OpenRequest, job_id: str, error: Exception) -> None:
        """Whatever it is, the member hears of it and pays nothing."""
        log.exception("job.broke", job_id=job_id)
        await self.give_up(open_request, job_id, DrawFailed(str(error)))

    async def _watch(self, open_request: OpenRequest, ticket: Ticket) -> Drawing:
        running = False
        async for progress in ticket.updates():
            if not running and progress.state is JobState.RUNNING:
                running = True
                await self._store.jobs.running(ticket.job_id)
            open_request.live.job_moved(ticket.job_id, progress)
        return await ticket.result()

    async def _keep(self, open_request: OpenRequest, drawing: Drawing, *, spoiler: bool) -> None:
        """Store a drawing as the picture that will be handed out."""
        request, job = open_request.live.request, drawing.request
        png = as_spoiler(drawing.png) if spoiler else drawing.png
        usage = self._terms.usage(request, drawing.usage)
        image = await self._store.pictures.put(png, ".png")
        cost_micro = await self._store.jobs.drawn(job.job_id, image, usage)
        open_request.pictures[job.job_id] = _picture(job.job_id, job.seed, image, usage, cost_micro)
        if drawing.prompt_truncated:
            open_request.notes.add("note-prompt-cut")
        log.info("job.drawn", job_id=job.job_id, gpu_us=usage.gpu_us, cached=usage.cached)

    async def _cancelled(self, open_request: OpenRequest, job_id: str, error: Cancelled) -> None:
        """A cancel before the first step is free; later ones are refunded a few times a day."""
        charged = await self._give_back(open_request, job_id, error.usage, by=open_request.cancelled_by)
        open_request.charged += charged
        open_request.failures.append(Failed(say("cancelled-refunded").because(Reason.CANCELLED)))
        log.info("job.cancelled", job_id=job_id, charged=charged)

    async def _refuse(self, open_request: OpenRequest, drawing: Drawing) -> None:
        """A picture that must not be shown; refunded as often as a cancel is."""
        job_id = drawing.request.job_id
        charged = await self._give_back(open_request, job_id, drawing.usage, by=CancelledBy.SAFETY)
        told = say("moderation-image-charged" if charged else "moderation-image")
        open_request.failures.append(Failed(told.because(Reason.POLICY)))
        log.info("job.refused", job_id=job_id, charged=charged)

    async def _give_back(
        self, open_request: OpenRequest, job_id: str, used: Usage, *, by: CancelledBy
    ) -> bool:
        """Close a job without a picture. True if it is charged: it had begun, and no refund is left today."""
        usage = self._terms.usage(open_request.live.request, used)
        refunds_a_day = self._config.limits.refunded_cancels_a_day if used.started else None
        return await self._store.jobs.cancelled(job_id, usage, by=by, refunds_a_day=refunds_a_day)

    def _collect_job(self, open_request: OpenRequest, job: JobRecord) -> None:
        if job.image and job.usage and job.state in (Row.DRAWN, Row.DELIVERED):
            open_request.pictures[job.job_id] = _picture(
                job.job_id, job.seed, job.image, job.usage, job.cost_micro
            )
        elif job.state is Row.CANCELLED:
            open_request.charged += job.charged
            open_request.failures.append(Failed(say("cancelled-refunded").because(Reason.CANCELLED)))
        elif job.state not in (Row.QUEUED, Row.RUNNING):
            open_request.failures.append(Failed(say("error-draw").because(Reason.FAILED)))


def _picture(job_id: str, seed: int, image: str, usage: DrawUsage, cost_micro: int) -> Picture:
    return Picture(
        job_id,
        seed,
        image,
        usage.draw_us / 1e6,
        usage.gpu_us,
        cost_micro,
        energy_mj=usage.energy_mj,
        cached=usage.cached,
    )
