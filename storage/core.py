"""What all subjects of the store share: connections and writer, the owner's policy, the clock, the key, the
pictures' folder.

A subject's verb is written as a plain function of a database connection, beside its SQL; the decorator above
it says how it is run, and with that whether it waits while the disk refuses:

- `writes`: in a transaction; raises StoreUnavailable, and then nothing was written.
- `writes_until_stored`: the same, but waits until it can be written. For what follows on work that was done:
a job's picture must not lose its row, nor a reservation its end.
- `reads`: one consistent state, at once; raises StoreUnavailable.
- `reports`: the same for what may take a moment, so that look-ups never wait behind it.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from .errors import StoreUnavailable
from .trouble import diagnose

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable, Coroutine, Iterator
    from pathlib import Path

    from .clock import Clock
    from .connection import Connection
    from .images import ImageFolder
    from .policy import Policy
    from .writer import Writer

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound="Subject")
Run: TypeAlias = "Coroutine[Any, Any, T]"


class Core:
    """The parts, and the ways to use them from the event loop."""

    def __init__(
        self,
        *,
        path: Path,
        policy: Policy,
        clock: Clock,
        key: bytes,
        folder: ImageFolder,
        reading: Connection,
        reporting: Connection,
        writer: Writer,
        on_trouble: Callable[[StoreUnavailable], None] | None,
        retry_s: float,
        min_free_bytes: int,
    ) -> None:
        self.path = path
        self.policy = policy
        self.clock = clock
        self.key = key
        self.folder = folder
        self.reading = reading  # for quick look-ups, which must not wait behind a report
        self.reporting = reporting
        self.writer = writer
        self.min_free_bytes = min_free_bytes
        self.picture_trouble: tuple[int, StoreUnavailable] | None = None
        """Since when (microseconds) and why the last picture could not be stored."""
        self._folding: asyncio.Task[None] | None = None
        self._on_trouble = on_trouble
        self._retry_s = retry_s

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What the decorator `reads` does."""
        with self.watched():
            return await self.reading.read(work)

    async def report(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What the decorator `reports` does."""
        with self.watched():
            return await self.reporting.read(work)

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """File work off the event loop. Raises StoreUnavailable where the system is at fault."""
        with self.watched():
            return await in_thread(work, *args, **kwargs)

    async def until_stored(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Repeat what is no write of the database until the disk can do it."""
        while True:
            try:
                return await operation()
            except StoreUnavailable:
                await asyncio.sleep(self._retry_s)

    async def fold_log(self) -> bool:
        """Write SQLite's log into the database and empty it, so that nothing erased is left there; whether
        that is done.

        Where another reader needs the log it is tried again, for a few seconds here and then in the
        background; nobody waits for it meanwhile.
        """
        done, _ = await asyncio.wait([self.start_folding()], timeout=3 * self._retry_s)
        return bool(done)

    def start_folding(self) -> asyncio.Task[None]:
        """Fold the log in the background: at a start, for what the last process left in it."""
        if self._folding is None or self._folding.done():
            self._folding = asyncio.create_task(self._fold_log(), name="storage-fold-log")
        return self._folding

    async def stop_folding(self) -> None:
        """At the end: closing the last connection empties the log as well."""
        if self._folding is not None:
            self._folding.cancel()
            await asyncio.gather(self._folding, return_exceptions=True)

    async def _fold_log(self) -> None:
        while not await self._folded():  # noqa: ASYNC110 - nobody tells when a reader ends
            await asyncio.sleep(self._retry_s)

    async def _folded(self) -> bool:
        try:
            return await self.writer.outside(_checkpoint)
        except StoreUnavailable:
            return False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Tell of trouble outside the writer, which tells of its own."""
        try:
            yield
        except StoreUnavailable as trouble:
            if self._on_trouble is not None:
                self._on_trouble(trouble)
            raise


class Subject:
    """One part of the store: `store.keys`, `store.jobs`, ..."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @property
    def core(self) -> Core:
        """What all subjects share."""
        return self._core

    @property
    def now_us(self) -> int:
        """Microseconds since 1970 by the store's clock."""
        return self._core.clock()

    @property
    def policy(self) -> Policy:
        """What the owner configured."""
        return self._core.policy


def writes(verb: Callable[Concatenate[S, sqlite3.Connection, P], T]) -> Callable[Concatenate[S, P], Run[T]]:
    """Run in a transaction of the writer. Raises StoreUnavailable; then nothing was written."""
    return _run_by(verb, lambda core, work: core.writer.write(work))


def writes_until_stored(
    verb: Callable[Concatenate[S, sqlite3.Connection, P], T],
) -> Callable[Concatenate[S, P], Run[T]]:
    """Run in a transaction of the writer, which keeps it while the disk refuses."""
    return _run_by(verb, lambda core, work: core.writer.write(work, lasting=True))


def reads(verb: Callable[Concatenate[S, sqlite3.Connection, P], T]) -> Callable[Concatenate[S, P], Run[T]]:
    """Run on the connection for quick look-ups. Raises StoreUnavailable."""
    return _run_by(verb, lambda core, work: core.read(work))


def reports(verb: Callable[Concatenate[S, sqlite3.Connection, P], T]) -> Callable[Concatenate[S, P], Run[T]]:
    """Run on the connection for what may take a moment. Raises StoreUnavailable."""
    return _run_by(verb, lambda core, work: core.report(work))


def _run_by(
    verb: Callable[Concatenate[S, sqlite3.Connection, P], T],
    way: Callable[[Core, Callable[[sqlite3.Connection], T]], Run[T]],
) -> Callable[Concatenate[S, P], Run[T]]:
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await way(self.core, lambda db: verb(self, db, *args, **kwargs))

    update_wrapper(run, verb)
    return run


def _checkpoint(db: sqlite3.Connection) -> bool:
    """Whether all of the log is in the database and the log empty; never waits for a reader to end."""
    (patience_ms,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute("PRAGMA busy_timeout = 0")
    try:
        return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        db.execute(f"PRAGMA busy_timeout = {patience_ms}")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """File work off the event loop. Raises StoreUnavailable where the system is at fault."""
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        raise diagnose(error) from error
