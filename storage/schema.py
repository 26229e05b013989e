"""Bring a database up to date: numbered SQL files, each applied in one transaction with its number.

`python -m storage.schema > storage/schema.sql` writes the newest version as one file to read.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import sys
import zlib
from importlib import resources
from typing import TYPE_CHECKING

from .errors import CannotOpen, DatabaseTooNew, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APPLICATION_ID = 0x4541534C  # "EASL", in the file's header: no other program's database is taken for ours


@functools.cache
def migrations() -> tuple[tuple[int, str], ...]:
    """The number and text of every migration, in order."""
    folder = resources.files(__package__) / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple((int(name[:4]), (folder / name).read_text("utf-8")) for name in names)


def upgrade(db: sqlite3.Connection, steps: Sequence[tuple[int, str]] | None = None) -> int:
    """Apply what is missing and return the version reached. Raises DatabaseTooNew, CannotOpen."""
    known = steps if steps is not None else migrations()
    last = known[-1][0]
    refuse_foreign(db)
    found = version(db)
    if found > last:
        raise DatabaseTooNew(found, last)
    db.create_function("unpacked", 1, _unpacked, deterministic=True)
    for number, text in known:
        if number > found:
            _apply(db, number, text)
    return last


def version(db: sqlite3.Connection) -> int:
    """The number of the last migration applied, 0 for an empty file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def newest() -> str:
    """The schema that all migrations together make, as SQL."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        number = upgrade(db)
        rows = db.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
        )
        statements = [f"{row[0]};\n" for row in rows]
    head = f"-- Version {number}, written by `python -m storage.schema` to read; what runs is migrations/.\n"
    return "\n".join([head, *statements])


def refuse_unless_ours(db: sqlite3.Connection) -> None:
    """The same where it is nobody's yet, too."""
    refuse_foreign(db)
    if not version(db):
        raise CannotOpen(Problem.EMPTY)


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


def refuse_foreign(db: sqlite3.Connection) -> None:
    """Raises CannotOpen where it is another program's database."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if application != APPLICATION_ID and (application or tables):
        raise CannotOpen(Problem.FOREIGN)


# Versions 5 to 7 kept a request's payload deflated against this dictionary; version 8 unpacks it.
_DICTIONARY = (
    b'{"prompt":"a photo of \xe4\xb8\x80\xe5\x8f\xaa","width":1024,"height":1024,"width":768,"height":768,'
    b'"width":512,"height":512,"steps":8,"seed":,"images":1,"guidance":0.0,"negative_prompt":"",'
    b'"quality":"standard","style":null,"private":false}'
)


def _unpacked(kept: bytes) -> str:
    if kept[:1] != b"\x01":
        raise ValueError(f"packed in a way this version does not know: {kept[:1]!r}")
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_DICTIONARY)
    return (inflate.decompress(kept[1:]) + inflate.flush()).decode()


if __name__ == "__main__":
    sys.stdout.write(newest())
