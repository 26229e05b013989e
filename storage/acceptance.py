"""Accepting a request: one reservation for all its images, and the jobs that will use it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from . import quota, requests
from .clock import from_us
from .errors import SourceReused
from .jobs import is_closed
from .records import Acceptance, JobRecord, JobState, NewRequest, RequestRecord

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
        first = requests.by_number(db, where.first_request, now_us)
        if first.source.digest != request.source.digest:
            raise SourceReused(request.source.key)
        if all(is_closed(job.state) for job in first.jobs):  # its own address is no longer kept
            first = replace(first, address=request.address)
        return Acceptance(first, quota.quota(where, policy, now_us), replayed=True)
    reservation = quota.reserve(db, policy, now_us, where, request)
    number = db.execute(
        """
        INSERT INTO request (request_id, platform, source_key, digest, member, server, tier, month,
                             capped_day, payload, created_us)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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
        ),
    ).lastrowid
    db.execute("INSERT INTO address VALUES (?, ?)", (number, request.address))
    _insert_jobs(db, number, request, reservation)
    after = quota.quota(where, policy, now_us, just_reserved=reservation)
    return Acceptance(_as_accepted(request, where, now_us), after, replayed=False)


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
