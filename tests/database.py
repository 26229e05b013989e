"""A new database as a file, made once a run: bringing one up to date takes longer than most tests do."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from typing import TYPE_CHECKING

from storage.schema import upgrade

if TYPE_CHECKING:
    from pathlib import Path


def lay_out(database: Path) -> None:
    """Put a new database there, unless there is one. Where it cannot be written is the store's to tell."""
    if not database.exists():
        with contextlib.suppress(OSError):
            database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            database.write_bytes(_new())


@functools.cache
def _new() -> bytes:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        upgrade(db)
        return db.serialize()
