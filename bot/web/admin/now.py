"""The queue and the machine at this moment, and what failed lately."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bot import render
from bot.commands import stats
from bot.imagine.events import Waiting
from bot.web.admin.names import NOBODY, Person, named
from bot.web.admin.sign_in import SignIn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.web.admin.sign_in import Visit

REFRESH_S = 10
MOST_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A request that waits or is drawn; its prompt is not the queue's business."""

    request_id: str
    who: Person
    tier: str
    size: str
    state: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed job."""

    at: str
    job_id: str
    who: Person
    tier: str
    reason: str


class Now:
    """The first tab. It loads itself again where the owner wants that: who reads it aloud may not."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    async def page(self, request: Request) -> Response:
        visit, service = await self._sign_in.visit(request), self._service
        live = request.query_params.get("live") == "1"
        return self._sign_in.page(
            visit,
            "now.html",
            live=live,
            refresh_s=REFRESH_S if live else 0,
            queue=await stats.queue(service, visit.t),
            gpu=await stats.gpu(service, visit.t),
            paused=service.models.default.backend.snapshot().admission_paused,
            rows=await self._rows(visit),
            failures=await self._failures(),
        )

    async def _rows(self, visit: Visit) -> list[Row]:
        waiting = self._service.requests.unfinished()
        names = await named(self._service.store, (live.member for live in waiting))
        return [_row(live, names, visit) for live in waiting]

    async def _failures(self) -> list[Failure]:
        failed = await self._service.store.requests.failed()
        names = await named(self._service.store, (job.member for one in failed for job in one.jobs))
        jobs = (
            Failure(
                self._sign_in.moment(request.created_at),
                job.job_id,
                names.get(job.member, NOBODY),
                request.tier,
                job.reason or "-",
            )
            for request in failed
            for job in request.jobs
        )
        return list(islice(jobs, MOST_FAILURES))


def _row(live: LiveRequest, names: Mapping[str, Person], visit: Visit) -> Row:
    match live.latest:
        case Waiting(position=position, eta_s=eta_s):
            state = visit.t("page-waits", position=position + 1, eta=render.duration(eta_s, visit.t))
        case event:
            state = render.status(event, visit.t)
    size = f"{live.request.size} × {live.request.images}"
    return Row(live.request_id, names.get(live.member, NOBODY), live.tier or "-", size, state)
