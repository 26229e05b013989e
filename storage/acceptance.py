"""Accepting a request: one reservation for all its images and the jobs that will use it; and undoing that."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from . import quota, request_rows, trash
from .clock import from_us
from .closing import OPEN
from .errors import SourceReused, UnknownRequest
from .images import input_ref
from .records.requests import Acceptance, JobRecord, JobState, NewRequest, RequestRecord

if TYPE_CHECKING:
    import sqlite3

    from .policy import Policy


def accept(db: sqlite3.Connection, policy: Policy, now_us: int, request: NewRequest) -> Acceptance:
    """Reserve and write, all or nothing; a source seen before gets its first request back.

    Raises SourceReused where that one asked for something else, and what `quota.reserve` raises.
    """
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
        first = request_rows.by_number(db, where.first_request, now_us)
        return Acceptance(_again(first, request), replayed=True)
    reservation = quota.reserve(db, policy, now_us, where, request)
    number = _insert_request(db, now_us, request, where, reservation)
    db.executemany(
        "INSERT INTO input VALUES (?, ?, ?, ?)",
        [(number, one.role, input_ref(one.digest), one.brought) for one in request.inputs],
    )
    db.execute("INSERT INTO address VALUES (?, ?)", (number, request.address))
    _insert_jobs(db, number, request, reservation)
    return Acceptance(_as_accepted(request, where, now_us, slow=reservation.slow), replayed=False)


def take_back(db: sqlite3.Connection, now_us: int, request_id: str) -> None:
    """Undo an acceptance as if it had never been: no row of the ledger tells of it, and its source is free.

    What is closed by now stays, with its request. Raises UnknownRequest.
    """
    request = db.execute("SELECT * FROM request WHERE request_id = ?", (request_id,)).fetchone()
    if request is None:
        raise UnknownRequest(f"no request {request_id}")
    jobs = db.execute(
        f"DELETE FROM job WHERE request = ? AND {OPEN} RETURNING counts_as, from_topup, price_micro",  # noqa: S608 - a constant
        (request["id"],),
    ).fetchall()
    counted, from_topup = (sum(job[name] for job in jobs) for name in ("counts_as", "from_topup"))
    db.execute(
        """
        UPDATE account SET reserved = reserved - ?, held_micro = held_micro - ? WHERE month = ? AND member = ?
        """,
        (
            counted - from_topup,
            sum(job["price_micro"] for job in jobs),
            request["month"],
            request["member"],
        ),
    )
    db.execute("UPDATE member SET topup = topup + ? WHERE id = ?", (from_topup, request["member"]))
    if request["capped_day"] is not None:
        quota.uncount_daily(
            db,
            day=request["capped_day"],
            tier=request["tier"],
            platform=request["platform"],
            server=request["server"],
            images=counted,
        )
    db.execute("DELETE FROM address WHERE request = ?", (request["id"],))
    pictures = trash.of_requests(db, "?", (request["id"],))
    db.execute(
        "DELETE FROM request WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM job WHERE request = ?1)",
        (request["id"],),
    )
    trash.add(db, now_us, pictures)


def _again(first: RequestRecord, request: NewRequest) -> RequestRecord:
    """What a source asked for before. Raises SourceReused where that was something else."""
    if first.source.digest != request.source.digest:
        raise SourceReused(request.source.key)
    if all(job.state.closed for job in first.jobs):  # its own address is no longer kept
        return replace(first, address=request.address)
    return first


def _insert_request(
    db: sqlite3.Connection,
    now_us: int,
    request: NewRequest,
    where: quota.Standing,
    reservation: quota.Reservation,
) -> int | None:
    """Its internal id."""
    return db.execute(
        """
        INSERT INTO request (request_id, platform, source_key, digest, member, server, tier, month,
                             capped_day, payload, created_us, slow, kind)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            request.request_id,
            request.source.platform,
            request.source.key,
            request.source.digest,
            where.member,
            request.platform_server,
            where.tier,
            reservation.month,
            reservation.capped_day,
            request.payload,
            now_us,
            reservation.slow,
            request.kind,
        ),
    ).lastrowid


def _insert_jobs(
    db: sqlite3.Connection,
    number: int | None,
    request: NewRequest,
    reservation: quota.Reservation,
) -> None:
    values: list[object] = []
    for index, job in enumerate(request.jobs):
        first = index * request.counts_as
        prices_micro = reservation.prices_micro[first : first + request.counts_as]
        from_topup = request.counts_as - len(prices_micro)
        each = json.dumps(prices_micro) if len(set(prices_micro)) > 1 else None
        values += [job.job_id, number, job.seed, request.counts_as, from_topup, sum(prices_micro), each]
    rows = ", ".join(["(?, ?, ?, 'queued', ?, ?, ?, ?)"] * len(request.jobs))
    columns = "job_id, request, seed, state, counts_as, from_topup, price_micro, prices"
    db.execute(f"INSERT INTO job ({columns}) VALUES {rows}", values)  # noqa: S608 - a constant


def _as_accepted(request: NewRequest, where: quota.Standing, now_us: int, *, slow: bool) -> RequestRecord:
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
        slow=slow,
    )
