"""The life of a job: queued, running, drawn, delivered; or failed, or cancelled. Who closes it settles it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from . import ledger, request_rows
from .clock import SECOND_US
from .closing import OPEN, SELECT, OpenJob, close, open_job
from .core import Subject, reads, writes, writes_until_stored
from .errors import UnknownJob, UnknownRequest, WrongState
from .records.figures import Outcome
from .records.requests import CancelledBy, DrawUsage, JobRecord, JobState

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .core import Core
    from .pictures import Pictures

UNDRAWN = (JobState.QUEUED, JobState.RUNNING)


class Jobs(Subject):
    """`store.jobs`. Where jobs are named, a request's id stands for all its drawn ones."""

    def __init__(self, core: Core, pictures: Pictures) -> None:
        super().__init__(core)
        self._pictures = pictures

    @reads
    def get(self, db: sqlite3.Connection, job_id: str) -> JobRecord:
        """Raises UnknownJob."""
        return request_rows.of_job(db, job_id, self.now_us)

    @writes_until_stored
    def running(self, db: sqlite3.Connection, job_id: str) -> None:
        """It has begun to draw: its waiting time ends with the first time it runs.

        Raises UnknownJob, WrongState.
        """
        job = _find(db, job_id)
        if job.state not in UNDRAWN:
            raise WrongState(job_id, job.state, JobState.RUNNING)
        db.execute(
            "UPDATE job SET state = 'running', started_us = coalesce(started_us, ?) WHERE id = ?",
            (self.now_us, job.id),
        )

    async def drawn(self, job_id: str, image: str, usage: DrawUsage) -> int:
        """The picture is on disk under `image` (from `pictures.put`).

        Returns its cost in micro-units, fixed at the rate valid now.

        Waits until stored. A second time (after a crash) changes nothing. Raises UnknownJob (its member was
        forgotten in the meantime), WrongState (closed); the picture is deleted then.
        """
        try:
            return await self._drawn(job_id, image, usage)
        except (UnknownJob, WrongState):
            await self._pictures.discard(image)
            raise

    @writes_until_stored
    def _drawn(self, db: sqlite3.Connection, job_id: str, image: str, usage: DrawUsage) -> int:
        job = _find(db, job_id)
        if job.state is JobState.DRAWN:
            return job.cost_micro or 0
        if job.state.closed:
            raise WrongState(job_id, job.state, JobState.DRAWN)
        db.execute(
            "UPDATE job SET state = 'drawn', image = ?, started_us = coalesce(started_us, ?) WHERE id = ?",
            (image, self.now_us, job.id),
        )
        cost_micro = self.policy.cost_micro(usage.gpu_us, self.now_us, usage.device)
        db.execute(
            "INSERT INTO drawing VALUES (?, ?, ?, ?)",
            (job.id, self.now_us, json.dumps(asdict(usage)), cost_micro),
        )
        return cost_micro

    @writes_until_stored
    def failed(
        self, db: sqlite3.Connection, job_id: str, reason: str, usage: DrawUsage | None = None
    ) -> None:
        """Close uncharged: the reservation returns to where it came from. What is closed stays as it is.

        Raises UnknownJob.
        """
        job = _find(db, job_id)
        self._close(db, job, JobState.FAILED, Outcome.FAILED, charged=False, reason=reason, usage=usage)

    @writes_until_stored
    def cancelled(
        self,
        db: sqlite3.Connection,
        job_id: str,
        usage: DrawUsage | None = None,
        *,
        by: CancelledBy,
        refunds_a_day: int | None = None,
    ) -> bool:
        """Close a job without a picture. Whether it is charged.

        It is when it had begun (it has draw time), the member had `refunds_a_day` of those back today
        (None: any number), and it is theirs to answer for: nobody pays for what others cancelled. What is
        closed stays as it is. Raises UnknownJob.
        """
        job = _find(db, job_id)
        took = job.usage or usage
        charged = (
            by.members_doing
            and refunds_a_day is not None
            and took is not None
            and took.draw_us > 0
            and ledger.refunds_since(db, job.member, self._midnight_us) >= refunds_a_day
        )
        self._close(db, job, JobState.CANCELLED, Outcome.CANCELLED, charged=charged, reason=by, usage=usage)
        return charged and not job.state.closed

    @writes_until_stored
    def acknowledge(self, db: sqlite3.Connection, jobs: str | Iterable[str], receipt: str = "") -> None:
        """The platform has taken the pictures: settle, ledger row and closing in one transaction.

        `receipt` is the platform's message id. What is closed stays as it is. Raises UnknownRequest,
        UnknownJob, WrongState (a job named itself is not drawn yet).
        """
        for job in _drawn_ones(db, jobs, JobState.DELIVERED):
            self._close(db, job, JobState.DELIVERED, Outcome.DELIVERED, charged=True, receipt=receipt)

    @writes_until_stored
    def undeliverable(
        self, db: sqlite3.Connection, jobs: str | Iterable[str], reason: str, *, members_doing: bool
    ) -> None:
        """Delivery failed for good: charged when it was the member's own doing (blocked the bot), else
        released.

        Errors as for `acknowledge`.
        """
        for job in _drawn_ones(db, jobs, JobState.FAILED):
            self._close(db, job, JobState.FAILED, Outcome.UNDELIVERABLE, charged=members_doing, reason=reason)

    @writes_until_stored
    def park(self, db: sqlite3.Connection, jobs: str | Iterable[str]) -> None:
        """Keep drawn pictures in the history, still reserved, until fetched (then `acknowledge`) or expired.

        Errors as for `acknowledge`.
        """
        for job in _drawn_ones(db, jobs, JobState.DRAWN):
            db.execute("UPDATE job SET parked = 1 WHERE id = ?", (job.id,))

    @writes
    def expire(self, db: sqlite3.Connection, *, unfinished_s: int, undelivered_s: int) -> list[JobRecord]:
        """Release what nobody will finish: jobs not drawn, or drawn and not taken, in so many seconds."""
        overdue = db.execute(
            SELECT
            + f"""
            WHERE {OPEN}
              AND (state IN ('queued', 'running') AND created_us <= ? OR state = 'drawn' AND drawn_us <= ?)
            """,
            (self.now_us - unfinished_s * SECOND_US, self.now_us - undelivered_s * SECOND_US),
        ).fetchall()
        for row in overdue:
            self._close(db, open_job(row), JobState.FAILED, Outcome.EXPIRED, charged=False, reason="expired")
        return [request_rows.of_job(db, row["job_id"], self.now_us) for row in overdue]

    @property
    def _midnight_us(self) -> int:
        return self.policy.calendar.today(self.now_us).start_us

    def _close(
        self,
        db: sqlite3.Connection,
        job: OpenJob,
        state: JobState,
        outcome: Outcome,
        *,
        charged: bool,
        reason: str | None = None,
        receipt: str | None = None,
        usage: DrawUsage | None = None,
    ) -> None:
        close(
            db,
            self.policy,
            self.now_us,
            job,
            state,
            outcome,
            charged=charged,
            reason=reason,
            receipt=receipt,
            usage=usage,
        )


def _find(db: sqlite3.Connection, job_id: str) -> OpenJob:
    row = db.execute(SELECT + "WHERE job_id = ?", (job_id,)).fetchone()
    if row is None:
        raise UnknownJob(f"no job {job_id}")
    return open_job(row)


def _drawn_ones(db: sqlite3.Connection, jobs: str | Iterable[str], wanted: JobState) -> list[OpenJob]:
    """The drawn jobs among the closed ones.

    One that is yet to be drawn is an error where it was named itself.
    """
    if isinstance(jobs, str):
        rows = db.execute(SELECT + "WHERE request_id = ? ORDER BY job.id", (jobs,)).fetchall()
        if not rows:
            raise UnknownRequest(f"no request {jobs}")
        return [job for job in map(open_job, rows) if job.state is JobState.DRAWN]
    found = [_find(db, job_id) for job_id in jobs]
    for job in found:
        if job.state in UNDRAWN:
            raise WrongState(job.job_id, job.state, wanted)
    return [job for job in found if job.state is JobState.DRAWN]
