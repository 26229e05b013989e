"""Every version's database opens in this one, whole; what this one cannot read is refused in words."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage import backup
from storage.errors import CannotOpen, DatabaseTooNew
from storage.records import JobState
from storage.schema import migrations, upgrade, version
from tests.storage.house import HandClock, deliver, open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

FIXTURES = sorted(Path(__file__).with_name("fixtures").glob("v*.sql"))


def load(fixture: Path, database: Path) -> None:
    db = sqlite3.connect(database)
    db.executescript(fixture.read_text("utf-8"))
    db.close()


def schema(database: Path) -> list[tuple[str, ...]]:
    db = sqlite3.connect(database)
    rows = [
        tuple(row) for row in db.execute("SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2, 3")
    ]
    for _, table, _ in [row for row in rows if row[0] == "table"]:
        rows += [(table, *map(str, column)) for column in db.execute(f"PRAGMA table_xinfo({table})")]
    db.close()
    return rows


def test_each_version_has_its_fixture() -> None:
    assert [path.stem for path in FIXTURES] == [f"v{number}" for number, _ in migrations()]
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
async def test_an_old_database_goes_on_where_it_was(fixture: Path, tmp_path: Path, clock: HandClock) -> None:
    load(fixture, tmp_path / "easel.db")
    async with await open_store(tmp_path, clock) as store:
        assert await store.check() == []
        member = await store.member("discord", "1001")
        assert (member.key, member.language) == ("a" * 16, "zh-CN")
        assert (await store.quota(member.key)).topup == 4
        assert len(await store.ledger()) == 4
        unfinished = await store.unfinished()
        assert [job.job_id for request in unfinished for job in request.jobs] == ["old-1-2", "old-2-2"]
        assert await store.settings("discord:77") == {"language": "zh-CN"}
        september = await store.stats(store.calendar.month_of(202609))
        assert (september.total.images, september.total.failed, september.total.revenue_micro) == (
            3,
            1,
            50_000,
        )
        await store.failed("old-1-2", "no GPU")
        assert (await store.job("old-1-2")).state is JobState.FAILED
        await deliver(store, member.key, 101)
        assert await store.check() == []


async def test_a_check_of_an_old_database_says_so(tmp_path: Path) -> None:
    load(FIXTURES[0], tmp_path / "easel.db")
    [finding] = backup.check(tmp_path / "easel.db")
    assert finding.sentence.startswith(f"it has version 1, not {len(FIXTURES)}: start the bot once")


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
async def test_upgraded_it_is_as_a_new_one(fixture: Path, tmp_path: Path, clock: HandClock) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    load(fixture, tmp_path / "old" / "easel.db")
    for folder in ("old", "new"):
        async with await open_store(tmp_path / folder, clock):
            pass
    assert schema(tmp_path / "old" / "easel.db") == schema(tmp_path / "new" / "easel.db")


async def test_a_newer_database_is_refused_in_words(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock):
        pass
    newest = migrations()[-1][0]
    db = sqlite3.connect(tmp_path / "easel.db")
    db.execute(f"PRAGMA user_version = {newest + 1}")
    db.close()
    with pytest.raises(DatabaseTooNew, match=rf"version {newest + 1}.*up to {newest}: update Easel"):
        await open_store(tmp_path, clock)


async def test_another_programs_database_is_left_alone(tmp_path: Path, clock: HandClock) -> None:
    db = sqlite3.connect(tmp_path / "easel.db")
    db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.close()
    with pytest.raises(CannotOpen, match="another program"):
        await open_store(tmp_path, clock)
    assert [row[1] for row in schema(tmp_path / "easel.db") if row[0] == "table"] == ["bookmarks"]


@pytest.mark.parametrize(
    "broken", ["CREATE TABLE half (x);\nCREATE TABLE half (x);", "CREATE TABLE half (x);\nNOT SQL;"]
)
def test_a_migration_that_fails_changes_nothing(tmp_path: Path, broken: str) -> None:
    steps: Sequence[tuple[int, str]] = [*migrations(), (len(migrations()) + 1, broken)]
    db = sqlite3.connect(tmp_path / "easel.db", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        upgrade(db, steps)
    assert version(db) == len(migrations())
    assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchall()
    assert not db.in_transaction
    db.close()


def test_another_process_may_be_quicker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between finding an old version and the lock to upgrade it."""
    one, other = (sqlite3.connect(tmp_path / "easel.db", isolation_level=None) for _ in range(2))
    upgrade(one, migrations()[:2])

    def look(db: sqlite3.Connection) -> int:
        monkeypatch.undo()
        found = version(db)
        upgrade(one)
        return found

    monkeypatch.setattr("storage.schema.version", look)
    assert upgrade(other) == version(one) == len(migrations())
    one.close()
    other.close()
