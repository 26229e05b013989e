"""The ledger: one row a job, for good, at the rate that was valid; sums that always agree with it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.closing import bucket_us, log_bucket
from storage.records.figures import Outcome
from storage.records.members import DayUse
from storage.records.requests import CancelledBy
from tests.storage.house import USAGE, HandClock, ask, deliver, draw, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store

OTHERS = """
member, month, outcome, charged, from_topup, tier, platform, price_micro, gpu_us, energy_mj, cost_micro,
wait_us, draw_us, wait_bucket, draw_bucket, model, width, height, steps, device, cached, counts_as, kind
"""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET price_micro = 0",
        "DELETE FROM ledger",
        "INSERT OR REPLACE INTO ledger SELECT * FROM ledger",
        f"REPLACE INTO ledger SELECT entry, job, at_us + 1, {OTHERS} FROM ledger",
        "INSERT INTO ledger SELECT * FROM ledger WHERE true ON CONFLICT DO UPDATE SET price_micro = 1",
    ],
)
async def test_append_only(store: Store, member: str, statement: str) -> None:
    await deliver(store, member)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        await store.core.writer.write(lambda db: db.execute(statement))
    assert len(await store.ledger.rows()) == 1


async def test_no_second_row_for_a_job(store: Store, member: str) -> None:
    await deliver(store, member)
    again = f"INSERT INTO ledger SELECT NULL, job, at_us, {OTHERS} FROM ledger"
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        await store.core.writer.write(lambda db: db.execute(again))


async def test_a_row_tells_what_it_took_and_what_it_cost(store: Store, member: str) -> None:
    await store.members.set_tier(member, "member", by="admin")
    await deliver(store, member)
    [row] = await store.ledger.rows()
    assert (row.member, row.month, row.tier, row.platform) == (member, 202611, "member", "discord")
    assert (row.outcome, row.charged, row.price_micro) == (Outcome.DELIVERED, True, 50_000)
    assert (row.gpu_us, row.energy_mj) == (USAGE.gpu_us, USAGE.energy_mj)
    assert (row.wait_us, row.draw_us) == (USAGE.queue_us, 2_000_000)
    assert (row.model, row.width, row.height, row.steps) == ("embedded", 128, 128, 8)
    assert row.cost_micro == 1_800_000 * 4_400_000 // 3_600_000_000


async def test_the_rate_at_the_moment_of_drawing_counts(store: Store, member: str, clock: HandClock) -> None:
    clock.set(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))
    before = (await store.requests.accept(ask(member))).request
    await draw(store, before)
    clock.set(datetime(2026, 12, 1, tzinfo=UTC))
    await store.jobs.acknowledge(before.request_id)
    await deliver(store, member)
    assert [row.cost_micro for row in await store.ledger.rows()] == [2_200, 4_000]


async def test_a_top_up_image_costs_its_member_nothing_more(store: Store, member: str) -> None:
    await store.members.set_tier(member, "member", by="admin")
    await store.members.grant(member, 1, by="admin")
    await deliver(store, member, 501)
    rows = await store.ledger.rows()
    assert [row.from_topup for row in rows] == [False] * 500 + [True]
    assert sum(row.price_micro for row in rows) == 500 * 50_000


async def test_every_end_has_its_row(store: Store, member: str) -> None:
    request = (await store.requests.accept(ask(member, 3))).request
    await store.jobs.failed(request.jobs[0].job_id, "out of memory", USAGE)
    await store.jobs.cancelled(request.jobs[1].job_id, by=CancelledBy.MEMBER)
    await store.jobs.cancelled(request.jobs[2].job_id, USAGE, refunds_a_day=0, by=CancelledBy.MEMBER)
    rows = await store.ledger.rows()
    assert [(row.outcome, row.charged, row.gpu_us) for row in rows] == [
        (Outcome.FAILED, False, USAGE.gpu_us),
        (Outcome.CANCELLED, False, 0),
        (Outcome.CANCELLED, True, USAGE.gpu_us),
    ]
    assert rows[1].wait_us is None


async def test_read_in_pages_and_by_member(store: Store, member: str) -> None:
    stranger = (await store.members.of("telegram", "1")).key
    for _ in range(3):
        await deliver(store, member)
        await deliver(store, stranger)
    first = await store.ledger.rows(limit=4)
    rest = await store.ledger.rows(after=first[-1].entry)
    assert [row.entry for row in first + rest] == [1, 2, 3, 4, 5, 6]
    assert [row.entry for row in await store.ledger.rows(member=stranger)] == [2, 4, 6]


@given(st.integers(1000, 10**12))
def test_a_bucket_is_right_within_9_percent(duration_us: int) -> None:
    bucket = log_bucket(duration_us)
    assert bucket is not None
    assert abs(bucket_us(bucket) / duration_us - 1) < 0.0906


def test_no_time_has_no_bucket_and_a_short_one_the_first() -> None:
    assert log_bucket(None) is None
    assert log_bucket(0) == log_bucket(1000) == log_bucket(1)


async def test_use_by_day_begins_at_the_midnight_of_the_time_zone(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock, time_zone="Asia/Kathmandu") as store:  # +5:45
        _, key = await store.keys.create("shop", scopes=frozenset(), tier="enterprise", by="owner")
        clock.set(datetime(2026, 11, 22, 18, 14, tzinfo=UTC))
        await deliver(store, key.member, 2)
        clock.advance(minutes=1)
        await deliver(store, key.member)
        refunded = (await store.requests.accept(ask(key.member))).request
        await store.jobs.failed(refunded.jobs[0].job_id, "no GPU", USAGE)
        await deliver(store, (await store.members.of("discord", "another")).key)
        days = await store.ledger.use_by_day(key.member, store.calendar.period("month", clock()))
    assert days == [
        DayUse(20261122, 2, 2 * USAGE.gpu_us, 40_000),
        DayUse(20261123, 1, 2 * USAGE.gpu_us, 20_000),
    ]
