"""Files of the page: tables for a spreadsheet in which no cell is a formula."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import TYPE_CHECKING

from starlette.responses import Response

from bot.cost.export import safe_cell, to_csv
from bot.cost.report import cost_report
from bot.web.admin.sign_in import SignIn
from storage.records.figures import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from bot.imagine.service import Service
    from storage.records.figures import MemberLine

MOST_MEMBERS = 100_000


class Exports:
    """Each method answers one GET with a file."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    async def costs(self, request: Request) -> Response:
        """The report of a period as a table."""
        await self._sign_in.visit(request)
        report = await cost_report(self._service.store, self._service.config, _period(request))
        return _file(to_csv(report), f"easel-{report.start:%Y-%m-%d}.csv")

    async def members(self, request: Request) -> Response:
        """All members and what they used this month."""
        await self._sign_in.visit(request)
        lines = await self._service.store.members.list(limit=MOST_MEMBERS)
        return _file(members_csv(lines), "easel-members.csv")


def members_csv(lines: Iterable[MemberLine]) -> str:
    """A row for each member. Money in micro-units, time in microseconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["member", "tier", "accounts", *asdict(Tally())])
    for line in lines:
        accounts = " ".join(f"{one.platform}:{one.user_id}" for one in line.name.identities)
        words = (line.member.key, line.member.tier, accounts)
        writer.writerow([*map(safe_cell, words), *asdict(line.tally).values()])
    return text.getvalue()


def _period(request: Request) -> str:
    return request.query_params.get("period") or "month"


def _file(text: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv", headers=headers)
