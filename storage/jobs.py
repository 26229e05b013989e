"""The life of a job: queued, running, drawn, delivered; or failed, or cancelled. Who closes it settles it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from . import ledger, quota, requests
from .clock import SECOND_US
from .errors import UnknownJob, UnknownRequest, WrongState
from .records import (
    DrawUsage,
    JobRecord,
    JobState,
    Outcome,
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
        (job.id, now_us, json.dumps(asdict(usage)), policy.cost_micro(usage.gpu_us, now_us, usage.device)),
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
        + """
        WHERE state IN ('queued', 'running', 'drawn')
          AND (state IN ('queued', 'running') AND created_us <= ? OR state = 'drawn' AND drawn_us <= ?)
        """,
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
    if not job.from_topup and policy.has_volume_prices(job.tier):
        job = _take_price(db, job, highest=charged)
    db.execute(
        "UPDATE job SET state = ?, reason = ?, receipt = ?, parked = 0 WHERE id = ?",
        (state, reason, receipt, job.id),
    )
    if not charged and job.capped_day is not None:
        quota.uncount_daily(db, day=job.capped_day, tier=job.tier, platform=job.platform, server=job.server)
    took = job.usage or usage
    cost_micro = job.cost_micro
    if cost_micro is None:
        cost_micro = policy.cost_micro(took.gpu_us, now_us, took.device) if took else 0
    ledger.write(db, now_us, job, outcome, charged=charged, usage=took, cost_micro=cost_micro)


def _take_price(db: sqlite3.Connection, job: OpenJob, *, highest: bool) -> OpenJob:
    """Exchange prices with another open job of the member, so that they are charged in the order of volume.

    The images of a month are priced one after the other as they are charged: of the prices that are held, a
    charged job takes the highest, and one that is released gives the lowest back.
    """
    order = "DESC" if highest else "ASC"
    other = db.execute(
        f"""
        SELECT job.id, price_micro FROM job JOIN request ON request.id = job.request
        WHERE state IN ('queued', 'running', 'drawn')
          AND member = ? AND month = ? AND tier = ? AND NOT from_topup
        ORDER BY price_micro {order} LIMIT 1
        """,  # noqa: S608 - one of two words
        (job.member, job.month, job.tier),
    ).fetchone()
    if other["price_micro"] == job.price_micro:
        return job
    for number, price_micro in ((other["id"], job.price_micro), (job.id, other["price_micro"])):
        db.execute("UPDATE job SET price_micro = ? WHERE id = ?", (price_micro, number))
    return replace(job, price_micro=other["price_micro"])


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
