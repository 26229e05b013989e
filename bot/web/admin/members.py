"""The members: who drew most or was looked for, and everything about one of them."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from bot import render
from bot.imagine.pricing import money
from bot.web.admin.names import person
from bot.web.admin.sign_in import SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from bot.imagine.service import Service
    from bot.web.admin.sign_in import Visit
    from storage.records.figures import MemberLine

MOST_MEMBERS = 100


class Members:
    """The list, and a page for each."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    async def page(self, request: Request) -> Response:
        """Who drew most this month, or who was looked for."""
        visit = await self._sign_in.visit(request)
        sought = request.query_params.get("who", "").strip()
        lines = await self._service.store.members.list(sought or None, limit=MOST_MEMBERS)
        return self._sign_in.page(
            visit,
            "members.html",
            sought=sought,
            lines=[(line, person(line.name), self._cost(line, visit)) for line in lines],
            day=self._sign_in.day,
        )

    async def one(self, request: Request) -> Response:
        """A member: their month, and what an owner may change."""
        visit, store = await self._sign_in.visit(request), self._service.store
        lines = await store.members.list(f"#{request.path_params['number']}")
        if not lines:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        (line,) = lines
        quota = await store.members.quota(line.member.key)
        config = self._service.config
        tier = config.tiers.get(quota.tier)
        facts = render.quota_facts(quota, tier, self._service.pricing.currency, visit.t) if tier else []
        return self._sign_in.page(
            visit,
            "member.html",
            line=line,
            who=person(line.name),
            facts_found=facts,
            cost=self._cost(line, visit),
            tiers=tuple(config.tiers),
            once=secrets.token_hex(8),
            day=self._sign_in.day,
        )

    def _cost(self, line: MemberLine, visit: Visit) -> str:
        return money(line.tally.cost_micro, self._service.pricing.currency, visit.t.language)
