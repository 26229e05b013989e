"""Bring a database up to date: numbered SQL files, each applied in one transaction with its number."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from .errors import CannotOpen, DatabaseTooNew

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

APPLICATION_ID = 0x4541534C  # "EASL", in the file's header: no other program's database is taken for ours


def migrations() -> list[tuple[int, str]]:
    """The number and text of every migration, in order."""
    folder = resources.files(__package__) / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), (folder / name).read_text("utf-8")) for name in names]


def upgrade(db: sqlite3.Connection, steps: Iterable[tuple[int, str]] | None = None) -> int:
    """Apply what is missing and return the version reached. Raises DatabaseTooNew, CannotOpen."""
    known = list(steps if steps is not None else migrations())
    newest = known[-1][0]
    found = version(db)
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    if application not in (0, APPLICATION_ID) or (application == 0 and _has_tables(db)):
        raise CannotOpen("this file is the database of another program; name another file for Easel")
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
    stamp = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number};"
    try:
        db.executescript(f"BEGIN IMMEDIATE;\n{text}\n{stamp}\nCOMMIT;")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _has_tables(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
