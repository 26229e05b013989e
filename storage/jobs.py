"""The life of a job: queued -> running -> drawn -> delivered, or failed, or cancelled. Whoever closes it
settles it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from . import ledger, quota, requests
from .clock import SECOND_US, from_us
from .errors import UnknownJob, UnknownRequest, WrongState
from .packing import pack
from .records import (
    Acceptance,
    DrawUsage,
    JobRecord,
    JobState,
    NewRequest,
    Outcome,
    RequestRecord,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .policy import Policy


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A job with what its request knows of the reservation."""

    id: int
    job_id: str
    state: JobState
    member: int
    month: int
    tier: str
    platform: str
    server: str | None
    capped_day: int | None
    from_topup: bool
    price_micro: int
    usage: DrawUsage | None
    cost_micro: int | None

    @property
    def closed(self) -> bool:
        """Settled or released, for good."""
        return is_closed(self.state)


def is_closed(state: JobState) -> bool:
    """Whether nothing comes after this state."""
    return state in (JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED)


_SELECT = """
SELECT job.id, job_id, state, member, month, tier, platform, server, capped_day, from_topup, price_micro,
       usage, cost_micro
FROM job JOIN request ON request.id = job.request LEFT JOIN drawing ON drawing.job = job.id
"""


_SHOWS = "substr(image, 1, 8) = substr(?1, 1, 8) AND image = ?1"  # by its index, which knows the beginning


def accept(db: sqlite3.Connection, policy: Policy, now_us: int, request: NewRequest) -> Acceptance:
    """Reserve and write, all or nothing; a source seen before gets its first request back."""
    where = quota.standing(
        db,
        policy,
        now_us,
        request.member,
        platform=request.source.platform,
        source_key=request.source.key,
        tier=request.tier,
    )
    if where.first_request is not None:
        first = requests.by_number(db, where.first_request, now_us)
        if all(is_closed(job.state) for job in first.jobs):  # its own address is no longer kept
            first = replace(first, address=request.address)
        return Acceptance(first, quota.quota(where, policy, now_us), replayed=True)
    reservation = quota.reserve(db, policy, now_us, where, request)
    number = db.execute(
        """
        INSERT INTO request (request_id, platform, source_key, member, server, tier, month, capped_day,
                             payload, created_us)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            request.request_id,
            request.source.platform,
            request.source.key,
            where.member,
            request.platform_server,
            where.tier,
            reservation.month,
            reservation.capped_day,
            pack(request.payload),
            now_us,
        ),
    ).lastrowid
    db.execute("INSERT INTO address VALUES (?, ?)", (number, request.address))
    _insert_jobs(db, number, request, reservation)
    after = quota.quota(where, policy, now_us, just_reserved=reservation)
    return Acceptance(_as_accepted(request, where, now_us), after, replayed=False)


def running(db: sqlite3.Connection, now_us: int, job_id: str) -> None:
    """Its waiting time ends with the first time it runs."""
    job = _find(db, job_id)
    if job.state not in (JobState.QUEUED, JobState.RUNNING):
        raise WrongState(job_id, job.state, JobState.RUNNING)
    db.execute(
        "UPDATE job SET state = 'running', started_us = coalesce(started_us, ?) WHERE id = ?",
        (now_us, job.id),
    )


def requeue(db: sqlite3.Connection, job_id: str) -> None:
    """Back to the queue, from running only."""
    job = _find(db, job_id)
    if job.state not in (JobState.QUEUED, JobState.RUNNING):
        raise WrongState(job_id, job.state, JobState.QUEUED)
    db.execute("UPDATE job SET state = 'queued' WHERE id = ?", (job.id,))


def drawn(
    db: sqlite3.Connection, policy: Policy, now_us: int, job_id: str, image: str, usage: DrawUsage
) -> None:
    """The cost is fixed now, at the rate valid now.

    Drawn a second time (after a crash), the first drawing counts.
    """
    job = _find(db, job_id)
    if job.state is JobState.DRAWN:
        return
    if job.closed:
        raise WrongState(job_id, job.state, JobState.DRAWN)
    db.execute(
        "UPDATE job SET state = 'drawn', image = ?, started_us = coalesce(started_us, ?) WHERE id = ?",
        (image, now_us, job.id),
    )
    db.execute(
        "INSERT INTO drawing VALUES (?, ?, ?, ?)",
        (job.id, now_us, json.dumps(asdict(usage)), policy.cost_micro(usage.gpu_us, now_us)),
    )


def failed(
    db: sqlite3.Connection, policy: Policy, now_us: int, job_id: str, reason: str, usage: DrawUsage | None
) -> None:
    """Close uncharged."""
    job = _find(db, job_id)
    _close(
        db, policy, now_us, job, JobState.FAILED, Outcome.FAILED, charged=False, reason=reason, usage=usage
    )


def cancelled(
    db: sqlite3.Connection,
    policy: Policy,
    now_us: int,
    job_id: str,
    usage: DrawUsage | None,
    *,
    charged: bool,
    by: str,
) -> None:
    """Close on somebody's word, charged or not."""
    job = _find(db, job_id)
    _close(
        db,
        policy,
        now_us,
        job,
        JobState.CANCELLED,
        Outcome.CANCELLED,
        charged=charged,
        reason=by,
        usage=usage,
    )


def acknowledge(
    db: sqlite3.Connection, policy: Policy, now_us: int, jobs: str | Iterable[str], receipt: str
) -> None:
    """Charge what the platform has taken. Jobs already closed stay as they are."""
    for job in _drawn_ones(db, jobs, JobState.DELIVERED):
        _close(db, policy, now_us, job, JobState.DELIVERED, Outcome.DELIVERED, charged=True, receipt=receipt)


def undeliverable(
    db: sqlite3.Connection,
    policy: Policy,
    now_us: int,
    jobs: str | Iterable[str],
    reason: str,
    *,
    members_doing: bool,
) -> None:
    """Delivery failed for good."""
    for job in _drawn_ones(db, jobs, JobState.FAILED):
        _close(
            db,
            policy,
            now_us,
            job,
            JobState.FAILED,
            Outcome.UNDELIVERABLE,
            charged=members_doing,
            reason=reason,
        )


def park(db: sqlite3.Connection, jobs: str | Iterable[str]) -> None:
    """Drawn pictures wait in the history, still reserved."""
    for job in _drawn_ones(db, jobs, JobState.DRAWN):
        db.execute("UPDATE job SET parked = 1 WHERE id = ?", (job.id,))


def expire(
    db: sqlite3.Connection, policy: Policy, now_us: int, *, unfinished_s: int, undelivered_s: int
) -> list[JobRecord]:
    """Release reservations that nobody will use any more."""
    overdue = db.execute(
        _SELECT
        + "WHERE state IN ('queued', 'running') AND created_us <= ? OR state = 'drawn' AND drawn_us <= ?",
        (now_us - unfinished_s * SECOND_US, now_us - undelivered_s * SECOND_US),
    ).fetchall()
    for row in overdue:
        job = _open_job(row)
        _close(db, policy, now_us, job, JobState.FAILED, Outcome.EXPIRED, charged=False, reason="expired")
    return [requests.of_job(db, row["job_id"], now_us) for row in overdue]


def cancel_all(db: sqlite3.Connection, policy: Policy, now_us: int, member: int, *, by: str) -> None:
    """Close all of a member's open jobs, uncharged."""
    rows = db.execute(
        _SELECT + "WHERE member = ? AND state IN ('queued', 'running', 'drawn')", (member,)
    ).fetchall()
    for row in rows:
        _close(
            db,
            policy,
            now_us,
            _open_job(row),
            JobState.CANCELLED,
            Outcome.CANCELLED,
            charged=False,
            reason=by,
        )


def drop_image(db: sqlite3.Connection, now_us: int, job_id: str) -> None:
    """Take a closed job's picture away. Raises UnknownJob, WrongState."""
    row = db.execute("SELECT image, state FROM job WHERE job_id = ?", (job_id,)).fetchone()
    if row is None:
        raise UnknownJob(f"no job {job_id}")
    if row["state"] == JobState.DRAWN:
        raise WrongState(job_id, row["state"], "without its picture")
    if row["image"] is not None:
        db.execute("UPDATE job SET image = NULL WHERE job_id = ?", (job_id,))
        doom(db, now_us, [row["image"]])


def drop_images(db: sqlite3.Connection, now_us: int, refs: Iterable[str]) -> None:
    """Take pictures away from all closed jobs; one that a drawn job still has to deliver stays."""
    refs = list(refs)
    db.executemany(
        f"UPDATE job SET image = NULL WHERE {_SHOWS} AND state <> 'drawn'",  # noqa: S608
        [(ref,) for ref in refs],
    )
    doom(db, now_us, refs)


def doom(db: sqlite3.Connection, now_us: int, refs: Iterable[str]) -> None:
    """Put pictures that no job shows any more on the list of files to delete."""
    db.executemany(
        f"INSERT INTO doomed_image SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM job WHERE {_SHOWS})"  # noqa: S608
        " ON CONFLICT DO UPDATE SET at_us = ?2",
        [(ref, now_us) for ref in refs],
    )


def doomed(db: sqlite3.Connection) -> list[tuple[str, int]]:
    """The files to delete, each with since when."""
    return [(ref, at_us) for ref, at_us in db.execute("SELECT ref, at_us FROM doomed_image")]


def strike(db: sqlite3.Connection, deleted: Iterable[tuple[str, int]]) -> None:
    """Take files off the list."""
    db.executemany("DELETE FROM doomed_image WHERE ref = ? AND at_us = ?", deleted)


def set_address(db: sqlite3.Connection, request_id: str, address: str) -> None:
    """Nothing changes once all its jobs are closed. Raises UnknownRequest."""
    row = db.execute("SELECT id FROM request WHERE request_id = ?", (request_id,)).fetchone()
    if row is None:
        raise UnknownRequest(f"no request {request_id}")
    db.execute("UPDATE address SET address = ? WHERE request = ?", (address, row["id"]))


def _close(
    db: sqlite3.Connection,
    policy: Policy,
    now_us: int,
    job: OpenJob,
    state: JobState,
    outcome: Outcome,
    *,
    charged: bool,
    reason: str | None = None,
    receipt: str | None = None,
    usage: DrawUsage | None = None,
) -> None:
    """Where every job ends: its state, and the ledger row that settles or releases its reservation."""
    if job.closed:
        return
    db.execute(
        "UPDATE job SET state = ?, reason = ?, receipt = ?, parked = 0 WHERE id = ?",
        (state, reason, receipt, job.id),
    )
    if not charged and job.capped_day is not None:
        quota.uncount_daily(db, day=job.capped_day, tier=job.tier, platform=job.platform, server=job.server)
    took = job.usage or usage
    cost_micro = (
        job.cost_micro
        if job.cost_micro is not None
        else policy.cost_micro(took.gpu_us if took else 0, now_us)
    )
    ledger.write(db, now_us, job, outcome, charged=charged, usage=took, cost_micro=cost_micro)


def _find(db: sqlite3.Connection, job_id: str) -> OpenJob:
    row = db.execute(_SELECT + "WHERE job_id = ?", (job_id,)).fetchone()
    if row is None:
        raise UnknownJob(f"no job {job_id}")
    return _open_job(row)


def _drawn_ones(db: sqlite3.Connection, jobs: str | Iterable[str], wanted: JobState) -> list[OpenJob]:
    """The drawn jobs among the closed ones.

    One that is yet to be drawn is an error where it was named itself.
    """
    if isinstance(jobs, str):
        rows = db.execute(_SELECT + "WHERE request_id = ? ORDER BY job.id", (jobs,)).fetchall()
        if not rows:
            raise UnknownRequest(f"no request {jobs}")
        return [job for job in map(_open_job, rows) if job.state is JobState.DRAWN]
    found = [_find(db, job_id) for job_id in jobs]
    for job in found:
        if job.state in (JobState.QUEUED, JobState.RUNNING):
            raise WrongState(job.job_id, job.state, wanted)
    return [job for job in found if job.state is JobState.DRAWN]


def _open_job(row: sqlite3.Row) -> OpenJob:
    values = dict(row)
    usage = values.pop("usage")
    return OpenJob(
        state=JobState(values.pop("state")),
        from_topup=bool(values.pop("from_topup")),
        usage=DrawUsage(**json.loads(usage)) if usage else None,
        **values,
    )


def _insert_jobs(
    db: sqlite3.Connection,
    number: int | None,
    request: NewRequest,
    reservation: quota.Reservation,
) -> None:
    values: list[object] = []
    for index, job in enumerate(request.jobs):
        from_topup = index >= reservation.from_allowance
        price_micro = 0 if from_topup else reservation.prices_micro[index]
        values += [job.job_id, number, job.seed, from_topup, price_micro]
    rows = ", ".join(["(?, ?, ?, 'queued', ?, ?)"] * len(request.jobs))
    statement = f"INSERT INTO job (job_id, request, seed, state, from_topup, price_micro) VALUES {rows}"  # noqa: S608
    db.execute(statement, values)


def _as_accepted(request: NewRequest, where: quota.Standing, now_us: int) -> RequestRecord:
    accepted_at = from_us(now_us)
    jobs = tuple(
        JobRecord(
            job_id=job.job_id,
            request_id=request.request_id,
            member=where.key,
            seed=job.seed,
            state=JobState.QUEUED,
            image=None,
            accepted_at=accepted_at,
            waited_us=0,
            parked=False,
            reason=None,
        )
        for job in request.jobs
    )
    return RequestRecord(
        request_id=request.request_id,
        source=request.source,
        member=where.key,
        tier=where.tier,
        platform_server=request.platform_server,
        payload=request.payload,
        address=request.address,
        jobs=jobs,
        created_at=accepted_at,
    )
