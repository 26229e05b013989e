"""A copy while the bot runs, the way back from it, and a check of what there is."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from typing import TYPE_CHECKING

from . import invariants
from .errors import CannotOpen
from .images import fsync_folder
from .records import Finding
from .schema import APPLICATION_ID, migrations, version
from .serving import Serving
from .trouble import diagnose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def backup(database: Path, copy: Path) -> None:
    """Write a consistent copy: SQLite's online backup, of one moment, while others read and write.

    Under a temporary name until it is whole and on disk. Raises StoreUnavailable, FileNotFoundError.
    """
    if not database.exists():
        raise FileNotFoundError(f"there is no database {database}")
    temporary = copy.with_name(f".{copy.name}.{secrets.token_hex(4)}.tmp")
    try:
        with _connected(database) as source, _connected(temporary) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        _fsync_file(temporary)
        temporary.replace(copy)
        fsync_folder(copy.parent)
    except (sqlite3.Error, OSError) as error:
        raise diagnose(error) from error
    finally:
        temporary.unlink(missing_ok=True)


def restore(copy: Path, database: Path) -> Path | None:
    """Put a backup in the database's place; where the old one is now, None if there was none.

    At every moment there is a whole database under the name. Raises CannotOpen (the copy is damaged, of
    another program, or newer; AlreadyServing), StoreUnavailable.
    """
    with Serving(database):
        try:
            _refuse_unless_sound(copy)
            temporary = database.with_name(f".{database.name}.{secrets.token_hex(4)}.tmp")
            with _connected(copy, read_only=True) as source, _connected(temporary) as target:
                source.backup(target)
            _fsync_file(temporary)
            old = _set_aside(database) if database.exists() else None
            temporary.replace(database)
            fsync_folder(database.parent)
        except (sqlite3.Error, OSError) as error:
            raise diagnose(error) from error
    return old


def check(database: Path, has_image: Callable[[str], bool] | None = None) -> list[Finding]:
    """The file's integrity, then every invariant; empty when all is well. Raises StoreUnavailable."""
    try:
        with _connected(database, read_only=True) as db:
            return invariants.damaged(db) or _outdated(db) or invariants.broken(db, has_image)
    except sqlite3.Error as error:
        raise diagnose(error) from error


def kept_currency(database: Path) -> str | None:
    """The currency that the ledger is in; None where there is none yet. Raises StoreUnavailable."""
    try:
        with _connected(database, read_only=True) as db:
            if not _is_ours(db):
                return None
            row = db.execute("SELECT value FROM meta WHERE name = 'currency'").fetchone()
    except sqlite3.Error as error:
        raise diagnose(error) from error
    return None if row is None else str(row[0])


def _outdated(db: sqlite3.Connection) -> list[Finding]:
    found, newest = version(db), migrations()[-1][0]
    if found == newest:
        return []
    advice = "start the bot once, and it is upgraded" if found < newest else "update Easel"
    return [Finding("the database is of this version", f"it has version {found}, not {newest}: {advice}")]


def _refuse_unless_sound(copy: Path) -> None:
    with _connected(copy, read_only=True) as db:
        damage = invariants.damaged(db)
        if damage:
            raise CannotOpen(f"{copy.name} is damaged: {damage[0].sentence}")
        found = version(db)
        ours = _is_ours(db)
    if not ours:
        raise CannotOpen(f"{copy.name} is not a database of Easel")
    if found > migrations()[-1][0]:
        raise CannotOpen(f"{copy.name} was written by a newer Easel (version {found}); update Easel first")


def _is_ours(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


def _set_aside(database: Path) -> Path:
    """Keep the old database under another name, its log folded in, so that it never meets the new one."""
    aside = database.with_name(f"{database.name}.before-restore-{secrets.token_hex(4)}")
    log, index = (database.with_name(database.name + suffix) for suffix in ("-wal", "-shm"))
    try:
        with _connected(database) as db:
            db.execute("PRAGMA journal_mode = DELETE")
        os.link(database, aside)
    except (sqlite3.DatabaseError, OSError):  # too damaged to open, or a file system without links
        database.replace(aside)
        if log.exists():
            log.replace(aside.with_name(aside.name + "-wal"))
    log.unlink(missing_ok=True)
    index.unlink(missing_ok=True)
    return aside


@contextlib.contextmanager
def _connected(path: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    mode = "?mode=ro" if read_only else ""
    with contextlib.closing(
        sqlite3.connect(f"{path.absolute().as_uri()}{mode}", uri=True, isolation_level=None)
    ) as db:
        yield db


def _fsync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
