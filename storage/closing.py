"""How a job ends: its state, and the ledger row that settles or releases its reservation, at once."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import quota
from .records.figures import Outcome
from .records.requests import CancelledBy, DrawUsage, JobState

if TYPE_CHECKING:
    import sqlite3

    from .policy import Policy

BUCKETS_PER_DOUBLING = 4  # a bucket's times differ by 19 %, so its middle is right within 9 %

NOTHING_DRAWN = DrawUsage(
    queue_us=0,
    encode_us=0,
    denoise_us=0,
    decode_us=0,
    gpu_us=0,
    energy_mj=None,
    model="",
    width=0,
    height=0,
    steps=0,
)


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
    counts_as: int
    from_topup: int
    price_micro: int
    kind: str
    usage: DrawUsage | None
    cost_micro: int | None


OPEN = "state IN ('queued', 'running', 'drawn')"
"""The condition of the index of open jobs, word for word: otherwise SQLite does not use it."""

SELECT = """
SELECT job.id, job_id, state, member, month, tier, platform, server, capped_day, counts_as, from_topup,
       price_micro, kind, usage, cost_micro
FROM job JOIN request ON request.id = job.request LEFT JOIN drawing ON drawing.job = job.id
"""


def open_job(row: sqlite3.Row) -> OpenJob:
    """A row of SELECT."""
    values = dict(row)
    usage = values.pop("usage")
    return OpenJob(
        state=JobState(values.pop("state")),
        usage=DrawUsage(**json.loads(usage)) if usage else None,
        **values,
    )


def close(
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
    """Where every job ends, once: what is closed stays as it is."""
    if job.state.closed:
        return
    if job.from_topup < job.counts_as and policy.has_volume_prices(job.tier):
        job = _take_price(db, job, highest=charged)
    db.execute(
        "UPDATE job SET state = ?, reason = ?, receipt = ?, parked = 0 WHERE id = ?",
        (state, reason, receipt, job.id),
    )
    if not charged and job.capped_day is not None:
        quota.uncount_daily(
            db,
            day=job.capped_day,
            tier=job.tier,
            platform=job.platform,
            server=job.server,
            images=job.counts_as,
        )
    took = job.usage or usage
    cost_micro = job.cost_micro
    if cost_micro is None:
        cost_micro = policy.cost_micro(took.gpu_us, now_us, took.device) if took else 0
    _write_ledger_row(db, now_us, job, outcome, charged=charged, usage=took, cost_micro=cost_micro)


def cancel_all(db: sqlite3.Connection, policy: Policy, now_us: int, member: int) -> None:
    """Close all open jobs of a member who is being forgotten, uncharged."""
    for row in db.execute(SELECT + f"WHERE member = ? AND {OPEN}", (member,)).fetchall():
        close(
            db,
            policy,
            now_us,
            open_job(row),
            JobState.CANCELLED,
            Outcome.CANCELLED,
            charged=False,
            reason=CancelledBy.FORGOTTEN,
        )


def bucket_us(bucket: int) -> int:
    """The time in the (geometric) middle of a histogram's bucket."""
    return round(2 ** (bucket / BUCKETS_PER_DOUBLING))


def log_bucket(duration_us: int | None) -> int | None:
    """The histogram's bucket for a time; what is below a millisecond counts as one."""
    if duration_us is None:
        return None
    return round(BUCKETS_PER_DOUBLING * math.log2(max(duration_us, 1000)))


def _take_price(db: sqlite3.Connection, job: OpenJob, *, highest: bool) -> OpenJob:
    """Exchange prices with other open jobs of the member, so that they are charged in the order of volume.

    The images of a month are priced one after the other as they are charged: of the prices that are held, a
    charged job takes the highest, and one that is released gives the lowest back. CROSS JOIN: by the few open
    jobs, not from all requests of a busy customer.
    """
    rows = db.execute(
        f"""
        SELECT job.id, counts_as - from_topup AS images, price_micro, prices
        FROM job CROSS JOIN request ON request.id = job.request
        WHERE {OPEN} AND member = ? AND month = ? AND tier = ? AND from_topup < counts_as
        """,  # noqa: S608 - a constant
        (job.member, job.month, job.tier),
    )
    held = {row["id"]: _prices(row) for row in rows}
    kept = {number: list(prices) for number, prices in held.items()}
    mine = held.pop(job.id)
    best, worst = (max, min) if highest else (min, max)
    while held:
        other = best(held, key=lambda number: best(held[number]))
        theirs, own = best(held[other]), worst(mine)
        if best(theirs, own) == own:
            break
        held[other][held[other].index(theirs)] = own
        mine[mine.index(own)] = theirs
    for number, prices in {**held, job.id: mine}.items():
        if prices != kept[number]:
            each = json.dumps(prices) if len(set(prices)) > 1 else None
            statement = "UPDATE job SET price_micro = ?, prices = ? WHERE id = ?"
            db.execute(statement, (sum(prices), each, number))
    return replace(job, price_micro=sum(mine))


def _prices(row: sqlite3.Row) -> list[int]:
    """What each image costs that a job takes from the month."""
    images = row["images"]
    return json.loads(row["prices"]) if row["prices"] else [row["price_micro"] // images] * images


def _write_ledger_row(
    db: sqlite3.Connection,
    now_us: int,
    job: OpenJob,
    outcome: Outcome,
    *,
    charged: bool,
    usage: DrawUsage | None,
    cost_micro: int,
) -> None:
    """Write the row of a job. A second one for the same job is an IntegrityError."""
    took = usage or NOTHING_DRAWN
    wait_us = usage.queue_us if usage else None
    draw_us = usage.draw_us if usage else None
    db.execute(
        "INSERT INTO ledger VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            job.id,
            now_us,
            job.member,
            job.month,
            outcome,
            charged,
            job.from_topup,
            job.tier,
            job.platform,
            job.price_micro if charged else 0,
            took.gpu_us,
            took.energy_mj,
            cost_micro,
            wait_us,
            draw_us,
            log_bucket(wait_us),
            log_bucket(draw_us),
            took.model,
            took.width,
            took.height,
            took.steps,
            took.device,
            took.cached,
            job.counts_as,
            job.kind,
        ),
    )
