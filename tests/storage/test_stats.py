"""`/stats` against the same figures recomputed from the raw ledger."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from storage.clock import from_us, to_us
from storage.months import Period
from storage.records.figures import LedgerRow, Outcome, Percentiles, Tally
from storage.records.requests import CancelledBy, Source
from tests.storage.house import USAGE, HandClock, ask, draw, open_store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from storage.store import Store


def tally(rows: Iterable[LedgerRow]) -> Tally:
    rows = list(rows)
    return Tally(
        images=sum(row.charged and row.outcome is not Outcome.UNDELIVERABLE for row in rows),
        failed=sum(row.outcome in (Outcome.FAILED, Outcome.EXPIRED) for row in rows),
        cancelled=sum(row.outcome is Outcome.CANCELLED for row in rows),
        undeliverable=sum(row.outcome is Outcome.UNDELIVERABLE for row in rows),
        refunded=sum(not row.charged for row in rows),
        gpu_us=sum(row.gpu_us for row in rows),
        energy_mj=sum(row.energy_mj or 0 for row in rows),
        cost_micro=sum(row.cost_micro for row in rows),
        revenue_micro=sum(row.price_micro for row in rows),
    )


async def live_through(store: Store, clock: HandClock, hours: float, requests: int, seed: int) -> None:
    """Requests of all kinds and ends, spread over some hours."""
    chance = random.Random(seed)
    people = [(await store.members.of("discord", str(number))).key for number in range(6)]
    for person, tier in zip(people, ("member", "enterprise"), strict=False):
        await store.members.set_tier(person, tier, by="admin")
    for _ in range(requests):
        clock.advance(seconds=chance.expovariate(requests / (hours * 3600)))
        source = Source(chance.choice(["discord", "telegram"]), str(chance.random()))
        request = (
            await store.requests.accept(ask(chance.choice(people), chance.choice([1, 1, 2]), source=source))
        ).request
        times = {name: int(chance.lognormvariate(15, 1)) for name in ("queue_us", "denoise_us", "gpu_us")}
        usage = replace(USAGE, width=chance.choice([128, 192]), **times)
        ending = chance.random()
        if ending < 0.1:
            for job in request.jobs:
                await store.jobs.failed(job.job_id, "no GPU", usage if chance.random() < 0.5 else None)
        elif ending < 0.2:
            for job in request.jobs:
                await store.jobs.cancelled(
                    job.job_id,
                    usage,
                    refunds_a_day=0 if chance.random() < 0.5 else None,
                    by=CancelledBy.MEMBER,
                )
        else:
            await draw(store, request, usage=usage)
            if ending < 0.3:
                await store.jobs.undeliverable(
                    request.request_id, "blocked", members_doing=chance.random() < 0.5
                )
            else:
                await store.jobs.acknowledge(request.request_id)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
async def test_any_period_is_what_its_ledger_rows_add_up_to(tmp_path: Path, zone: str) -> None:
    clock = HandClock(datetime(2026, 10, 29, 3, tzinfo=UTC))
    async with await open_store(tmp_path, clock, time_zone=zone) as store:
        await live_through(store, clock, hours=8 * 24, requests=250, seed=7)
        ledger = await store.ledger.rows(limit=10_000)
        for text in ("today", "2d", "7d", "month", "2026-10"):
            period = store.calendar.period(text, clock())
            rows = [row for row in ledger if period.start_us <= to_us(row.at) < period.end_us]
            stats = await store.stats.of(period)
            assert stats.total == tally(rows)
            assert stats.by_tier == {
                tier: tally(row for row in rows if row.tier == tier) for tier in {row.tier for row in rows}
            }
            assert stats.by_platform == {
                name: tally(row for row in rows if row.platform == name)
                for name in {row.platform for row in rows}
            }
            assert stats.by_model == {"embedded": tally(row for row in rows if row.model)}
            drawn = [row for row in rows if row.width]
            assert stats.by_size == {
                size: tally(row for row in drawn if f"{row.width}x{row.height}" == size)
                for size in {f"{row.width}x{row.height}" for row in drawn}
            }
            for kept, times in (
                (stats.wait, [row.wait_us for row in rows if row.wait_us is not None]),
                (stats.draw, [row.draw_us for row in rows if row.draw_us is not None]),
            ):
                assert kept.count == len(times)
                assert_close(kept, sorted(times))
            assert sum(one.count for one in stats.wait_by_tier.values()) == stats.wait.count
        assert await store.check() == []


def assert_close(kept: Percentiles, times: list[int]) -> None:
    for quantile_us, percent in ((kept.p50_us, 50), (kept.p95_us, 95)):
        if not times:
            assert quantile_us is None
            continue
        exact_us = times[-(-len(times) * percent // 100) - 1]
        assert quantile_us is not None
        assert abs(quantile_us / exact_us - 1) < 0.0906


async def test_top_members_of_the_month(tmp_path: Path) -> None:
    clock = HandClock()
    async with await open_store(tmp_path, clock) as store:
        await live_through(store, clock, hours=20, requests=80, seed=3)
        stats = await store.stats.of(store.calendar.period("today", clock()))
        counted = Counter(
            row.member
            for row in await store.ledger.rows(limit=10_000)
            if row.charged and row.outcome is not Outcome.UNDELIVERABLE
        )
        assert [one.tally.images for one in stats.top_members] == [n for _, n in counted.most_common(10)]
        for one in stats.top_members:
            assert one.tally == tally(await store.ledger.rows(limit=10_000, member=one.member))


async def test_nothing_happened(store: Store) -> None:
    stats = await store.stats.of(Period(0, 10 * 86_400_000_000))
    assert stats.total == Tally()
    assert (stats.by_tier, stats.top_members, stats.wait.p50_us, stats.share("free")) == ({}, (), None, 0.0)
    assert (stats.start, stats.currency) == (from_us(0), "CNY")


async def test_shares_and_the_order_of_tiers(tmp_path: Path) -> None:
    clock = HandClock()
    async with await open_store(tmp_path, clock) as store:
        await live_through(store, clock, hours=5, requests=60, seed=5)
        stats = await store.stats.of(store.calendar.period("today", clock()))
        assert list(stats.by_tier) == ["free", "member", "enterprise"]
        assert sum(stats.share(tier) for tier in stats.by_tier) == pytest.approx(1)
