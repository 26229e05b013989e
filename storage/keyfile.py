"""The key of the hashes of forgotten members and of signed links: a file beside the database, so that a
stolen copy of the database does not contain it.

The database keeps the key's fingerprint: a key that is lost, damaged or another database's is refused, since
with it bans of forgotten members would end and links go bad without a word.
"""

from __future__ import annotations

import hmac
import os
import secrets
from typing import TYPE_CHECKING

from .errors import CannotOpen, Problem
from .images import fsync_folder

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

LENGTH = 32


def path_of(database: Path) -> Path:
    """Where the key of a database is."""
    return database.with_name(database.name + ".key")


def load_or_create(db: sqlite3.Connection, database: Path) -> bytes:
    """The key that belongs to the database; a new one for a database that never had any.

    Raises CannotOpen, OSError.
    """
    key = verified(db, database) or _create(path_of(database))
    db.execute("INSERT INTO meta VALUES ('key_fingerprint', ?) ON CONFLICT DO NOTHING", (fingerprint(key),))
    return key


def verified(db: sqlite3.Connection, database: Path) -> bytes | None:
    """The key that belongs to the database; None for one that never had any. Raises CannotOpen, OSError."""
    kept, key = kept_fingerprint(db), read(path_of(database))
    if key is None and kept is not None:
        raise CannotOpen(Problem.KEY_GONE, file=str(path_of(database)))
    if key is not None and kept not in (None, fingerprint(key)):
        raise CannotOpen(Problem.KEY_FOREIGN, file=str(path_of(database)))
    return key


def renew(db: sqlite3.Connection, database: Path) -> Path | None:
    """A new key; where an old one is now, None if there was none. Raises OSError."""
    path, aside = path_of(database), None
    if path.exists():
        aside = path.with_name(f"{path.name}.replaced-{secrets.token_hex(4)}")
        path.replace(aside)
    key = _create(path)
    db.execute(
        "INSERT INTO meta VALUES ('key_fingerprint', ?1) ON CONFLICT DO UPDATE SET value = ?1",
        (fingerprint(key),),
    )
    return aside


def read(path: Path) -> bytes | None:
    """The key in a file; None where there is none. Raises CannotOpen where it is no key."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotOpen(Problem.KEY_UNREADABLE, file=str(path), reason=reason) from None
    if len(key) != LENGTH:
        raise CannotOpen(Problem.KEY_DAMAGED, file=str(path), found=len(key), wanted=LENGTH)
    return key


def fingerprint(key: bytes) -> str:
    """Tells keys apart, and nothing about them."""
    return hmac.digest(key, b"fingerprint", "sha256").hex()


def kept_fingerprint(db: sqlite3.Connection) -> str | None:
    """The fingerprint of the key that the database was written with; None where it was not kept yet."""
    row = db.execute("SELECT value FROM meta WHERE name = 'key_fingerprint'").fetchone()
    return None if row is None else str(row[0])


def write(path: Path, key: bytes) -> None:
    """Durably, readable by its owner alone, all of it or nothing. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    fsync_folder(path.parent)


def _create(path: Path) -> bytes:
    key = secrets.token_bytes(LENGTH)
    write(path, key)
    return key
