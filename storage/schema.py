"""Bring a database up to date: numbered SQL files, each applied in one transaction with its number."""

from __future__ import annotations

import sqlite3
from importlib import resources
from typing import TYPE_CHECKING

from .errors import CannotOpen, DatabaseTooNew

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APPLICATION_ID = 0x4541534C  # "EASL", in the file's header: no other program's database is taken for ours


def migrations() -> list[tuple[int, str]]:
    """The number and text of every migration, in order."""
    folder = resources.files(__package__) / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text("utf-8")) for name in names]


def upgrade(db: sqlite3.Connection, steps: Sequence[tuple[int, str]] | None = None) -> int:
    """Apply what is missing and return the version reached. Raises DatabaseTooNew, CannotOpen."""
    known = steps if steps is not None else migrations()
    newest = known[-1][0]
    _refuse_foreign(db)
    found = version(db)
    if found > newest:
        raise DatabaseTooNew(
            f"this database has version {found}, this Easel knows versions up to {newest}: "
            "update Easel, or restore a backup made by this version"
        )
    for number, text in known:
        if number > found:
            _apply(db, number, text)
    return newest


def version(db: sqlite3.Connection) -> int:
    """The number of the last migration applied, 0 for an empty file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _apply(db: sqlite3.Connection, number: int, text: str) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        if version(db) < number:  # another process may have been quicker
            for statement in _statements(text):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _statements(text: str) -> Iterator[str]:
    """One by one (each ends its line), since Python's executescript would commit our transaction first."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _refuse_foreign(db: sqlite3.Connection) -> None:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != APPLICATION_ID and (application or tables):
        raise CannotOpen("this file is the database of another program; name another file for Easel")
