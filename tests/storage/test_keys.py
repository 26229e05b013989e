"""API keys: shown once, kept as a hash, good until they expire or are revoked."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.errors import UnknownTier
from tests.storage.house import NOON, HandClock, deliver

if TYPE_CHECKING:
    from storage.store import Store


async def test_a_key_opens_its_own_member(store: Store) -> None:
    text, key = await store.keys.create(
        "shop", scopes=frozenset({"images", "usage"}), tier="enterprise", by="owner"
    )
    found = await store.keys.find(text)
    assert found == key
    assert (found.label, found.scopes, found.created_at) == ("shop", {"images", "usage"}, NOON)
    assert (await store.members.get(found.member)).tier == "enterprise"
    await deliver(store, found.member)


async def test_two_keys_are_two_members(store: Store) -> None:
    made = [await store.keys.create("shop", scopes=frozenset(), tier="free", by="owner") for _ in range(2)]
    assert len({text for text, _ in made}) == len({key.member for _, key in made}) == 2
    assert {key.prefix for key in await store.keys.all()} == {key.prefix for _, key in made}


async def test_what_is_no_key(store: Store) -> None:
    text, key = await store.keys.create("shop", scopes=frozenset(), tier="free", by="owner")
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    for attempt in (
        "",
        "easel",
        wrong,
        text + "0",
        text.upper(),
        f"easel_{key.prefix}_",
        "easel_none_x",
        "\0_\0_é",
    ):
        assert await store.keys.find(attempt) is None


async def test_expired_and_revoked(store: Store, clock: HandClock) -> None:
    text, _ = await store.keys.create(
        "short", scopes=frozenset(), tier="free", by="owner", expires_at=NOON + timedelta(hours=1)
    )
    other, key = await store.keys.create("long", scopes=frozenset(), tier="free", by="owner")
    clock.advance(hours=1)
    assert await store.keys.find(text) is None
    assert await store.keys.revoke(key.prefix, by="owner", why="leaked")
    assert await store.keys.find(other) is None
    assert not await store.keys.revoke(key.prefix, by="owner")
    assert not await store.keys.revoke("unheard of", by="owner")
    newest = (await store.audit.rows(subject=key.member))[0]
    assert (newest.action, newest.why) == ("revoke_key", "leaked")


async def test_the_database_does_not_hold_the_secret(store: Store) -> None:
    text, _ = await store.keys.create("shop", scopes=frozenset(), tier="free", by="owner")
    dump = await store.core.read(lambda db: "\n".join(db.iterdump()))
    assert text.split("_")[2] not in dump


async def test_compared_in_constant_time_whether_the_prefix_is_known_or_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = await store.keys.create("shop", scopes=frozenset(), tier="free", by="owner")
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def note(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", note)
    await store.keys.find(text)
    await store.keys.find("easel_0000000000_00")
    assert [len(one) == len(other) == 64 for one, other in compared] == [True, True]


async def test_a_key_needs_a_tier(store: Store) -> None:
    with pytest.raises(UnknownTier):
        await store.keys.create("shop", scopes=frozenset(), tier="gold", by="owner")
    assert await store.keys.all() == []
