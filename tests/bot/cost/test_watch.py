"""What the owners are told by themselves: limits that are passed, and how a month ended."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bot.alerts import Alerts
from bot.config.money import Cost
from bot.config.schema import Config
from bot.cost.watch import CostWatch, monthly, passed
from bot.messages import LANGUAGES, translator
from storage.clock import DAY_US, HOUR_US, to_us
from storage.records.figures import MeterSlice
from tests.bot.cost.figures import report
from tests.storage.house import HandClock, deliver, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.messages import Message
    from storage.store import Store

LIMITS = Config(cost=Cost(max_cost_an_image=Decimal("0.04"), max_idle_share=0.5))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def store(tmp_path: Path, clock: HandClock) -> AsyncIterator[Store]:
    async with await open_store(tmp_path, clock) as opened:
        yield opened


class Told:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.alerts = Alerts()
        self.alerts.subscribe(self.messages.append)

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.messages]


async def an_idle_hour(store: Store, clock: HandClock) -> None:
    member = (await store.members.of("discord", "1")).key
    await deliver(store, member)
    await store.meter.book(MeterSlice(clock() - HOUR_US, clock(), busy_us=HOUR_US // 10, overhead_us=0))


def test_a_limit_is_passed_only_above_it() -> None:
    assert [cause for cause, _ in passed(report(), LIMITS)] == ["cost:image", "cost:idle"]
    roomy = Config(cost=Cost(max_cost_an_image=Decimal("0.09"), max_idle_share=0.53))
    assert passed(report(), roomy) == []
    assert passed(report(), Config()) == []


async def test_each_limit_is_told_once_a_day(store: Store, clock: HandClock) -> None:
    told = Told()
    await an_idle_hour(store, clock)
    watch = CostWatch(store, LIMITS, told.alerts, clock=clock)
    for _ in range(5):
        await watch.look()
    assert told.ids == ["alert-cost-image", "alert-cost-idle"]


async def test_a_month_that_is_over_is_reported_once_also_after_a_restart(
    store: Store, clock: HandClock
) -> None:
    async def told_after_a_start() -> list[Message]:
        told = Told()
        await CostWatch(store, Config(), told.alerts, clock=clock).look()
        return told.messages

    await an_idle_hour(store, clock)
    assert await told_after_a_start() == []  # October had nothing in it
    clock.set(datetime(2026, 12, 1, 0, 30, tzinfo=UTC))
    [message] = await told_after_a_start()
    assert (message.id, message.args["period"], message.args["images"]) == ("cost-monthly", "2026-11", 1)
    assert await told_after_a_start() == []


async def test_no_monthly_report_where_none_is_wanted(store: Store, clock: HandClock) -> None:
    told = Told()
    await an_idle_hour(store, clock)
    clock.now_us += 30 * DAY_US
    await CostWatch(store, Config(cost=Cost(monthly_report=False)), told.alerts, clock=clock).look()
    assert told.ids == []


async def test_it_starts_looks_and_stops(store: Store, clock: HandClock) -> None:
    watch = CostWatch(store, LIMITS, Told().alerts, clock=clock)
    watch.start()
    await watch.stop()
    assert clock() == to_us(datetime(2026, 11, 23, 12, tzinfo=UTC))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_monthly_message_has_its_figures(language: str) -> None:
    text = translator(language)(monthly(report(), language))
    assert [
        part
        for part in ("20,000", "1,800.00", "0.0900", "0.0400", "1,847.00", "7 %", "16")
        if part not in text
    ] == []
