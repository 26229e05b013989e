"""What an owner looks at: the queue and the machine now, what it all costs, who the members are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bot import render
from bot.commands import stats
from bot.imagine.events import Waiting
from bot.imagine.pricing import money
from bot.web.admin.sign_in import SignIn

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.web.admin.sign_in import Visit
    from storage.records.figures import MemberLine

REFRESH_S = 10
MOST_FAILURES = 20
MOST_MEMBERS = 100
PERIODS = ("today", "7d", "month")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed job."""

    at: str
    job_id: str
    platform: str
    tier: str
    reason: str


class Pages:
    """Each method answers one GET."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    async def overview(self, request: Request) -> Response:
        """The queue with a button each, the machine, and what failed lately. It loads itself again."""
        visit, service = await self._sign_in.visit(request), self._service
        return self._sign_in.page(
            visit,
            "overview.html",
            refresh_s=REFRESH_S,
            queue=await stats.queue(service, visit.asker, visit.t),
            gpu=await stats.gpu(service, visit.asker, visit.t),
            paused=service.models.default.backend.snapshot().admission_paused,
            requests=[(live, self._facts(live, visit)) for live in service.requests()],
            failures=await self._failures(),
        )

    async def costs(self, request: Request) -> Response:
        """The report of a period, as words and as a chart."""
        visit = await self._sign_in.visit(request)
        period = request.query_params.get("period") or "month"
        card = await stats.cost(self._service.store, period, visit.t, self._service.config)
        return self._sign_in.page(visit, "costs.html", card=card, period=period, periods=PERIODS)

    async def members(self, request: Request) -> Response:
        """Who drew most this month, or who was looked for; each with a form for their tier."""
        visit = await self._sign_in.visit(request)
        who = request.query_params.get("who", "").strip()
        lines = await self._service.store.members.list(who or None, limit=MOST_MEMBERS)
        return self._sign_in.page(
            visit,
            "members.html",
            who=who,
            lines=[(line, self._cost(line, visit)) for line in lines],
            tiers=tuple(self._service.config.tiers),
            day=lambda moment: self._moment(moment, "%Y-%m-%d"),
        )

    def _facts(self, live: LiveRequest, visit: Visit) -> tuple[str, ...]:
        """A request in a few words; its prompt is not the queue's business."""
        size, images = live.request.size, live.request.images
        match live.latest:
            case Waiting(position=position, eta_s=eta_s):
                state = visit.t("page-waits", position=position + 1, eta=render.duration(eta_s))
            case event:
                state = render.status(event, visit.t)
        return (live.tier or "-", live.platform, f"{size} × {images}", state)

    def _cost(self, line: MemberLine, visit: Visit) -> str:
        return money(line.tally.cost_micro, self._service.pricing.currency, visit.t.language)

    async def _failures(self) -> list[Failure]:
        jobs = (
            Failure(
                self._moment(request.created_at, "%m-%d %H:%M"),
                job.job_id,
                request.source.platform,
                request.tier,
                job.reason or "-",
            )
            for request in await self._service.store.requests.failed()
            for job in request.jobs
        )
        return list(islice(jobs, MOST_FAILURES))

    def _moment(self, moment: datetime, form: str) -> str:
        return moment.astimezone(self._service.config.zone).strftime(form)
