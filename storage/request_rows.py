"""Rows of requests and jobs, read as what the outside sees."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from .clock import from_us
from .errors import UnknownJob, UnknownRequest
from .records.requests import DrawUsage, JobRecord, JobState, RequestRecord, Source

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_SELECT = """
SELECT request.id, request_id, request.platform, source_key, digest, member.key AS member, request.tier,
       server, payload, request.slow, request.created_us,
       coalesce(address.address, untold.address, '{}') AS address,
       job_id, seed, state, image, started_us, parked, reason, usage,
       wait_us, draw_us, gpu_us, energy_mj, model, width, height, steps, device, cached,
       coalesce(charged, 0) AS charged, coalesce(drawing.cost_micro, ledger.cost_micro, 0) AS cost_micro
FROM request JOIN member ON member.id = request.member JOIN job ON job.request = request.id
LEFT JOIN address ON address.request = request.id
LEFT JOIN untold ON untold.request = request.id
LEFT JOIN drawing ON drawing.job = job.id
LEFT JOIN ledger ON ledger.job = job.id
"""
_ORDER = " ORDER BY request.id, job.id"


def one(db: sqlite3.Connection, request_id: str, now_us: int) -> RequestRecord:
    """Raises UnknownRequest."""
    found = read(db, "WHERE request.request_id = ?", (request_id,), now_us)
    if not found:
        raise UnknownRequest(f"no request {request_id}")
    return found[0]


def by_number(db: sqlite3.Connection, number: int, now_us: int) -> RequestRecord:
    """The request with this internal id, which exists."""
    return read(db, "WHERE request.id = ?", (number,), now_us)[0]


def of_job(db: sqlite3.Connection, job_id: str, now_us: int) -> JobRecord:
    """Raises UnknownJob."""
    found = read(db, "WHERE job.job_id = ?", (job_id,), now_us)
    if not found:
        raise UnknownJob(f"no job {job_id}")
    return found[0].jobs[0]


def read(db: sqlite3.Connection, where: str, values: Sequence[object], now_us: int) -> list[RequestRecord]:
    """The requests whose jobs meet `where`, oldest first, holding just those jobs."""
    rows = db.execute(_SELECT + where + _ORDER, values).fetchall()
    return [_request(list(group), now_us) for _, group in groupby(rows, key=lambda row: row["id"])]


def _request(rows: list[sqlite3.Row], now_us: int) -> RequestRecord:
    first = rows[0]
    return RequestRecord(
        request_id=first["request_id"],
        source=Source(first["platform"], first["source_key"], first["digest"]),
        member=first["member"],
        tier=first["tier"],
        platform_server=first["server"],
        payload=first["payload"],
        address=first["address"],
        jobs=tuple(_job(row, now_us) for row in rows),
        created_at=from_us(first["created_us"]),
        slow=bool(first["slow"]),
    )


def _job(row: sqlite3.Row, now_us: int) -> JobRecord:
    waited_until_us = now_us if row["started_us"] is None else row["started_us"]
    return JobRecord(
        job_id=row["job_id"],
        request_id=row["request_id"],
        member=row["member"],
        seed=row["seed"],
        state=JobState(row["state"]),
        image=row["image"],
        accepted_at=from_us(row["created_us"]),
        waited_us=max(0, waited_until_us - row["created_us"]),
        parked=bool(row["parked"]),
        reason=row["reason"],
        usage=_usage(row),
        cost_micro=row["cost_micro"],
        charged=bool(row["charged"]),
    )


def _usage(row: sqlite3.Row) -> DrawUsage | None:
    if row["usage"] is not None:
        return DrawUsage(**json.loads(row["usage"]))
    if row["draw_us"] is None:
        return None
    return DrawUsage(
        queue_us=row["wait_us"],
        encode_us=0,
        denoise_us=row["draw_us"],
        decode_us=0,
        gpu_us=row["gpu_us"],
        energy_mj=row["energy_mj"],
        model=row["model"],
        width=row["width"],
        height=row["height"],
        steps=row["steps"],
        cached=bool(row["cached"]),
        device=row["device"],
    )
