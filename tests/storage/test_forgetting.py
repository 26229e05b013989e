"""The right to be forgotten: nothing of the person is left on disk, and no ban or allowance is got around."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from storage.errors import ImageGone, MemberBanned, UnknownMember, UnknownRequest
from storage.records.figures import Outcome
from tests.storage.house import HandClock, ask, deliver, draw, forget, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store

PROMPT = "a very private prompt about Zanzibar"


def everything(folder: Path) -> list[tuple[Path, bytes]]:
    return [(path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]


async def test_nothing_of_the_person_is_left_in_any_file(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        member = (await store.members.of("discord", "80351110224678912")).key
        for number in range(30):  # over many pages
            request = (
                await store.requests.accept(
                    ask(member, payload=PROMPT * 20, address='{"channel": "Pemba-77"}')
                )
            ).request
            await draw(store, request, f"picture {number} of Zanzibar".encode())
            await store.jobs.acknowledge(request.request_id, "Pemba-88")
        await store.requests.accept(ask(member, payload=PROMPT))
        assert any(b"private prompt" in content for _, content in everything(tmp_path))
        await store.members.ban(member, by="admin", why="Mr Smith of Zanzibar")
        forgotten = await forget(store, "discord", "80351110224678912")
        assert (forgotten.identities, forgotten.requests, forgotten.images) == (1, 31, 30)
        assert forgotten.backups_keep_days == 30
        for path, content in everything(tmp_path):
            for trace in (b"80351110224678912", b"Pemba", b"private prompt"):
                assert trace not in content, path
        assert await store.check() == []
        assert len(await store.ledger.rows()) == 31


async def test_the_figures_stay(store: Store, member: str, clock: HandClock) -> None:
    await deliver(store, member, 3)
    period = store.calendar.period("month", clock())
    before = await store.stats.of(period)
    await forget(store, "discord", "1001")
    after = await store.stats.of(period)
    assert after.total == before.total
    assert after.top_members == ()


async def test_open_jobs_are_cancelled_and_released(store: Store, member: str) -> None:
    queued = (await store.requests.accept(ask(member))).request
    drawn = (await store.requests.accept(ask(member))).request
    await draw(store, drawn)
    await forget(store, "discord", "1001")
    assert {row.outcome for row in await store.ledger.rows()} == {Outcome.CANCELLED}
    assert await store.requests.unfinished() == await store.requests.undelivered("discord") == []
    with pytest.raises(UnknownRequest):
        await store.requests.get(queued.request_id)


async def test_a_picture_that_somebody_else_has_too_stays_theirs(store: Store, member: str) -> None:
    other = (await store.members.of("discord", "2")).key
    mine, theirs = await deliver(store, member), await deliver(store, other)
    assert mine.jobs[0].image == theirs.jobs[0].image
    await forget(store, "discord", "1001")
    assert theirs.jobs[0].image is not None
    assert await store.pictures.get(theirs.jobs[0].image) == b"a picture"
    await forget(store, "discord", "2")
    with pytest.raises(ImageGone):
        await store.pictures.get(theirs.jobs[0].image)


async def test_coming_back_this_months_use_is_remembered(store: Store, member: str, clock: HandClock) -> None:
    await deliver(store, member, 70)
    await forget(store, "discord", "1001")
    back = await store.members.of("discord", "1001")
    assert back.key != member
    quota = await store.members.quota(back.key)
    assert (quota.used, quota.left) == (70, 30)
    await deliver(store, back.key, 10)
    await forget(store, "discord", "1001")
    assert (await store.members.quota((await store.members.of("discord", "1001")).key)).left == 20


async def test_next_month_it_is_not(store: Store, member: str, clock: HandClock) -> None:
    await deliver(store, member, 70)
    await forget(store, "discord", "1001")
    clock.advance(days=30)
    assert (await store.members.quota((await store.members.of("discord", "1001")).key)).left == 100


async def test_a_ban_is_remembered_for_every_identity(store: Store, member: str, clock: HandClock) -> None:
    other = (await store.members.of("telegram", "7")).key
    offer = await store.links.redeem(other, await store.links.code(member))
    await store.links.confirm(member, offer.offer_id)
    await store.links.confirm(other, offer.offer_id)
    await store.members.ban(member, by="admin", why="spam")
    assert (await forget(store, "telegram", "7")).identities == 2
    clock.advance(days=400)
    for platform, user in (("discord", "1001"), ("telegram", "7")):
        back = await store.members.of(platform, user)
        assert (back.banned, back.ban_reason) == (True, "spam")
        with pytest.raises(MemberBanned):
            await store.requests.accept(ask(back.key))


async def test_a_stranger_cannot_be_forgotten(store: Store) -> None:
    with pytest.raises(UnknownMember):
        await store.members.forget("nobody")


async def test_the_hash_is_keyed(store: Store, member: str) -> None:
    """Whoever has the database alone cannot find out which platform ids were forgotten."""
    await deliver(store, member)
    await forget(store, "discord", "1001")
    [digest] = await store.core.read(lambda db: [row[0] for row in db.execute("SELECT digest FROM shadow")])
    assert digest != hashlib.sha256(b"discord\x001001").hexdigest()


async def test_the_key_is_kept_beside_the_database_for_its_owner_alone(
    tmp_path: Path, clock: HandClock
) -> None:
    for _ in range(2):
        async with await open_store(tmp_path, clock, secret=None) as store:
            member = (await store.members.of("discord", "1")).key
            await deliver(store, member, 10)
            await forget(store, "discord", "1")
            key = tmp_path / "easel.db.key"
            assert key.stat().st_mode & 0o777 == 0o600
            assert key.read_bytes() not in (tmp_path / "easel.db").read_bytes()
    async with await open_store(tmp_path, clock, secret=None) as store:
        assert (await store.members.quota((await store.members.of("discord", "1")).key)).used == 20


async def test_the_reasons_of_a_member_that_was_linked_go_too(store: Store, member: str) -> None:
    other = (await store.members.of("telegram", "7")).key
    await store.members.grant(other, 1, by="admin", why="Mr Smith was unlucky")
    offer = await store.links.redeem(other, await store.links.code(member))
    await store.links.confirm(member, offer.offer_id)
    await store.links.confirm(other, offer.offer_id)
    await forget(store, "discord", "1001")
    assert [row.why for row in await store.audit.rows()] == [""]


async def test_a_reader_keeps_nobody_waiting_and_the_log_is_emptied_after_it(
    tmp_path: Path, clock: HandClock
) -> None:
    async with await open_store(tmp_path, clock, retry_s=0.01) as store:
        member = (await store.members.of("discord", "1001")).key
        await store.requests.accept(ask(member, payload=PROMPT))
        with contextlib.closing(sqlite3.connect(tmp_path / "easel.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM request").fetchone()
            assert not (await forget(store, "discord", "1001")).log_folded
            await store.members.of("discord", "1002")  # nothing waits for the reader
            assert b"private prompt" in (tmp_path / "easel.db-wal").read_bytes()
            reader.execute("COMMIT")
        await store.core.start_folding()
        assert all(b"private prompt" not in content for _, content in everything(tmp_path))
