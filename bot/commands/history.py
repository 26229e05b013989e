"""`/history`: what a member asked for, page by page."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from babel.dates import format_datetime

from bot.imagine.picture import thumbnail
from bot.imagine.request import ImageRequest
from bot.messages import Moment
from bot.render import Card
from storage.errors import ImageGone
from storage.records.requests import JobState

if TYPE_CHECKING:
    from datetime import datetime

    from bot.imagine.asker import Asker
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.requests import RequestRecord

PAGE = 5
PROMPT_CHARS = 120


@dataclass(frozen=True, slots=True)
class Entry:
    """One request in a member's history; `job_ids` are those whose pictures are still kept.

    `waiting`: parked pictures, which are delivered, and counted, when they are fetched (`buttons.fetch`).
    """

    request_id: str
    card: Card
    job_ids: tuple[str, ...]
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of history, newest first. `after` asks `history` for the next one; None at the end."""

    title: str
    entries: tuple[Entry, ...]
    after: str | None = None


async def history(
    service: Service, asker: Asker, before: str | None, t: Translator, *, with_private: bool = True
) -> Page:
    """The member's requests, newest first; `before` is the request at which the last page ended.

    Where others read along, `with_private=False` leaves the private ones out.
    """
    member = await service.members.of(asker)
    records = await service.store.requests.history(member.key, PAGE + 1, before)
    read = [(record, ImageRequest.from_json(record.payload)) for record in records[:PAGE]]
    shown = [(record, request) for record, request in read if with_private or not request.private]
    looks = [await _thumbnail(service, record) for record, _ in shown]
    entries = tuple(
        _entry(service, record, request, look, t)
        for (record, request), look in zip(shown, looks, strict=True)
    )
    after = records[PAGE - 1].request_id if len(records) > PAGE else None
    return Page(t("history-title" if entries else "history-empty"), entries, after)


def shortened(prompt: str, limit: int = PROMPT_CHARS) -> str:
    """The beginning of a prompt, with an ellipsis where something was left off."""
    return prompt if len(prompt) <= limit else prompt[: limit - 1].rstrip() + "…"


def _entry(
    service: Service, record: RequestRecord, request: ImageRequest, look: bytes | None, t: Translator
) -> Entry:
    kept = tuple(job.job_id for job in record.jobs if job.image)
    facts = [
        (t("history-when"), _moment(record.created_at.astimezone(service.config.zone), t.language)),
        (t("fact-size"), str(request.size)),
        (t("fact-seed"), str(request.seed)),
        (t("history-state"), t(_state(record))),
        (t("history-id"), record.request_id),
    ]
    waiting = any(job.parked for job in record.jobs)
    card = Card(shortened(request.prompt), tuple(facts), picture=look)
    return Entry(record.request_id, card, kept, waiting)


def _state(record: RequestRecord) -> str:
    """One word for a request: the most hopeful of its jobs' states."""
    states = {job.state for job in record.jobs}
    if states & {JobState.QUEUED, JobState.RUNNING}:
        return "history-waiting"
    if any(job.image for job in record.jobs):
        return "history-kept"
    if states & {JobState.DELIVERED, JobState.DRAWN}:
        return "history-gone"
    return "history-cancelled" if JobState.CANCELLED in states else "history-failed"


def _moment(moment: datetime, language: str) -> Moment:
    return Moment(moment, format_datetime(moment, "short", locale=language.replace("-", "_")))


async def _thumbnail(service: Service, record: RequestRecord) -> bytes | None:
    """What a request's pictures look like; None where none is kept, or nobody has fetched them yet."""
    pngs = []
    for job in record.jobs:
        if job.image and not job.parked:
            with contextlib.suppress(ImageGone):
                pngs.append(await service.store.pictures.get(job.image))
    return await asyncio.to_thread(thumbnail, pngs)
