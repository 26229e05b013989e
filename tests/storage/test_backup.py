"""A backup is one moment of a database that is being written; a restore never leaves half of anything."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import pytest

from storage import backup
from storage.errors import AlreadyServing, CannotOpen, StoreUnavailable
from tests.storage.house import HandClock, ask, deliver, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def content(path: Path) -> bytes:
    return path.read_bytes()


def spoil(copy: Path, kind: str) -> None:
    if kind == "garbage":
        copy.write_bytes(b"garbage" * 1000)
    elif kind != "missing":
        db = sqlite3.connect(copy)
        db.executescript(
            "PRAGMA user_version = 99" if kind == "newer" else "CREATE TABLE bookmarks (url TEXT)"
        )
        db.close()


async def test_a_backup_while_64_write(store: Store, tmp_path: Path) -> None:
    members = [(await store.member("discord", str(number))).key for number in range(64)]
    done = asyncio.Event()

    async def keep_asking(member: str) -> None:
        while not done.is_set():
            request = (await store.accept(ask(member))).request
            await store.failed(request.jobs[0].job_id, "no GPU")

    writers = [asyncio.create_task(keep_asking(member)) for member in members]
    for number in range(3):
        await store.backup(tmp_path / f"copy{number}.db")
    done.set()
    await asyncio.gather(*writers)
    for number in range(3):
        copy = tmp_path / f"copy{number}.db"
        assert backup.check(copy) == []
        assert not copy.with_name(copy.name + "-wal").exists()


async def test_there_and_back(tmp_path: Path, clock: HandClock) -> None:
    copy = tmp_path / "copy.db"
    async with await open_store(tmp_path, clock) as store:
        member = (await store.member("discord", "1")).key
        await deliver(store, member, 10)
        await store.backup(copy)
        await deliver(store, member, 20)
        with pytest.raises(AlreadyServing):
            backup.restore(copy, tmp_path / "easel.db")
    aside = backup.restore(copy, tmp_path / "easel.db")
    async with await open_store(tmp_path, clock) as store:
        assert (await store.quota(member)).used == 10
        assert await store.check() == []
    assert aside is not None
    assert len(backup.check(aside)) == 0
    assert sqlite3.connect(aside).execute("SELECT count(*) FROM ledger").fetchone() == (30,)
    assert copy.exists()


async def test_a_log_left_by_a_kill_never_meets_the_restored_database(
    tmp_path: Path, clock: HandClock
) -> None:
    copy, database = tmp_path / "copy.db", tmp_path / "easel.db"
    async with await open_store(tmp_path, clock) as store:
        member = (await store.member("discord", "1")).key
        await store.backup(copy)
        await deliver(store, member, 20)
        left = {name: (tmp_path / name).read_bytes() for name in ("easel.db", "easel.db-wal")}
    for name, content in left.items():
        (tmp_path / name).write_bytes(content)
    aside = backup.restore(copy, database)
    assert backup.check(database) == []
    async with await open_store(tmp_path, clock) as store:
        assert (await store.quota(member)).used == 0
    assert aside is not None
    assert sqlite3.connect(aside).execute("SELECT count(*) FROM ledger").fetchone() == (20,)


async def test_restore_where_nothing_was(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        await deliver(store, (await store.member("discord", "1")).key)
        await store.backup(tmp_path / "copy.db")
    (tmp_path / "new").mkdir()
    assert backup.restore(tmp_path / "copy.db", tmp_path / "new" / "easel.db") is None
    assert backup.check(tmp_path / "new" / "easel.db") == []


async def test_restore_over_a_corrupt_database_keeps_it_aside(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        await store.backup(tmp_path / "copy.db")
    (tmp_path / "easel.db").write_bytes(b"garbage" * 1000)
    aside = backup.restore(tmp_path / "copy.db", tmp_path / "easel.db")
    assert aside is not None
    assert aside.read_bytes() == b"garbage" * 1000
    assert backup.check(tmp_path / "easel.db") == []


@pytest.mark.parametrize("kind", ["garbage", "another program", "newer", "missing"])
async def test_what_is_no_backup_is_refused_and_nothing_changes(
    tmp_path: Path, clock: HandClock, kind: str
) -> None:
    copy, database = tmp_path / "copy.db", tmp_path / "easel.db"
    async with await open_store(tmp_path, clock) as store:
        if kind == "newer":
            await store.backup(copy)
    spoil(copy, kind)
    before = content(database)
    with pytest.raises((CannotOpen, StoreUnavailable)):
        backup.restore(copy, database)
    assert content(database) == before
    assert not [name for name in names(tmp_path) if "tmp" in name or "before" in name]


async def test_a_backup_into_a_missing_folder_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await store.backup(tmp_path / "nowhere" / "copy.db")


def test_no_database_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        backup.backup(tmp_path / "easel.db", tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []
