"""One task writes: all that waits in its inbox goes into one transaction, answered after the COMMIT."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .errors import Reason, StoreUnavailable
from .trouble import is_trouble

if TYPE_CHECKING:
    from .connection import Connection

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

BATCH_MAX = 256  # a bound on how long the first caller of a batch waits for the last one's statements


@dataclass(frozen=True, slots=True)
class _Entry:
    operation: Operation[Any]
    answer: asyncio.Future[Any]
    lasting: bool


class Writer:
    """Group commit: under load one fsync serves every caller that came while the last one was being written.

    Each operation is a savepoint of its own: a refusal undoes that operation alone. When the machine is at
    fault (disk full, locked, ...) the whole batch is undone and its callers are told, but for `lasting`
    operations: those are kept and tried again with the next batch, or after `retry_s`.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        on_trouble: Callable[[StoreUnavailable], None] | None = None,
        on_step: Callable[[str], None] = lambda step: None,
        retry_s: float = 2.0,
    ) -> None:
        """`on_step` is called, on the connection's thread, around each COMMIT, for tests that kill there."""
        self._connection = connection
        self._on_trouble = on_trouble
        self._on_step = on_step
        self._retry_s = retry_s
        self._inbox: deque[_Entry] = deque()
        self._kept: list[_Entry] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._serve(), name="storage-writer")

    async def write(self, operation: Operation[T], *, lasting: bool = False) -> T:
        """The result of `operation`, once it is on disk. Raises what it raises, or StoreUnavailable."""
        if self._closing:
            raise StoreUnavailable(Reason.CLOSED, "the store is closed")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._inbox.append(_Entry(operation, answer, lasting))
        self._wake.set()
        return cast("T", await answer)

    async def outside(self, work: Operation[T]) -> T:
        """Run something between transactions that cannot be in one (a checkpoint)."""
        return await self._connection.run(work)

    async def close(self) -> None:
        """Write what waits, tell those whose write still fails, and end the task."""
        self._closing = True
        self._wake.set()
        await self._task

    async def _serve(self) -> None:
        while await self._work_came():
            batch = self._next_batch()
            if batch:
                await self._write_batch(batch)
        for entry in self._kept:
            _refuse(entry, StoreUnavailable(Reason.CLOSED, "the store was closed while the disk refused"))

    async def _work_came(self) -> bool:
        """Wait for something to do. False when closing with nothing left but what the disk refuses."""
        if not self._inbox and not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._retry_s if self._kept else None)
        self._wake.clear()
        return bool(self._inbox) or not self._closing

    def _next_batch(self) -> list[_Entry]:
        fresh = [self._inbox.popleft() for _ in range(min(BATCH_MAX, len(self._inbox)))]
        batch = [entry for entry in self._kept + fresh if entry.lasting or not entry.answer.done()]
        self._kept = []
        return batch

    async def _write_batch(self, batch: list[_Entry]) -> None:
        try:
            results = await self._connection.run(
                partial(commit, operations=[entry.operation for entry in batch], on_step=self._on_step)
            )
        except Exception as error:
            trouble = _as_trouble(error)
            self._kept = [entry for entry in batch if entry.lasting]
            for entry in batch:
                if not entry.lasting:
                    _refuse(entry, trouble)
            if self._on_trouble is not None:
                self._on_trouble(trouble)
        else:
            for entry, (value, refusal) in zip(batch, results, strict=True):
                if refusal is not None:
                    _refuse(entry, refusal)
                elif not entry.answer.done():
                    entry.answer.set_result(value)


def _as_trouble(error: Exception) -> StoreUnavailable:
    """Whatever keeps a transaction from beginning or ending says nothing about the operations in it."""
    return error if isinstance(error, StoreUnavailable) else StoreUnavailable(Reason.IO, str(error))


def _refuse(entry: _Entry, error: Exception) -> None:
    if not entry.answer.done():
        entry.answer.set_exception(error)


def commit(
    db: sqlite3.Connection,
    operations: list[Operation[Any]],
    on_step: Callable[[str], None] = lambda step: None,
) -> list[tuple[Any, Exception | None]]:
    """Run the operations in one transaction; for each its value or its refusal. Raises when the machine is at
    fault.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        results = [_attempt(db, operation) for operation in operations]
        on_step("before-commit")
        db.execute("COMMIT")
        on_step("after-commit")
    except BaseException:
        if db.in_transaction:  # SQLite rolls back by itself when the disk is full
            db.execute("ROLLBACK")
        raise
    return results


def _attempt(db: sqlite3.Connection, operation: Operation[Any]) -> tuple[Any, Exception | None]:
    db.execute("SAVEPOINT operation")
    try:
        value = operation(db)
    except Exception as error:
        if is_trouble(error):
            raise
        db.execute("ROLLBACK TO operation")
        db.execute("RELEASE operation")
        return None, error
    db.execute("RELEASE operation")
    return value, None
