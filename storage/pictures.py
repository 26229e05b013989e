"""Pictures: kept under the name of their content, and deleted for their owner, by age or by total size."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from . import trash
from .audit import note
from .closing import OPEN
from .core import Subject, reports, writes, writes_until_stored
from .errors import ImageGone, StoreUnavailable, UnknownJob, WrongState
from .images import input_name, input_ref, overdue
from .records.requests import JobState, NewInput

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable


class Pictures(Subject):
    """`store.pictures`. A picture's `ref` is its name."""

    async def put(self, content: bytes, suffix: str) -> str:
        """Keep a picture on disk, durably; its ref. `suffix` is like ".png". Waits until stored."""
        return await self.core.until_stored(lambda: self._put(content, suffix))

    async def put_input(self, content: bytes) -> str:
        """Keep a picture that came with a request, durably, until a request refers to it: its digest.

        Content is a PNG file. Raises StoreUnavailable.
        """
        ref = await self.core.in_thread(self.core.folder.put, content, ".png", self.now_us, input_name)
        return ref.partition(".")[0]

    async def get_input(self, digest: str) -> bytes:
        """The bytes of a picture that came with a request. Raises ImageGone."""
        return await self.get(input_ref(digest))

    async def discard_input(self, digest: str) -> None:
        """Delete a picture whose request was not accepted, unless another was. Waits until it is listed."""
        await self.discard(input_ref(digest))

    async def _put(self, content: bytes, suffix: str) -> str:
        try:
            ref = await self.core.in_thread(self.core.folder.put, content, suffix, self.now_us)
        except StoreUnavailable as trouble:
            self.core.picture_trouble = (self.now_us, trouble)
            raise
        self.core.picture_trouble = None
        return ref

    async def get(self, ref: str) -> bytes:
        """The bytes of a picture. Raises ImageGone."""
        return await self.core.in_thread(self.core.folder.get, ref)

    async def delete(self, job_id: str, *, by: str | None = None, why: str = "") -> None:
        """Take the picture of a closed job away for good; with the last one, those the request came with.

        An owner who does (`by`) is noted in the audit log.

        Raises UnknownJob, WrongState.
        """
        await self._take(job_id, by, why)
        await self.empty_trash()

    @reports
    def inputs(self, db: sqlite3.Connection, request_ids: Iterable[str]) -> dict[str, list[NewInput]]:
        """The pictures still kept that came with requests, by request; those without any are left out."""
        found: dict[str, list[NewInput]] = {}
        query = (
            "SELECT role, ref, brought FROM input JOIN request ON request.id = request WHERE request_id = ?"
        )
        for request_id in dict.fromkeys(request_ids):
            if rows := db.execute(query, (request_id,)).fetchall():
                found[request_id] = [
                    NewInput(role, ref.partition(".")[0], bool(brought)) for role, ref, brought in rows
                ]
        return found

    async def delete_input(self, digest: str, *, by: str, why: str = "") -> None:
        """Take a picture that came with requests away for good; what was drawn from it stays.

        The audit log notes it for each member it came from. Raises ImageGone, and WrongState where a job has
        yet to be drawn from it.
        """
        await self._take_input(digest, self.now_us, by, why)  # one that is written again from now on stays
        await self.empty_trash()

    async def discard(self, ref: str) -> None:
        """Delete a picture whose job is gone, unless another job shows it or a request is drawn from it."""
        await self._trash([ref], self.now_us)
        with suppress(StoreUnavailable):  # it is on the list
            await self.empty_trash()

    async def delete_oldest(self, *, max_age_s: int | None = None, total_mb: int | None = None) -> int:
        """Delete the oldest pictures beyond an age or a total size; undelivered ones stay. How many went."""
        since_us = self.now_us  # a picture that is written again while we look stays
        kept = await self.core.in_thread(self.core.folder.kept)
        await self._take_all(overdue(kept, since_us, max_age_s=max_age_s, total_mb=total_mb), since_us)
        return await self.empty_trash()

    async def delete_orphans(self) -> int:
        """Delete files of no job and no request: what a kill left between a picture and its row. How many.

        Only while nobody draws.
        """
        refs = await self.core.in_thread(self.core.folder.refs)
        orphans = await self.core.report(lambda db: trash.orphans(db, refs))
        if orphans:
            await self._trash(orphans, self.now_us)
        return await self.empty_trash()

    async def empty_trash(self) -> int:
        """Delete the files of pictures that were taken away, and only then strike them from the list."""
        listed = await self.core.report(trash.listed)
        if not listed:
            return 0
        deleted = await self.core.in_thread(self.core.folder.delete, listed)
        await self._strike(listed)
        return deleted

    @writes
    def _take(self, db: sqlite3.Connection, job_id: str, by: str | None, why: str) -> None:
        row = db.execute(
            "SELECT request, image, state, key FROM job JOIN request ON request.id = job.request"
            " JOIN member ON member.id = request.member WHERE job_id = ?",
            (job_id,),
        ).fetchone()
        if row is None:
            raise UnknownJob(f"no job {job_id}")
        if row["state"] == JobState.DRAWN:
            raise WrongState(job_id, row["state"], "without its picture")
        if row["image"] is not None:
            db.execute("UPDATE job SET image = NULL WHERE job_id = ?", (job_id,))
            trash.add(db, self.now_us, [row["image"]])
        inputs = db.execute(
            f"""
            DELETE FROM input WHERE request = ?1 AND NOT EXISTS
              (SELECT 1 FROM job WHERE request = ?1 AND (image IS NOT NULL OR {OPEN})) RETURNING ref
            """,  # noqa: S608 - a constant
            (row["request"],),
        )
        trash.add(db, self.now_us, [ref for (ref,) in inputs.fetchall()])
        if by is not None:
            detail = {"job": job_id}
            note(db, self.now_us, by=by, action="delete_picture", subject=row["key"], detail=detail, why=why)

    @writes
    def _take_input(self, db: sqlite3.Connection, digest: str, since_us: int, by: str, why: str) -> None:
        ref = input_ref(digest)
        waiting = db.execute(
            "SELECT job_id, state FROM job JOIN input ON input.request = job.request"  # noqa: S608 - a constant
            f" WHERE ref = ? AND {OPEN} AND state <> 'drawn'",
            (ref,),
        ).fetchone()
        if waiting is not None:
            raise WrongState(waiting["job_id"], waiting["state"], "without its source")
        members = db.execute(
            "SELECT DISTINCT key FROM input JOIN request ON request.id = request"
            " JOIN member ON member.id = request.member WHERE ref = ?",
            (ref,),
        ).fetchall()
        if not members:
            raise ImageGone(ref)
        db.execute("DELETE FROM input WHERE ref = ?", (ref,))
        trash.add(db, since_us, [ref])
        for (key,) in members:
            detail = {"sha256": digest}
            note(db, self.now_us, by=by, action="delete_source", subject=key, detail=detail, why=why)

    @writes
    def _take_all(self, db: sqlite3.Connection, refs: Iterable[str], since_us: int) -> None:
        trash.take(db, since_us, refs)

    @writes_until_stored
    def _trash(self, db: sqlite3.Connection, refs: Iterable[str], now_us: int) -> None:
        trash.add(db, now_us, refs)

    @writes
    def _strike(self, db: sqlite3.Connection, deleted: Iterable[tuple[str, int]]) -> None:
        trash.strike(db, deleted)
