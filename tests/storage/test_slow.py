"""Going on slowly when the allowance is used: chosen, counted, never beyond its own limit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from storage.errors import QuotaExceeded
from tests.storage.house import TIERS, HandClock, ask, deliver, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from storage.store import Store

SLOW = {**TIERS, "free": replace(TIERS["free"], allowance=4, price_micro=7, slow=3)}


@pytest.fixture
async def store(tmp_path: Path, clock: HandClock) -> AsyncIterator[Store]:
    async with await open_store(tmp_path, clock, tiers=SLOW) as opened:
        yield opened
        assert await opened.check() == []


async def refused(store: Store, member: str, images: int = 1) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as error:
        await store.requests.accept(ask(member, images))
    return error.value


async def test_nothing_is_slow_before_it_was_chosen(store: Store, member: str) -> None:
    await deliver(store, member, 4)
    error = await refused(store, member)
    assert (error.slow_left, error.slow) == (3, False)
    quota = await store.members.quota(member)
    assert (quota.left, quota.slow_left, quota.slow) == (0, 3, False)


async def test_who_chose_it_goes_on_slowly_and_pays_nothing(store: Store, member: str) -> None:
    await store.members.go_slowly(member, yes=True)
    fast = await deliver(store, member, 4)
    slow = await deliver(store, member, 2)
    assert (fast.slow, slow.slow) == (False, True)
    assert (await store.requests.get(slow.request_id)).slow
    assert [row.price_micro for row in await store.ledger.rows()] == [7] * 4 + [0] * 2
    quota = await store.members.quota(member)
    assert (quota.used, quota.left, quota.slow_left) == (6, 0, 1)
    error = await refused(store, member, 2)
    assert (error.slow_left, error.slow) == (1, True)
    await deliver(store, member)
    assert (await refused(store, member)).left == 0


async def test_what_is_left_is_used_first(store: Store, member: str) -> None:
    await store.members.go_slowly(member, yes=True)
    await deliver(store, member, 3)
    assert (await refused(store, member, 2)).left == 1
    assert not (await deliver(store, member)).slow
    await store.members.grant(member, 1, by="admin")
    assert not (await deliver(store, member)).slow


async def test_many_at_once_never_pass_the_limit(store: Store, member: str) -> None:
    await store.members.go_slowly(member, yes=True)
    await deliver(store, member, 4)
    results = await asyncio.gather(
        *(store.requests.accept(ask(member)) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(result, QuotaExceeded) for result in results) == 7


async def test_it_is_chosen_for_a_month_and_can_be_taken_back(
    store: Store, member: str, clock: HandClock
) -> None:
    await store.members.go_slowly(member, yes=True)
    await store.members.go_slowly(member, yes=False)
    await deliver(store, member, 4)
    await refused(store, member)
    await store.members.go_slowly(member, yes=True)
    clock.advance(days=31)
    assert not (await store.members.quota(member)).slow


async def test_a_slow_image_that_failed_is_given_back(store: Store, member: str) -> None:
    await store.members.go_slowly(member, yes=True)
    await deliver(store, member, 4)
    request = (await store.requests.accept(ask(member, 3))).request
    assert (await store.members.quota(member)).slow_left == 0
    for job in request.jobs:
        await store.jobs.failed(job.job_id, "no GPU")
    assert (await store.members.quota(member)).slow_left == 3


async def test_a_tier_without_it_ends_with_its_allowance(store: Store, member: str) -> None:
    await store.members.set_tier(member, "member", by="admin")
    await store.members.go_slowly(member, yes=True)
    assert (await store.members.quota(member)).slow_left == 0
