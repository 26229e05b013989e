"""Members, and what admins change: kept with who, when and why."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from storage.errors import CannotOpen, UnknownMember, UnknownTier
from storage.records.members import Identity
from storage.settings import Scope
from tests.storage.house import NOON, TIERS, HandClock, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store


async def test_a_member_is_made_once_however_many_ask(store: Store) -> None:
    found = await asyncio.gather(*(store.members.of("discord", "5") for _ in range(20)))
    assert len({one.key for one in found}) == 1
    assert await store.members.identities(found[0].key) == (Identity("discord", "5"),)
    assert found[0].created_at == NOON
    assert (await store.members.of("telegram", "5")).key != found[0].key


async def test_a_key_tells_nothing_of_the_person(store: Store) -> None:
    keys = {(await store.members.of("discord", str(number))).key for number in range(50)}
    assert len(keys) == 50
    assert all(len(key) == 16 for key in keys)


async def test_changes_keep_who_when_and_why(store: Store, member: str, clock: HandClock) -> None:
    await store.members.set_tier(member, "member", datetime(2027, 1, 1, tzinfo=UTC), by="anna", why="paid")
    clock.advance(hours=1)
    await store.members.grant(member, 20, by="ben", why="a prize")
    await store.members.ban(member, by="anna", why="spam")
    await store.members.unban(member, by="ben", why="a mistake")
    await store.settings.set(Scope.server("discord", "77"), "language", "zh-CN", by="anna", why="asked for")
    rows = await store.audit.rows(subject=member)
    assert [(row.by, row.action, row.why) for row in rows] == [
        ("ben", "unban", "a mistake"),
        ("anna", "ban", "spam"),
        ("ben", "grant", "a prize"),
        ("anna", "set_tier", "paid"),
    ]
    assert rows[3].at == NOON
    assert "2027-01-01" in rows[3].detail
    assert (await store.audit.rows(limit=1))[0].subject == "discord:77"


async def test_a_refused_change_leaves_no_trace(store: Store, member: str) -> None:
    with pytest.raises(UnknownTier, match="free, member, enterprise"):
        await store.members.set_tier(member, "gold", by="anna")
    for change in (
        store.members.set_tier("nobody", "free", by="anna"),
        store.members.grant("nobody", 1, by="anna"),
        store.members.ban("nobody", by="anna"),
        store.members.unban("nobody", by="anna"),
        store.members.set_language("nobody", "en"),
    ):
        with pytest.raises(UnknownMember):
            await change
    with pytest.raises(ValueError, match="one image"):
        await store.members.grant(member, 0, by="anna")
    assert await store.audit.rows() == []


async def test_a_payment_is_credited_once(store: Store, member: str) -> None:
    answers = await asyncio.gather(
        *(store.members.grant(member, 20, by="shop", key="charge-1") for _ in range(5))
    )
    assert sorted(answers) == [False, False, False, False, True]
    assert (await store.members.quota(member)).topup == 20
    assert len(await store.audit.rows()) == 1


async def test_language(store: Store, member: str) -> None:
    await store.members.set_language(member, "zh-CN")
    assert (await store.members.get(member)).language == "zh-CN"


async def test_settings_by_scope(store: Store) -> None:
    await store.settings.set(Scope.server("discord", "1"), "channels", [1, 2], by="anna")
    await store.settings.set(Scope.server("discord", "1"), "preview", False, by="anna")
    await store.settings.set(Scope.server("discord", "2"), "preview", True, by="anna")
    assert await store.settings.of(Scope.server("discord", "1")) == {"channels": [1, 2], "preview": False}
    await store.settings.set(Scope.server("discord", "1"), "channels", None, by="anna")
    assert await store.settings.of(Scope.server("discord", "1")) == {"preview": False}
    assert await store.settings.of(Scope.server("discord", "3")) == {}


async def test_a_tier_that_is_configured_no_more_counts_as_the_default(
    tmp_path: Path, clock: HandClock
) -> None:
    async with await open_store(tmp_path, clock) as store:
        member = (await store.members.of("discord", "1")).key
        await store.members.set_tier(member, "member", by="admin")
    fewer = {"free": TIERS["free"], "enterprise": TIERS["enterprise"]}
    async with await open_store(tmp_path, clock, tiers=fewer) as store:
        assert (await store.members.of("discord", "1")).tier == "free"
        assert (await store.members.quota(member)).allowance == 100


async def test_the_currency_of_a_ledger_stays(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock, currency="CNY"):
        pass
    with pytest.raises(CannotOpen, match="kept CNY, configured USD"):
        await open_store(tmp_path, clock, currency="USD")
    async with await open_store(tmp_path, clock, currency="CNY"):
        pass


async def test_the_default_tier_must_be_one(tmp_path: Path, clock: HandClock) -> None:
    with pytest.raises(UnknownTier):
        await open_store(tmp_path, clock, default_tier="gold")
