"""Checks the cost every hour: alerts owners when a limit is exceeded, and reports each month's end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from bot.background.task import BackgroundTask
from bot.config.section import MICRO
from bot.cost.formulas import percent
from bot.cost.report import cost_report
from bot.imagine.pricing import money
from bot.messages import say
from storage.clock import HOUR_US, utc_us
from storage.errors import StoreUnavailable
from storage.settings import COST, Setting

if TYPE_CHECKING:
    from bot.alerts import Alerts
    from bot.config.schema import Config
    from bot.cost.report import CostReport
    from bot.messages import Message
    from storage.clock import Clock
    from storage.store import Store

log = structlog.get_logger(__name__)

PERIOD = "7d"
BY = "easel"


class CostWatch(BackgroundTask):
    """Each limit is reported once a day, each month once, across restarts too."""

    def __init__(self, store: Store, config: Config, alerts: Alerts, *, clock: Clock = utc_us) -> None:
        super().__init__()
        self._store = store
        self._config = config
        self._alerts = alerts
        self._clock = clock
        self._told_day: dict[str, int] = {}

    async def look(self) -> None:
        """Compare the last seven days with the limits, and report a month that is over."""
        now_us = self._clock()
        report = await cost_report(self._store, self._config, PERIOD, now_us=now_us)
        for cause, message in passed(report, self._config):
            day = self._store.calendar.day(now_us)
            if self._told_day.get(cause) != day:
                self._told_day[cause] = day
                self._alerts.tell(cause, message)
        if self._config.cost.monthly_report:
            await self._report_month(now_us)

    async def _report_month(self, now_us: int) -> None:
        calendar = self._store.calendar
        month = calendar.month(calendar.month_of(calendar.month(now_us)).start_us - 1)
        if (await self._store.settings.of(COST)).get(Setting.REPORTED_MONTH) == month:
            return
        period = f"{month // 100}-{month % 100:02d}"
        report = await cost_report(self._store, self._config, period, now_us=now_us)
        if report.up_us or report.total.images:
            self._alerts.tell(f"report:{period}", monthly(report, self._config.language))
        await self._store.settings.set(COST, Setting.REPORTED_MONTH, month, by=BY, why="monthly report")

    async def _run(self) -> None:
        while True:
            # At every full hour; by the first one whoever listens has come.
            await asyncio.sleep((HOUR_US - self._clock() % HOUR_US) / 1e6)
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("cost.not_read", reason=str(error))


def passed(report: CostReport, config: Config) -> list[tuple[str, Message]]:
    """The limits that this report passes: their names and what to say."""
    limits, found = config.cost, []
    each, idle = report.real_image_micro, report.idle_share
    if limits.max_cost_an_image is not None and each is not None:
        limit = int(limits.max_cost_an_image * MICRO)
        if each > limit:
            cost, most = (money(micro, report.currency, config.language) for micro in (each, limit))
            found.append(("cost:image", say("alert-cost-image", cost=cost, limit=most)))
    if limits.max_idle_share is not None and idle is not None and idle > limits.max_idle_share:
        share = f"{limits.max_idle_share:.0%}"
        found.append(("cost:idle", say("alert-cost-idle", idle=percent(idle), limit=share)))
    return found


def monthly(report: CostReport, language: str) -> Message:
    """How a month ended, in one message."""

    def cash(micro: int | None) -> str:
        return "-" if micro is None else money(micro, report.currency, language)

    return say(
        "cost-monthly",
        period=report.period,
        images=report.total.images,
        cost=cash(report.rent.total_micro),
        each=cash(report.real_image_micro),
        full=cash(report.full_image_micro),
        revenue=cash(report.revenue_micro),
        margin=cash(report.margin_micro),
        idle="-" if report.idle_share is None else percent(report.idle_share),
        free="-" if report.free_share is None else percent(report.free_share),
        refunded=report.total.refunded,
    )
