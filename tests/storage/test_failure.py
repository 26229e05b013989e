"""A full disk, a read-only folder, a lock, a corrupt file: told in words, nothing leaks, and it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import resource
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage.errors import AlreadyServing, Reason, StoreUnavailable
from storage.records.requests import CancelledBy
from tests.storage.house import USAGE, HandClock, ask, deliver, draw, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from storage.store import Store


class Alerts(list[Reason]):
    """What the admin is told."""

    def __call__(self, trouble: StoreUnavailable) -> None:
        self.append(trouble.reason)


@pytest.fixture
def alerts() -> Alerts:
    return Alerts()


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock, alerts: Alerts) -> AsyncIterator[Store]:
    async with await open_store(tmp_path, clock, on_trouble=alerts, retry_s=0.01) as store:
        yield store
        assert await store.check() == []


@contextlib.asynccontextmanager
async def full_disk(store: Store) -> AsyncIterator[None]:
    """SQLite's own limit on pages: the next page it wants is SQLITE_FULL."""

    def limit(db: sqlite3.Connection) -> int:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        return int(db.execute(f"PRAGMA max_page_count = {pages}").fetchone()[0])

    await store.core.writer.outside(limit)
    yield
    await store.core.writer.outside(lambda db: db.execute("PRAGMA max_page_count = 1000000").fetchone())


@contextlib.asynccontextmanager
async def file_limit(store: Store) -> AsyncIterator[None]:
    """The system refuses to let the log grow: a write error with the transaction half written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = os.stat(f"{store.core.path}-wal").st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.asynccontextmanager
async def locked(store: Store) -> AsyncIterator[None]:
    """Another program holds the write lock."""
    await store.core.writer.outside(lambda db: db.execute("PRAGMA busy_timeout = 1").fetchone())
    with contextlib.closing(sqlite3.connect(store.core.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextlib.asynccontextmanager
async def read_only(store: Store) -> AsyncIterator[None]:
    """What SQLite says of a file it may not write."""
    await store.core.writer.outside(lambda db: db.execute("PRAGMA query_only = ON"))
    yield
    await store.core.writer.outside(lambda db: db.execute("PRAGMA query_only = OFF"))


TROUBLES = [
    (full_disk, Reason.DISK_FULL),
    (file_limit, Reason.IO),
    (locked, Reason.LOCKED),
    (read_only, Reason.READ_ONLY),
]
by_trouble = pytest.mark.parametrize(
    ("trouble", "reason"), TROUBLES, ids=lambda value: getattr(value, "__name__", "")
)


@by_trouble
async def test_a_request_in_trouble_is_refused_told_and_leaks_nothing(
    house: Store,
    alerts: Alerts,
    trouble: Callable[[Store], contextlib.AbstractAsyncContextManager[None]],
    reason: Reason,
) -> None:
    member = (await house.members.of("discord", "1")).key
    async with trouble(house):
        asked = [house.requests.accept(ask(member, address="x" * 10_000)) for _ in range(30)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, StoreUnavailable)]
        assert refused
        assert {answer.reason for answer in refused} == set(alerts) == {reason}
        assert (await house.members.quota(member)).reserved == 30 - len(refused)
    request = (await house.requests.accept(ask(member))).request
    await draw(house, request)
    await house.jobs.acknowledge(request.request_id)
    assert (await house.members.quota(member)).used == 1


@by_trouble
async def test_work_that_was_done_is_written_as_soon_as_it_can_be(
    house: Store,
    alerts: Alerts,
    trouble: Callable[[Store], contextlib.AbstractAsyncContextManager[None]],
    reason: Reason,
) -> None:
    member = (await house.members.of("discord", "1")).key
    requests = [(await house.requests.accept(ask(member))).request for _ in range(4)]
    for one in requests[2:]:
        await draw(house, one)
    picture = await house.pictures.put(b"a cat", ".png")
    long = "x" * 500_000
    async with trouble(house):
        ends = [
            asyncio.create_task(house.jobs.drawn(requests[0].jobs[0].job_id, picture + long, USAGE)),
            asyncio.create_task(house.jobs.failed(requests[1].jobs[0].job_id, long)),
            asyncio.create_task(house.jobs.acknowledge(requests[2].request_id, long)),
            asyncio.create_task(house.jobs.cancelled(requests[3].jobs[0].job_id, by=CancelledBy.MEMBER)),
        ]
        while len(alerts) < 3:  # it tries again and again
            done, _ = await asyncio.wait(ends, timeout=0.005)
            assert not done
    await asyncio.gather(*ends)
    quota = await house.members.quota(member)
    assert (quota.used, quota.reserved) == (1, 1)
    await house.jobs.cancelled(requests[0].jobs[0].job_id, by=CancelledBy.MEMBER)


async def test_closing_in_trouble_tells_those_who_still_wait(
    tmp_path: Path, clock: HandClock, alerts: Alerts
) -> None:
    store = await open_store(tmp_path, clock, on_trouble=alerts, retry_s=0.01)
    member = (await store.members.of("discord", "1")).key
    request = (await store.requests.accept(ask(member))).request
    await draw(store, request)
    async with locked(store):
        acknowledging = asyncio.create_task(store.jobs.acknowledge(request.request_id))
        while not alerts:
            await asyncio.wait([acknowledging], timeout=0.005)
        await store.close()
        with pytest.raises(StoreUnavailable):
            await acknowledging
    async with await open_store(tmp_path, clock) as store:
        assert len(await store.requests.undelivered("discord")) == 1
        assert await store.check() == []


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 4080])
async def test_a_file_that_is_no_database_is_told(tmp_path: Path, clock: HandClock, content: bytes) -> None:
    (tmp_path / "easel.db").write_bytes(content)
    with pytest.raises(StoreUnavailable) as trouble:
        await open_store(tmp_path, clock)
    assert trouble.value.reason is Reason.CORRUPT
    (tmp_path / "easel.db").unlink()
    async with await open_store(tmp_path, clock):
        pass


async def test_a_damaged_page_is_told_and_found(tmp_path: Path, clock: HandClock, alerts: Alerts) -> None:
    async with await open_store(tmp_path, clock) as store:
        member = (await store.members.of("discord", "1")).key
        await deliver(store, member, 50)
    damage(tmp_path / "easel.db", "ledger")
    async with await open_store(tmp_path, clock, on_trouble=alerts) as store:
        findings = await store.check()
        assert findings[0].invariant == "the file is whole"
        with pytest.raises(StoreUnavailable) as trouble:
            await store.ledger.rows()
        assert trouble.value.reason is Reason.CORRUPT
        assert alerts == [Reason.CORRUPT]
        assert (await store.members.quota(member)).used == 50


def damage(database: Path, table: str) -> None:
    db = sqlite3.connect(database)
    page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\x55" * size)


@contextlib.contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    folder.chmod(0o555)
    yield
    folder.chmod(0o755)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that everybody may look into; pytest closes its own whenever another run of it begins."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_read_only_folder_is_told(open_to_all: Path) -> None:
    """In a child without root's rights, to whom everything would be writable."""
    folder = open_to_all / "data"
    folder.mkdir()
    receiving, sending = multiprocessing.Pipe(duplex=False)

    def child() -> None:
        if os.getuid() == 0:
            os.setuid(65534)
        try:
            asyncio.run(open_store(folder, HandClock()))
        except StoreUnavailable as trouble:
            sending.send(trouble.reason)
        else:
            sending.send("opened")

    with unwritable(folder):
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        sending.close()  # so that a child that broke is heard of
        assert receiving.recv() is Reason.READ_ONLY
        process.join()


async def test_one_process_serves(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        member = (await store.members.of("discord", "1")).key
        with pytest.raises(AlreadyServing, match=r"easel\.db"):
            await open_store(tmp_path, clock)
        async with await open_store(tmp_path, clock, serving=False) as errand:
            await errand.members.grant(member, 3, by="owner")
        assert (await store.members.quota(member)).topup == 3
    async with await open_store(tmp_path, clock):
        pass
