"""Closed requests go after their term, with prompts and pictures; the ledger and all figures stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.errors import ImageGone, UnknownRequest
from tests.storage.house import CAPPED, HandClock, ask, deliver, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store

DAY_S = 86_400


async def test_a_closed_request_goes_after_its_term(store: Store, member: str, clock: HandClock) -> None:
    old = await deliver(store, member, 2)
    waiting = (await store.requests.accept(ask(member))).request
    period = store.calendar.period("month", clock())
    before = (await store.stats.of(period)).total
    clock.advance(days=10)
    assert await store.requests.prune(closed_for_s=10 * DAY_S) == 0
    recent = await deliver(store, member)
    clock.advance(days=1)
    assert await store.requests.prune(closed_for_s=10 * DAY_S) == 1
    with pytest.raises(UnknownRequest):
        await store.requests.get(old.request_id)
    for kept in (waiting, recent):
        await store.requests.get(kept.request_id)
    assert len(await store.ledger.rows()) == 3
    assert (await store.stats.of(period)).total == before
    assert await store.check() == []


async def test_its_pictures_go_with_it(store: Store, member: str, clock: HandClock) -> None:
    old = await deliver(store, member)
    clock.advance(days=2)
    await store.requests.prune(closed_for_s=DAY_S)
    assert old.jobs[0].image is not None
    with pytest.raises(ImageGone):
        await store.pictures.get(old.jobs[0].image)


async def test_daily_counts_agree_afterwards(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock, tiers=CAPPED) as store:
        member = (await store.members.of("discord", "1")).key
        for _ in range(4):
            await deliver(store, member, platform_server="7", account_age_s=90_000)
            clock.advance(days=1)
        assert await store.requests.prune(closed_for_s=2 * DAY_S) == 2
        assert await store.check() == []
