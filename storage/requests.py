"""Requests: accepted, read back, and gone after their term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import acceptance, request_rows, trash
from .clock import DAY_US, SECOND_US
from .closing import OPEN
from .core import Subject, reads, reports, writes, writes_until_stored
from .errors import UnknownRequest
from .images import input_ref
from .space import require_room

if TYPE_CHECKING:
    import sqlite3

    from .core import Core
    from .months import Period
    from .pictures import Pictures
    from .records.requests import Acceptance, NewRequest, RequestRecord

PRUNED_AT_ONCE = 200
"""Few enough that nobody waits long for the writer."""
_NEWEST = "WHERE request.id > (SELECT max(id) - 1000 FROM request) "
"""What a page for people looks through; no index on time is kept for it."""


class Requests(Subject):
    """`store.requests`."""

    def __init__(self, core: Core, pictures: Pictures) -> None:
        super().__init__(core)
        self._pictures = pictures

    @writes
    def accept(self, db: sqlite3.Connection, request: NewRequest) -> Acceptance:
        """Reserve the images and write request and jobs, all or nothing.

        The same source again returns the first request with `replayed=True` and changes nothing; where all
        its jobs are closed, with the address given now, since its own is not kept. Raises SourceReused
        (another digest than then), QuotaExceeded, SpendingCapReached, MemberBanned, DailyCapReached,
        AccountTooYoung, UnknownMember, and StoreUnavailable where pictures could not be stored.
        """
        require_room(self.core)
        return acceptance.accept(db, self.policy, self.now_us, request)

    @writes_until_stored
    def take_back(self, db: sqlite3.Connection, request_id: str) -> None:
        """Undo an acceptance that nothing was done for: no cancellation is counted, its source may come
        again.

        Raises UnknownRequest.
        """
        acceptance.take_back(db, self.now_us, request_id)

    @writes_until_stored
    def set_address(self, db: sqlite3.Connection, request_id: str, address: str) -> None:
        """Replace the delivery address (a message id became known); nothing changes once it is over and told.

        Raises UnknownRequest.
        """
        row = db.execute("SELECT id FROM request WHERE request_id = ?", (request_id,)).fetchone()
        if row is None:
            raise UnknownRequest(f"no request {request_id}")
        db.execute("UPDATE address SET address = ? WHERE request = ?", (address, row["id"]))
        db.execute("UPDATE untold SET address = ? WHERE request = ?", (address, row["id"]))

    @writes_until_stored
    def told(self, db: sqlite3.Connection, request_id: str) -> None:
        """The message of a request says how it failed. One that is not known any more is no error."""
        db.execute(
            "DELETE FROM untold WHERE request = (SELECT id FROM request WHERE request_id = ?)", (request_id,)
        )

    @reads
    def get(self, db: sqlite3.Connection, request_id: str) -> RequestRecord:
        """A request with all its jobs. Raises UnknownRequest."""
        return request_rows.one(db, request_id, self.now_us)

    @reads
    def history(
        self, db: sqlite3.Connection, member: str, limit: int, before: str | None = None
    ) -> list[RequestRecord]:
        """The member's requests, newest first; `before` is the request id at which the last page ended."""
        page = """
            WHERE request.id IN (
                SELECT id FROM request WHERE member = (SELECT member FROM person WHERE key = ?1)
                  AND id < coalesce((SELECT id FROM request WHERE request_id = ?2), 9223372036854775807)
                ORDER BY id DESC LIMIT ?3)
        """
        return request_rows.read(db, page, (member, before, limit), self.now_us)[::-1]

    @reports
    def unfinished(self, db: sqlite3.Connection) -> list[RequestRecord]:
        """Requests with queued or running jobs, oldest first, holding just those jobs."""
        where = f"WHERE {OPEN} AND state IN ('queued', 'running')"
        return request_rows.read(db, where, (), self.now_us)

    @reports
    def undelivered(self, db: sqlite3.Connection, platform: str) -> list[RequestRecord]:
        """Requests of one platform with drawn, unacknowledged, unparked jobs, oldest first, holding just
        those.
        """
        where = f"WHERE {OPEN} AND state = 'drawn' AND NOT parked AND request.platform = ?"
        return request_rows.read(db, where, (platform,), self.now_us)

    @reports
    def untold(self, db: sqlite3.Connection, platform: str) -> list[RequestRecord]:
        """Requests of one platform that failed or were cancelled, and whose message does not say so yet."""
        where = (
            "WHERE request.platform = ? AND request.id IN (SELECT request FROM untold)"
            " AND NOT EXISTS (SELECT 1 FROM address WHERE address.request = request.id)"
        )
        return request_rows.read(db, where, (platform,), self.now_us)

    @reports
    def failed(self, db: sqlite3.Connection) -> list[RequestRecord]:
        """Among the last thousand requests those with failed jobs, newest first, holding just those."""
        return request_rows.read(db, _NEWEST + "AND job.state = 'failed'", (), self.now_us)[::-1]

    @reports
    def pictured(
        self, db: sqlite3.Connection, period: Period, *, member: str | None = None, limit: int = 48
    ) -> list[RequestRecord]:
        """The newest requests of a period that have pictures, of all or of one member, newest first."""
        having = "SELECT 1 FROM job WHERE job.request = request.id AND image IS NOT NULL"
        where, values = _newest(having, period, member, limit)
        return request_rows.read(db, f"{where} AND job.image IS NOT NULL", values, self.now_us)[::-1]

    @reports
    def sourced(
        self, db: sqlite3.Connection, period: Period, *, member: str | None = None, limit: int = 48
    ) -> list[RequestRecord]:
        """Requests drawn from pictures that members brought and that are still kept, however they ended."""
        having = "SELECT 1 FROM input WHERE input.request = request.id AND brought"
        return request_rows.read(db, *_newest(having, period, member, limit), self.now_us)[::-1]

    @reports
    def drawn_from(self, db: sqlite3.Connection, digest: str) -> list[RequestRecord]:
        """All requests that a picture came with, newest first; none once it is no longer kept."""
        where = "WHERE request.id IN (SELECT request FROM input WHERE ref = ?)"
        return request_rows.read(db, where, (input_ref(digest),), self.now_us)[::-1]

    async def prune(self, *, closed_for_s: int) -> int:
        """Delete requests that have been closed for so long, with prompts and pictures. How many.

        Their ledger rows stay, as do all figures.
        """
        pruned = 0
        while count := await self._prune(closed_for_s):
            pruned += count
        if pruned:
            await self._pictures.empty_trash()
        return pruned

    @writes
    def _prune(self, db: sqlite3.Connection, closed_for_s: int) -> int:
        until_us = self.now_us - closed_for_s * SECOND_US
        found = db.execute(
            """
            SELECT id FROM request WHERE created_us < ?1
              AND NOT EXISTS (SELECT 1 FROM job LEFT JOIN ledger ON ledger.job = job.id
                              WHERE job.request = request.id AND coalesce(at_us, ?1) >= ?1)
            ORDER BY created_us LIMIT ?2
            """,
            (until_us, PRUNED_AT_ONCE),
        ).fetchall()
        numbers = [(number,) for (number,) in found]
        refs = [ref for number in numbers for ref in trash.of_requests(db, "?", number)]
        db.executemany("DELETE FROM job WHERE request = ?", numbers)
        db.executemany("DELETE FROM request WHERE id = ?", numbers)
        trash.add(db, self.now_us, refs)
        db.execute("DELETE FROM untold WHERE at_us < ?", (self.now_us - DAY_US,))
        day = self.policy.calendar.day(until_us - DAY_US)
        db.execute("DELETE FROM daily WHERE day < ?", (day,))
        db.execute(
            "INSERT INTO meta VALUES ('pruned_until_us', ?1)"
            " ON CONFLICT DO UPDATE SET value = max(CAST(value AS INTEGER), ?1)",
            (until_us,),
        )
        return len(numbers)


def _newest(having: str, period: Period, member: str | None, limit: int) -> tuple[str, tuple[int | str, ...]]:
    """Which are the newest requests of a period, of all or of one member, for which `having` finds a row."""
    whose = "" if member is None else "AND member = (SELECT member FROM person WHERE key = ?4)"
    where = f"""
        WHERE request.id IN (
            SELECT id FROM request WHERE created_us >= ?1 AND created_us < ?2 {whose} AND EXISTS ({having})
            ORDER BY created_us DESC, id DESC LIMIT ?3)
    """  # noqa: S608 - constants
    return where, (period.start_us, period.end_us, limit, *(() if member is None else (member,)))
