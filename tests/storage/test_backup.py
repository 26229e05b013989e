"""A backup is one moment of a database that is being written, with its pictures and its key.

Nothing but a backup is ever replaced by one, and a restore never leaves half of anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage.backup import DATABASE, IMAGES, KEY, backup
from storage.checking import check
from storage.errors import AlreadyServing, CannotOpen, StoreUnavailable
from storage.restore import restore
from tests.storage.fixtures import build
from tests.storage.house import USAGE, HandClock, ask, deliver, forget, open_store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from storage.store import Store


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a bot with a key of its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Where the backup goes."""
    return tmp_path / "backup"


def everything(folder: Path) -> dict[str, bytes]:
    """The files of a folder, without SQLite's own beside the database."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock"))
    }


def pictures(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*/*")}


def back(copy: Path, data: Path) -> Path | None:
    return restore(copy, data / DATABASE, data / IMAGES).aside


async def live(data: Path, clock: HandClock, work: Callable[[Store], Awaitable[object]]) -> None:
    async with await open_store(data, clock, secret=None) as store:
        await work(store)


async def test_a_backup_while_64_write(store: Store, tmp_path: Path) -> None:
    members = [(await store.members.of("discord", str(number))).key for number in range(64)]
    done = asyncio.Event()

    async def keep_asking(member: str) -> None:
        while not done.is_set():
            request = (await store.requests.accept(ask(member))).request
            await store.jobs.failed(request.jobs[0].job_id, "no GPU")

    writers = [asyncio.create_task(keep_asking(member)) for member in members]
    for number in range(3):
        await store.backup(tmp_path / f"copy{number}")
    done.set()
    await asyncio.gather(*writers)
    for number in range(3):
        copy = tmp_path / f"copy{number}" / DATABASE
        assert check(copy) == []
        assert not copy.with_name(copy.name + "-wal").exists()


async def test_there_and_back_with_pictures_and_key(data: Path, copy: Path, clock: HandClock) -> None:
    async with await open_store(data, clock, secret=None) as store:
        member = (await store.members.of("discord", "1")).key
        await deliver(store, member, 10)
        secret = store.derived_key("links")
        assert (await store.backup(copy)).pictures == 1
        await deliver(store, member, 20)
        with pytest.raises(AlreadyServing):
            back(copy, data)
    (data / KEY).unlink()
    shutil.rmtree(data / IMAGES)
    aside = back(copy, data)
    async with await open_store(data, clock, secret=None) as store:
        assert (await store.members.quota(member)).used == 10
        assert await store.check() == []
        assert store.derived_key("links") == secret
        [request] = await store.requests.history(member, 1)
        assert request.jobs[0].image is not None
        assert await store.pictures.get(request.jobs[0].image) == b"a picture"
    assert aside is not None
    assert len(check(aside)) == 0
    assert sqlite3.connect(aside).execute("SELECT count(*) FROM ledger").fetchone() == (30,)


def modes(paths: Iterable[Path]) -> set[str]:
    return {oct(path.stat().st_mode & 0o777) for path in paths}


async def test_a_backup_is_its_owners_alone(data: Path, copy: Path, clock: HandClock) -> None:
    async with await open_store(data, clock, secret=None) as store:
        await deliver(store, (await store.members.of("discord", "1")).key)
        await store.backup(copy)
    assert modes(copy / name for name in everything(copy)) == {"0o600"}
    assert modes([copy, copy / IMAGES]) == {"0o700"}


async def test_a_backup_is_brought_up_to_date(data: Path, copy: Path, clock: HandClock) -> None:
    """With what is new, and without what was deleted since."""
    async with await open_store(data, clock, secret=None) as store:
        first, second = [(await store.members.of("discord", user)).key for user in ("1", "2")]
        request = (await store.requests.accept(ask(first))).request
        ref = await store.pictures.put(b"of the first", ".png")
        await store.jobs.drawn(request.jobs[0].job_id, ref, USAGE)
        await store.backup(copy)
        assert pictures(copy / IMAGES) == {ref}
        await forget(store, "discord", "1")
        await deliver(store, second)
        await store.backup(copy)
    assert ref not in pictures(copy / IMAGES)
    assert len(pictures(copy / IMAGES)) == 1
    back(copy, data)
    async with await open_store(data, clock, secret=None) as store:
        assert (await store.members.quota(second)).used == 1
        assert await store.members.find("discord", "1") is None


def existing(data: Path, tmp_path: Path) -> dict[str, Path]:
    """Whatever an owner might name by mistake."""
    (tmp_path / "notes.txt").write_text("not a backup")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_text("a cat")
    (tmp_path / "link").symlink_to(data)
    (tmp_path / "database").symlink_to(data / DATABASE)
    (tmp_path / "crafted").mkdir()
    shutil.copy(tmp_path / "notes.txt", tmp_path / "crafted" / "easel-backup.json")
    (tmp_path / "crafted" / IMAGES).symlink_to(data / IMAGES)
    return {
        "the database": data / DATABASE,
        "the database by another way": data / ".." / "data" / DATABASE,
        "a link to the database": tmp_path / "database",
        "the data folder": data,
        "a link to the data folder": tmp_path / "link",
        "the pictures": data / IMAGES,
        "a new folder among the pictures": data / IMAGES / "backup",
        "the key": data / KEY,
        "a file": tmp_path / "notes.txt",
        "a folder of other things": tmp_path / "photos",
        "a device": Path("/dev/null"),
        "a folder whose pictures are a link": tmp_path / "crafted",
    }


async def test_nothing_but_a_backup_is_replaced(data: Path, tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(data, clock, secret=None) as store:
        await deliver(store, (await store.members.of("discord", "1")).key)
        targets = existing(data, tmp_path)
        before, mode = everything(tmp_path), os.stat("/dev/null").st_mode
        written = []
        for name, target in targets.items():
            try:
                await store.backup(target)
            except (CannotOpen, StoreUnavailable):
                continue
            written.append(name)
        assert written == []
        assert everything(tmp_path) == before
        assert os.stat("/dev/null").st_mode == mode
        assert await store.check() == []


async def test_what_a_killed_backup_left_is_swept_by_the_next(
    data: Path, copy: Path, clock: HandClock
) -> None:
    async with await open_store(data, clock, secret=None) as store:
        await store.backup(copy)
        (copy / f".{DATABASE}.1234abcd.tmp").write_bytes(b"half a copy")
        await store.backup(copy)
    assert not [name for name in everything(copy) if "tmp" in name]


async def test_a_key_and_a_database_that_do_not_belong_together_are_refused(
    data: Path, tmp_path: Path, clock: HandClock
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for folder in (data, other):
        async with await open_store(folder, clock, secret=None) as store:
            await store.backup(tmp_path / f"backup-{folder.name}")
    shutil.copy(tmp_path / "backup-other" / KEY, tmp_path / "backup-data" / KEY)
    before = everything(data)
    with pytest.raises(CannotOpen, match="backup-key-foreign"):
        back(tmp_path / "backup-data", data)
    (tmp_path / "backup-data" / KEY).unlink()
    with pytest.raises(CannotOpen, match="incomplete"):
        back(tmp_path / "backup-data", data)
    assert everything(data) == before


async def test_a_look_before_a_restore_changes_nothing(data: Path, copy: Path, clock: HandClock) -> None:
    async with await open_store(data, clock, secret=None) as store:
        await deliver(store, (await store.members.of("discord", "1")).key)
        await store.backup(copy)
    before = everything(data)
    assert restore(copy, data / DATABASE, data / IMAGES, dry_run=True).pictures == 1
    assert everything(data) == before


async def test_a_log_left_by_a_kill_never_meets_the_restored_database(
    data: Path, copy: Path, clock: HandClock
) -> None:
    async with await open_store(data, clock, secret=None) as store:
        member = (await store.members.of("discord", "1")).key
        await store.backup(copy)
        await deliver(store, member, 20)
        left = {name: (data / name).read_bytes() for name in ("easel.db", "easel.db-wal")}
    for name, content in left.items():
        (data / name).write_bytes(content)
    aside = back(copy, data)
    assert check(data / DATABASE) == []
    async with await open_store(data, clock, secret=None) as store:
        assert (await store.members.quota(member)).used == 0
    assert aside is not None
    assert sqlite3.connect(aside).execute("SELECT count(*) FROM ledger").fetchone() == (20,)


async def test_restore_where_nothing_was(data: Path, copy: Path, tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(data, clock, secret=None) as store:
        await deliver(store, (await store.members.of("discord", "1")).key)
        await store.backup(copy)
    (tmp_path / "new").mkdir()
    assert back(copy, tmp_path / "new") is None
    assert check(tmp_path / "new" / DATABASE) == []
    assert (tmp_path / "new" / KEY).read_bytes() == (data / KEY).read_bytes()
    assert pictures(tmp_path / "new" / IMAGES) == pictures(data / IMAGES)


async def test_a_database_alone_as_older_versions_backed_it_up_can_be_restored(
    data: Path, copy: Path, clock: HandClock
) -> None:
    async with await open_store(data, clock, secret=None) as store:
        member = (await store.members.of("discord", "1")).key
        await deliver(store, member)
        await store.backup(copy)
        await deliver(store, member, 2)
    back(copy / DATABASE, data)
    async with await open_store(data, clock, secret=None) as store:
        assert (await store.members.quota(member)).used == 1
        assert await store.check() == []
    assert len(pictures(data / IMAGES)) == 1


async def test_restore_over_a_corrupt_database_keeps_it_aside(
    data: Path, copy: Path, clock: HandClock
) -> None:
    async with await open_store(data, clock, secret=None) as store:
        await store.backup(copy)
    (data / DATABASE).write_bytes(b"garbage" * 1000)
    aside = back(copy, data)
    assert aside is not None
    assert aside.read_bytes() == b"garbage" * 1000
    assert check(data / DATABASE) == []


def spoil(copy: Path, kind: str) -> None:
    if kind == "garbage":
        copy.write_bytes(b"garbage" * 1000)
    elif kind != "missing":
        with contextlib.closing(sqlite3.connect(copy)) as db:
            db.executescript(
                "PRAGMA user_version = 99" if kind == "newer" else "CREATE TABLE bookmarks (url TEXT)"
            )


@pytest.mark.parametrize("kind", ["garbage", "another program", "newer", "missing"])
async def test_what_is_no_backup_is_refused_and_nothing_changes(
    data: Path, copy: Path, clock: HandClock, kind: str
) -> None:
    async with await open_store(data, clock, secret=None) as store:
        await store.backup(copy)
    if kind != "newer":
        (copy / DATABASE).unlink()
    spoil(copy / DATABASE, kind)
    before = everything(data)
    with pytest.raises((CannotOpen, StoreUnavailable)):
        back(copy, data)
    assert everything(data) == before


async def test_a_backup_into_a_missing_folder_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen):
        await store.backup(tmp_path / "nowhere" / "copy")


def test_no_database_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        backup(tmp_path / DATABASE, tmp_path / IMAGES, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def copies(data: Path) -> list[Path]:
    return list(data.glob(f"{DATABASE}.before-version-*"))


async def test_a_copy_is_taken_before_an_upgrade_and_goes_with_the_backups(
    data: Path, clock: HandClock
) -> None:
    build(7, data / DATABASE).close()
    async with await open_store(data, clock):
        pass
    [copy] = copies(data)
    assert modes([copy]) == {"0o600"}
    with contextlib.closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (7,)
    clock.set(datetime.now(UTC) + timedelta(days=31))
    async with await open_store(data, clock):
        assert not copies(data)


@pytest.mark.parametrize("kind", ["gone", "empty", "another's"])
async def test_a_key_that_is_not_the_databases_is_refused(
    data: Path, copy: Path, clock: HandClock, kind: str
) -> None:
    """And never takes the place of the right one in an earlier backup."""
    async with await open_store(data, clock, secret=None) as store:
        await store.backup(copy)
    if kind == "gone":
        (data / KEY).unlink()
    else:
        (data / KEY).write_bytes(b"" if kind == "empty" else os.urandom(32))
    with pytest.raises(CannotOpen, match=r"key-.*easel\.db\.key"):
        await open_store(data, clock, secret=None)
    before = everything(copy)
    with pytest.raises(CannotOpen, match=r"key-.*easel\.db\.key"):
        backup(data / DATABASE, data / IMAGES, copy)
    assert everything(copy) == before
