"""One SQLite connection on its own thread; a function given to `run` has the connection to itself until it
returns.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

import aiosqlite

from .schema import refuse_foreign
from .trouble import diagnose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

# A settled picture is on disk: journal_mode WAL with synchronous FULL, unless `open` is told otherwise.
PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA foreign_keys = ON;
PRAGMA recursive_triggers = ON;     -- else INSERT OR REPLACE slips past the ledger's delete trigger
PRAGMA secure_delete = ON;          -- what /forget erases is overwritten, not just unlinked
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -16384;
"""
_RUN = "run a function"


class _Answer(sqlite3.Cursor):
    """What a function returned, in the shape of a statement's rows."""

    value: Any

    def fetchall(self) -> Any:
        return self.value


class _Database(sqlite3.Connection):
    """sqlite3's connection, whose `execute` also runs a function.

    aiosqlite's public methods run one statement each, and each is a hop to the connection's thread. Through
    this one a whole operation takes one hop.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql is not _RUN:
            return super().execute(sql, parameters)
        (work,) = parameters
        answer = self.cursor(_Answer)
        answer.value = work(self)
        return answer


class Connection:
    """A thread of its own means that SQLite never blocks the event loop."""

    def __init__(self, database: aiosqlite.Connection) -> None:
        self._database = database

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        query_only: bool = False,
        durable: bool = True,
        busy_timeout_s: float = 5.0,
        on_statement: Callable[[str], None] | None = None,
    ) -> Self:
        """Not `durable`, it waits for no disk: for tests and simulations. `on_statement` is told every
        statement, on the connection's thread. Raises CannotOpen, StoreUnavailable.
        """
        try:
            database = await aiosqlite.connect(
                path, isolation_level=None, timeout=busy_timeout_s, factory=_Database
            )
        except (sqlite3.Error, OSError) as error:
            raise diagnose(error) from error
        connection = cls(database)
        try:
            await connection.run(partial(_prepare, query_only=query_only, durable=durable))
            await connection.run(lambda db: db.set_trace_callback(on_statement))
        except BaseException:
            await connection.close()
            raise
        return connection

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `work`, run on the connection's thread.

        Raises StoreUnavailable, or what `work` raises.
        """
        try:
            result: Any = await self._database.execute_fetchall(_RUN, (work,))
        except (sqlite3.Error, ValueError) as error:
            raise diagnose(error) from error
        else:
            return result  # type: ignore[no-any-return]

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`run`, where everything sees one and the same state of the database."""
        return await self.run(lambda db: _in_one_view(db, work))

    async def close(self) -> None:
        """Let go of the file."""
        await self._database.close()


def _prepare(db: sqlite3.Connection, *, query_only: bool, durable: bool) -> None:
    refuse_foreign(db)  # before anything is written, if only the kind of log that it uses
    db.row_factory = sqlite3.Row
    db.executescript(PRAGMAS)
    db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
    db.execute(f"PRAGMA query_only = {query_only:d}")


def _in_one_view(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    db.execute("BEGIN")
    try:
        return work(db)
    finally:
        db.execute("COMMIT")
