"""Every version's database opens in this one, whole; what this one cannot read is refused in words."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from storage import schema
from storage.checking import check
from storage.errors import CannotOpen, DatabaseTooNew
from storage.records.requests import JobState
from storage.schema import migrations, upgrade
from storage.settings import Scope
from tests.database import lay_out
from tests.storage.fixtures import build
from tests.storage.house import HandClock, deliver, open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSIONS = [number for number, _ in migrations()]
RELEASED = {
    1: "ecf1f267dfe899b4",
    2: "22548d2cbcecae62",
    3: "f2a252d20ae2d661",
    4: "fb1dc39b2753bf68",
    5: "233011bad59a04a8",
    6: "faa3ac4e6ceff9e9",
    7: "ea7cbb41c6ccebe3",
    8: "8178e723d13cac07",
    9: "9af21280b1782ee1",
    10: "777955afd6668a3c",
    11: "7d2edb39652900ab",
    12: "58c53c27a7b04164",
    13: "403dfdb9616f5ba6",
    14: "74eea252628a7980",
    15: "120c0ff3e56adde9",
    16: "0078ab6136ab78ce",
    17: "ba13c6a944360190",
}


def load(version: int, database: Path) -> None:
    build(version, database).close()


def layout(database: Path) -> list[tuple[str, ...]]:
    db = sqlite3.connect(database)
    rows = [
        tuple(row) for row in db.execute("SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2, 3")
    ]
    for _, table, _ in [row for row in rows if row[0] == "table"]:
        rows += [(table, *map(str, column)) for column in db.execute(f"PRAGMA table_xinfo({table})")]
    db.close()
    return rows


def test_a_migration_never_changes_once_there_are_databases_made_by_it() -> None:
    texts = {number: hashlib.sha256(text.encode()).hexdigest()[:16] for number, text in migrations()}
    assert texts == RELEASED
    assert list(texts) == list(range(1, len(texts) + 1))


def test_the_schema_to_read_is_what_the_migrations_make() -> None:
    """Otherwise: `python -m storage.schema > storage/schema.sql`."""
    text = Path(schema.__file__).with_suffix(".sql").read_text("utf-8")
    assert text == schema.newest()


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_old_database_goes_on_where_it_was_and_is_as_a_new_one(
    version: int, tmp_path: Path, clock: HandClock
) -> None:
    load(version, tmp_path / "easel.db")
    lay_out(tmp_path / "new.db")
    async with await open_store(tmp_path, clock) as store:
        assert await store.check() == []
        member = await store.members.of("discord", "1001")
        assert (member.key, member.language) == ("a" * 16, "zh-CN")
        assert (await store.members.quota(member.key)).topup == 4
        assert len(await store.ledger.rows()) == 4
        unfinished = await store.requests.unfinished()
        assert [job.job_id for request in unfinished for job in request.jobs] == ["old-1-2", "old-2-2"]
        assert await store.settings.of(Scope.server("discord", "77")) == {"language": "zh-CN"}
        september = await store.stats.of(store.calendar.month_of(202609))
        assert (september.total.images, september.total.failed, september.total.revenue_micro) == (
            3,
            1,
            50_000,
        )
        await store.jobs.failed("old-1-2", "no GPU")
        assert (await store.jobs.get("old-1-2")).state is JobState.FAILED
        await deliver(store, member.key, 101)
        assert await store.check() == []
    assert layout(tmp_path / "easel.db") == layout(tmp_path / "new.db")


async def test_a_check_of_an_old_database_says_so(tmp_path: Path) -> None:
    load(1, tmp_path / "easel.db")
    [finding] = check(tmp_path / "easel.db")
    assert finding.sentence.startswith(f"it has version 1, not {len(VERSIONS)}: start the bot once")


async def test_a_newer_database_is_refused_in_words(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock):
        pass
    newest = migrations()[-1][0]
    db = sqlite3.connect(tmp_path / "easel.db")
    db.execute(f"PRAGMA user_version = {newest + 1}")
    db.close()
    with pytest.raises(DatabaseTooNew, match=rf"found {newest + 1}, known {newest}"):
        await open_store(tmp_path, clock)


async def test_another_programs_database_is_left_alone(tmp_path: Path, clock: HandClock) -> None:
    db = sqlite3.connect(tmp_path / "easel.db")
    db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.close()
    with pytest.raises(CannotOpen, match="foreign"):
        await open_store(tmp_path, clock)
    assert [row[1] for row in layout(tmp_path / "easel.db") if row[0] == "table"] == ["bookmarks"]


@pytest.mark.parametrize(
    "broken", ["CREATE TABLE half (x);\nCREATE TABLE half (x);", "CREATE TABLE half (x);\nNOT SQL;"]
)
def test_a_migration_that_fails_changes_nothing(tmp_path: Path, broken: str) -> None:
    steps: Sequence[tuple[int, str]] = [*migrations(), (len(migrations()) + 1, broken)]
    db = sqlite3.connect(tmp_path / "easel.db", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        upgrade(db, steps)
    assert schema.version(db) == len(migrations())
    assert not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half'").fetchall()
    assert not db.in_transaction
    db.close()


def test_another_process_may_be_quicker(tmp_path: Path) -> None:
    """Between finding an old version and the lock to upgrade it."""
    one = sqlite3.connect(tmp_path / "easel.db", isolation_level=None)
    upgrade(one, migrations()[:2])

    class Slower(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == "BEGIN IMMEDIATE" and schema.version(one) == 2:
                upgrade(one)
            return super().execute(sql, *values)

    other = sqlite3.connect(tmp_path / "easel.db", isolation_level=None, factory=Slower)
    assert upgrade(other) == schema.version(one) == len(migrations())
    one.close()
    other.close()


async def test_payloads_that_were_packed_can_be_read(tmp_path: Path, clock: HandClock) -> None:
    packed = bytes.fromhex(Path(__file__).with_name("fixtures").joinpath("packed-1.hex").read_text("utf-8"))
    with contextlib.closing(build(7, tmp_path / "easel.db")) as db:
        db.execute("UPDATE request SET payload = ? WHERE request_id = 'old-1'", (packed,))
    async with await open_store(tmp_path, clock) as store:
        payload = (await store.requests.get("old-1")).payload
        assert payload == '{"prompt":"an orange cat, 一只橘猫","width":768,"height":512,"steps":8,"seed":7}'
        assert (await store.requests.get("old-2")).payload == '{"prompt": "a red boat"}'


def test_a_payload_packed_in_an_unknown_way_stops_the_upgrade(tmp_path: Path) -> None:
    with contextlib.closing(build(7, tmp_path / "easel.db")) as db:
        db.execute("UPDATE request SET payload = x'0961'")
        with pytest.raises(sqlite3.OperationalError):
            upgrade(db)
        assert schema.version(db) == 7
