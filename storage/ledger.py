"""The ledger: one row for each closed job, never changed again. Its rollups are kept by a trigger of the
schema.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from . import members
from .clock import from_us
from .meter import CELL_US
from .records import DayUse, DrawUsage, LedgerRow, Outcome

if TYPE_CHECKING:
    import sqlite3

    from .jobs import OpenJob
    from .months import Calendar, Period

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


def log_bucket(duration_us: int | None) -> int | None:
    """The histogram's bucket for a time; what is below a millisecond counts as one."""
    if duration_us is None:
        return None
    return round(BUCKETS_PER_DOUBLING * math.log2(max(duration_us, 1000)))


def bucket_us(bucket: int) -> int:
    """The time in the (geometric) middle of a bucket."""
    return round(2 ** (bucket / BUCKETS_PER_DOUBLING))


def write(
    db: sqlite3.Connection,
    now_us: int,
    job: OpenJob,
    outcome: Outcome,
    *,
    charged: bool,
    usage: DrawUsage | None,
    cost_micro: int,
) -> None:
    """Append the row of a job that is being closed. The same job a second time is an IntegrityError."""
    took = usage or NOTHING_DRAWN
    wait_us = usage.queue_us if usage else None
    draw_us = usage.draw_us if usage else None
    db.execute(
        "INSERT INTO ledger VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
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
        ),
    )


def rows(db: sqlite3.Connection, *, after: int, limit: int, member: str | None) -> list[LedgerRow]:
    """Rows in order of entry."""
    whose = "entry > :after" if member is None else f"+entry > :after AND ledger.member IN ({members.IDS})"
    found = db.execute(
        f"""
        SELECT ledger.*, key FROM ledger JOIN member ON member.id = ledger.member
        WHERE {whose} ORDER BY entry LIMIT :limit
        """,  # noqa: S608 - one of two constants
        {"after": after, "member": member and members.number(db, member), "limit": limit},
    )
    return [_record(row) for row in found]


def refunds_since(db: sqlite3.Connection, member: str, since_us: int) -> int:
    """A member's images that were cancelled after their first step and not charged."""
    found = db.execute(
        f"""
        SELECT count(*) FROM ledger WHERE member IN ({members.IDS})
          AND at_us >= :since AND outcome = 'cancelled' AND NOT charged AND draw_us > 0
        """,  # noqa: S608 - a constant
        {"member": members.number(db, member), "since": since_us},
    )
    return int(found.fetchone()[0])


def use_by_day(db: sqlite3.Connection, calendar: Calendar, member: str, period: Period) -> list[DayUse]:
    """A member's days with anything in them, oldest first; midnight is the calendar's."""
    cells = db.execute(
        f"""
        SELECT at_us - at_us % :cell AS cell_us, sum(charged AND outcome <> 'undeliverable') AS images,
               sum(gpu_us) AS gpu_us, sum(price_micro) AS price_micro
        FROM ledger
        WHERE member IN ({members.IDS})
          AND at_us >= :start AND at_us < :end
        GROUP BY cell_us ORDER BY cell_us
        """,  # noqa: S608 - a constant
        {
            "cell": CELL_US,
            "member": members.number(db, member),
            "start": period.start_us,
            "end": period.end_us,
        },
    )
    days: dict[int, DayUse] = {}
    for cell_us, images, gpu_us, price_micro in cells:
        day = calendar.day(cell_us)
        had = days.get(day, DayUse(day, 0, 0, 0))
        days[day] = DayUse(day, had.images + images, had.gpu_us + gpu_us, had.price_micro + price_micro)
    return list(days.values())


def _record(row: sqlite3.Row) -> LedgerRow:
    return LedgerRow(
        entry=row["entry"],
        at=from_us(row["at_us"]),
        member=row["key"],
        month=row["month"],
        outcome=Outcome(row["outcome"]),
        charged=bool(row["charged"]),
        from_topup=bool(row["from_topup"]),
        tier=row["tier"],
        platform=row["platform"],
        price_micro=row["price_micro"],
        gpu_us=row["gpu_us"],
        energy_mj=row["energy_mj"],
        cost_micro=row["cost_micro"],
        wait_us=row["wait_us"],
        draw_us=row["draw_us"],
        model=row["model"],
        width=row["width"],
        height=row["height"],
        steps=row["steps"],
        device=row["device"],
        cached=bool(row["cached"]),
    )
