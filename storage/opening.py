"""What a database must agree to before it is used, and whether it can still be written."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from . import backup
from .errors import CannotOpen, Problem
from .schema import migrations, upgrade, version

if TYPE_CHECKING:
    from pathlib import Path

OLDEST_SQLITE = (3, 35, 0)  # RETURNING, and several ON CONFLICT clauses


def prepare(db: sqlite3.Connection, *, database: Path, currency: str) -> None:
    """Bring the schema up to date, with a copy from before, and hold the currency fast.

    Raises CannotOpen, StoreUnavailable.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise CannotOpen(Problem.OLD_SQLITE, found=sqlite3.sqlite_version)
    if 0 < version(db) < migrations()[-1][0]:
        backup.copy_before_upgrade(database, migrations()[-1][0])
    upgrade(db)
    db.execute("INSERT INTO meta VALUES ('currency', ?) ON CONFLICT DO NOTHING", (currency,))
    kept = db.execute("SELECT value FROM meta WHERE name = 'currency'").fetchone()[0]
    if kept != currency:
        raise CannotOpen(Problem.CURRENCY, kept=kept, configured=currency)


def probe(db: sqlite3.Connection, word: str) -> None:
    """Write a word that was not there before: SQLite writes nothing where nothing changes."""
    db.execute("INSERT INTO meta VALUES ('probe', ?1) ON CONFLICT DO UPDATE SET value = ?1", (word,))
