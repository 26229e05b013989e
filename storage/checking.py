"""Checks a database, whether its bot is running or not."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from . import invariants, keyfile
from .backup import connected
from .errors import CannotOpen, Problem
from .records.findings import Finding, Severity
from .schema import APPLICATION_ID, migrations, refuse_unless_ours, version
from .trouble import diagnose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def check(database: Path, has_image: Callable[[str], bool] | None = None) -> list[Finding]:
    """The file's integrity, then every invariant; empty when all is well. Raises StoreUnavailable."""
    try:
        with connected(database, read_only=True) as db:
            return invariants.damaged(db) or _foreign(db) or _outdated(db) or invariants.broken(db, has_image)
    except sqlite3.Error as error:
        raise diagnose(error) from error


def key_trouble(database: Path) -> CannotOpen | None:
    """Why the database would not be opened with the key file beside it. Raises StoreUnavailable."""
    try:
        with connected(database, read_only=True) as db:
            keyfile.verified(db, database)
    except sqlite3.Error as error:
        raise diagnose(error) from error
    except CannotOpen as error:
        return error
    return None


def kept_currency(database: Path) -> str | None:
    """The currency that the ledger is in; None where there is none yet. Raises StoreUnavailable."""
    try:
        with connected(database, read_only=True) as db:
            if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                return None
            row = db.execute("SELECT value FROM meta WHERE name = 'currency'").fetchone()
    except sqlite3.Error as error:
        raise diagnose(error) from error
    return None if row is None else str(row[0])


def _foreign(db: sqlite3.Connection) -> list[Finding]:
    try:
        refuse_unless_ours(db)
    except CannotOpen as error:
        why = "another program's" if error.problem is Problem.FOREIGN else "empty: start the bot once"
        return [Finding("the database is Easel's", f"it is {why}")]
    return []


def _outdated(db: sqlite3.Connection) -> list[Finding]:
    found, newest = version(db), migrations()[-1][0]
    if found == newest:
        return []
    advice = "start the bot once, and it is upgraded" if found < newest else "update Easel"
    sentence = f"it has version {found}, not {newest}: {advice}"
    return [Finding("the database is of this version", sentence, Severity.WARNING)]
