"""Sessions of the admin page: a link opens one, once, in time; nothing in the database opens any."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from storage.errors import UnknownMember
from tests.storage.house import HandClock, forget, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store


async def test_a_link_opens_one_session_for_its_member(store: Store, member: str) -> None:
    session = await store.sessions.begin(await store.sessions.link(member))
    assert session is not None
    found = await store.sessions.member(session)
    assert found is not None
    assert found.key == member
    (newest, *_) = await store.audit.rows(subject=member)
    assert (newest.by, newest.action) == (member, "begin_session")


async def test_of_many_who_spend_a_link_at_once_one_gets_a_session(store: Store, member: str) -> None:
    link = await store.sessions.link(member)
    begun = await asyncio.gather(*(store.sessions.begin(link) for _ in range(20)))
    assert sum(session is not None for session in begun) == 1
    assert await store.sessions.begin(link) is None


async def test_a_link_made_beside_the_bot_opens_a_session_in_it(
    store: Store, member: str, tmp_path: Path, clock: HandClock
) -> None:
    async with await open_store(tmp_path, clock, serving=False) as errand:
        link = await errand.sessions.link(member)
    assert await store.sessions.begin(link) is not None


async def test_links_and_sessions_end(store: Store, member: str, clock: HandClock) -> None:
    late, link = await store.sessions.link(member), await store.sessions.link(member)
    assert await store.sessions.begin(late) is None, "a new link replaces the last one"
    session = await store.sessions.begin(link)
    assert session is not None
    clock.advance(hours=11, minutes=59)
    assert await store.sessions.member(session) is not None
    clock.advance(minutes=1)
    assert await store.sessions.member(session) is None
    old = await store.sessions.link(member)
    clock.advance(minutes=10)
    assert await store.sessions.begin(old) is None


async def test_who_leaves_is_out(store: Store, member: str) -> None:
    sessions = [await store.sessions.begin(await store.sessions.link(member)) for _ in range(2)]
    one, other = [session for session in sessions if session is not None]
    await store.sessions.end(one)
    await store.sessions.end(one)
    assert await store.sessions.member(one) is None
    assert await store.sessions.member(other) is not None


@pytest.mark.parametrize("text", ["", "x", "\0", "é" * 50, "' OR 1=1 --"])
async def test_what_is_no_link_and_no_session(store: Store, member: str, text: str) -> None:
    await store.sessions.begin(await store.sessions.link(member))
    assert await store.sessions.begin(text) is None
    assert await store.sessions.member(text) is None


async def test_the_database_holds_neither(store: Store, member: str) -> None:
    session = await store.sessions.begin(await store.sessions.link(member))
    link = await store.sessions.link(member)
    dump = await store.core.read(lambda db: "\n".join(db.iterdump()))
    assert link not in dump
    assert session is not None
    assert session not in dump


async def test_who_is_forgotten_has_no_session(store: Store, member: str) -> None:
    session = await store.sessions.begin(await store.sessions.link(member))
    link = await store.sessions.link(member)
    await forget(store, "discord", "1001")
    assert session is not None
    assert await store.sessions.member(session) is None
    assert await store.sessions.begin(link) is None
    with pytest.raises(UnknownMember):
        await store.sessions.link(member)


async def test_a_session_follows_its_member_into_another(store: Store, member: str) -> None:
    other = (await store.members.of("telegram", "2002")).key
    session = await store.sessions.begin(await store.sessions.link(other))
    offer = await store.links.redeem(other, await store.links.code(member))
    await store.links.confirm(other, offer.offer_id)
    assert (await store.links.confirm(member, offer.offer_id)).linked
    assert session is not None
    found = await store.sessions.member(session)
    assert found is not None
    assert found.key == member
