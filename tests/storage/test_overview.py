"""What a page for the owner lists: totals, members, failures, pictures; and whether the store can write."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.clock import to_us
from storage.errors import Reason, StoreUnavailable
from storage.months import Period
from storage.records.figures import Tally
from storage.records.requests import Source
from tests.storage.house import NOON, USAGE, HandClock, ask, deliver, draw, forget
from tests.storage.test_failure import TROUBLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from storage.store import Store


async def test_totals_are_the_whole_ledger_by_tier_platform_and_model(
    store: Store, member: str, clock: HandClock
) -> None:
    assert await store.stats.totals() == {}
    await deliver(store, member, 2)
    clock.advance(days=40)
    await deliver(store, member, source=Source("telegram", "1"))
    other = (await store.members.of("telegram", "2002")).key
    await store.members.set_tier(other, "member", by="owner")
    failed = (await store.requests.accept(ask(other))).request
    await store.jobs.failed(failed.jobs[0].job_id, "no GPU", USAGE)
    totals = await store.stats.totals()
    assert {key: (tally.images, tally.failed) for key, tally in totals.items()} == {
        ("free", "discord", "embedded"): (2, 0),
        ("free", "telegram", "embedded"): (1, 0),
        ("member", "discord", "embedded"): (0, 1),
    }
    ledger = await store.ledger.rows()
    assert sum(tally.gpu_us for tally in totals.values()) == sum(row.gpu_us for row in ledger)
    assert sum(tally.cost_micro for tally in totals.values()) == sum(row.cost_micro for row in ledger)


async def test_members_by_their_use_of_this_month(store: Store, member: str, clock: HandClock) -> None:
    busy = (await store.members.of("telegram", "2002")).key
    await deliver(store, busy, 2)
    await deliver(store, member)
    gone = (await store.members.of("discord", "3003")).key
    await forget(store, "discord", "3003")
    lines = await store.members.list()
    assert [line.member.key for line in lines] == [busy, member]
    assert [line.tally.images for line in lines] == [2, 1]
    assert lines[0].name.identities[0].user_id == "2002"
    assert (await store.members.names([busy, "nobody", gone])) == {busy: lines[0].name}
    _, key = await store.keys.create("shop", scopes=frozenset({"images"}), tier="free", by="owner")
    number = f"#{lines[0].name.number}"
    assert (await store.members.list("shop"))[0].name.label == "shop"
    assert (await store.members.names([key.member]))[key.member].label == "shop"
    for who, found in (
        (number, [busy]),
        ("#", []),
        ("2002", [busy]),
        (member, [member]),
        ("nobody", []),
        (gone, []),
        ("%", []),
    ):
        assert [line.member.key for line in await store.members.list(who)] == found
    assert len(await store.members.list(limit=1)) == 1
    clock.advance(days=31)
    assert {line.tally for line in await store.members.list()} == {Tally()}


async def test_failures_and_pictures_newest_first(store: Store, member: str, clock: HandClock) -> None:
    old = await deliver(store, member)
    clock.advance(hours=23)
    mixed = (await store.requests.accept(ask(member, 2))).request
    broken, good = mixed.jobs
    await store.jobs.failed(broken.job_id, "OutOfMemory", USAGE)
    ref = await store.pictures.put(b"another", ".png")
    await store.jobs.drawn(good.job_id, ref, USAGE)
    lost = (await store.requests.accept(ask(member))).request
    await draw(store, lost)
    await store.jobs.undeliverable(lost.request_id, "blocked", members_doing=True)
    failures = await store.requests.failed()
    assert [[job.reason for job in request.jobs] for request in failures] == [["blocked"], ["OutOfMemory"]]
    whole = Period(to_us(NOON), to_us(NOON + timedelta(days=2)))
    pictured = await store.requests.pictured(whole)
    assert [request.request_id for request in pictured] == [
        request.request_id for request in (lost, mixed, old)
    ]
    assert [job.job_id for job in pictured[1].jobs] == [good.job_id]
    later = Period(to_us(NOON + timedelta(hours=1)), whole.end_us)
    assert len(await store.requests.pictured(later)) == 2
    other = (await store.members.of("telegram", "2002")).key
    assert await store.requests.pictured(whole, member=other) == []
    assert await store.requests.pictured(whole, member=member, limit=1) == pictured[:1]
    await store.jobs.acknowledge(mixed.request_id)
    await store.pictures.delete(good.job_id)
    assert len(await store.requests.pictured(whole)) == 2


async def test_days_and_months_show_what_became_of_each(store: Store, member: str, clock: HandClock) -> None:
    assert (await store.stats.months(), await store.stats.days(store.calendar.month_of(202611))) != ((), ())
    await deliver(store, member, 2)
    clock.advance(days=1)
    await deliver(store, member)
    period = store.calendar.days(clock(), 3)
    days = await store.stats.days(period)
    assert [day.tally.images for day in days] == [0, 2, 1]
    assert [day.wait.count for day in days] == [0, 2, 1]
    assert sum(day.tally.cost_micro for day in days) == (await store.stats.of(period)).total.cost_micro
    clock.advance(days=62)
    assert await store.stats.months() == (202701, 202612, 202611)


# Not the first: SQLite's own limit counts new pages, of which a probe takes none. A full disk stops the log.
@pytest.mark.parametrize(
    ("trouble", "reason"), TROUBLES[1:], ids=lambda value: getattr(value, "__name__", "")
)
async def test_a_probe_tells_why_nothing_can_be_written(
    store: Store, trouble: Callable[[Store], AbstractAsyncContextManager[None]], reason: Reason
) -> None:
    await store.probe()
    async with trouble(store):
        with pytest.raises(StoreUnavailable) as told:
            await store.probe()
    assert told.value.reason is reason
    await store.probe()
