"""What a period cost: figures in groups, and how they went day by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.cost import report_text
from bot.cost.report import cost_report
from bot.imagine.pricing import money
from bot.render import duration
from bot.sales.income import income_facts
from bot.web.admin.charts import Column, chart
from bot.web.admin.names import NOBODY, Person, named
from bot.web.admin.sign_in import SignIn
from storage.clock import to_us
from storage.months import Period

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from bot.cost.report import CostReport
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.web.admin.charts import Chart
    from storage.records.figures import Day, Tally

PERIODS = ("today", "7d", "30d", "month")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: a tier, a platform, a size or a member."""

    name: str
    images: int
    gpu: str
    cost: str
    who: Person | None = None


class Costs:
    """The tab of a period."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    async def page(self, request: Request) -> Response:
        visit, store = await self._sign_in.visit(request), self._service.store
        period, t = request.query_params.get("period") or "month", visit.t
        report = await cost_report(store, self._service.config, period)
        days = await store.stats.days(Period(to_us(report.start), to_us(report.end)))
        months = [f"{month // 100}-{month % 100:02}" for month in await store.stats.months()]
        return self._sign_in.page(
            visit,
            "costs.html",
            title=report_text.title(report, t),
            period=period,
            periods=PERIODS,
            months=months,
            groups=[
                (t("page-money"), report_text.money_facts(report, t)),
                (t("page-time"), report_text.time_facts(report, t)),
                (t("page-outlook"), report_text.outlook(report, t)),
                (t("page-income"), await income_facts(store, self._service.config, report, t)),
            ],
            tables=await self._tables(report, t),
            charts=self._charts(days, t) if len(days) > 1 else [],
        )

    async def _tables(self, report: CostReport, t: Translator) -> list[tuple[str, list[Row]]]:
        names = await named(self._service.store, (member.member for member in report.top))

        def row(name: str, tally: Tally, who: Person | None = None) -> Row:
            return Row(
                name, tally.images, duration(tally.gpu_us / 1e6, t), self._money(tally.cost_micro, t), who
            )

        tiers = [row(line.name, line.tally) for line in report.tiers if line.tally.images]
        platforms = [row(name, tally) for name, tally in report.platforms.items()]
        sizes = [row(name, tally) for name, tally in report.sizes.items()]
        top = [row("", member.tally, names.get(member.member, NOBODY)) for member in report.top]
        tables = [("cost-by-tier", tiers), ("cost-by-platform", platforms), ("cost-by-size", sizes)]
        return [(t(title), rows) for title, rows in [*tables, ("cost-top", top)] if rows]

    def _charts(self, days: Sequence[Day], t: Translator) -> list[Chart]:
        def columns(figures: Sequence[tuple[Sequence[float], Sequence[str]]]) -> list[Column]:
            labels = [self._sign_in.day(day.start) for day in days]
            return [Column(label, *figure) for label, figure in zip(labels, figures, strict=True)]

        images = columns([([day.tally.images], [str(day.tally.images)]) for day in days])
        cash = columns(
            [
                (figures, [self._money(micro, t) for micro in figures])
                for day in days
                for figures in [(day.tally.cost_micro, day.tally.revenue_micro)]
            ]
        )
        waits_s = [(day.wait.p95_us or 0) / 1e6 for day in days]
        waits = columns([([wait_s], [duration(wait_s, t)]) for wait_s in waits_s])
        found = (
            chart(t("stats-images"), images),
            chart(t("page-money"), cash, (t("chart-cost"), t("stats-revenue"))),
            chart(t("page-waits-p95"), waits),
        )
        return [one for one in found if one is not None]

    def _money(self, micro: int, t: Translator) -> str:
        return money(micro, self._service.pricing.currency, t.language)
