"""The ledger: one row for each closed job, never changed again. Its rollups are kept by a trigger of the
schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import member_rows
from .clock import from_us
from .core import Subject, reports
from .meter import CELL_US
from .records.figures import LedgerRow, Outcome
from .records.members import DayUse
from .records.requests import CancelledBy

if TYPE_CHECKING:
    import sqlite3

    from .months import Period


class Ledger(Subject):
    """`store.ledger`."""

    @reports
    def rows(
        self, db: sqlite3.Connection, *, after: int = 0, limit: int = 1000, member: str | None = None
    ) -> list[LedgerRow]:
        """Rows in order of entry, from the one after `after`."""
        whose = "entry > :after"
        if member is not None:  # by the index of members, since theirs are few
            whose = f"+entry > :after AND ledger.member IN ({member_rows.IDS})"
        found = db.execute(
            f"""
            SELECT ledger.*, key FROM ledger JOIN member ON member.id = ledger.member
            WHERE {whose} ORDER BY entry LIMIT :limit
            """,  # noqa: S608 - one of two constants
            {"after": after, "member": member and member_rows.number(db, member), "limit": limit},
        )
        return [_record(row) for row in found]

    @reports
    def use_by_day(self, db: sqlite3.Connection, member: str, period: Period) -> list[DayUse]:
        """What a member had on each day of a period on which anything ended, oldest first; midnight is the
        configured time zone's.
        """
        cells = db.execute(
            f"""
            SELECT at_us - at_us % :cell AS cell_us, sum(charged AND outcome <> 'undeliverable') AS images,
                   sum(gpu_us) AS gpu_us, sum(price_micro) AS price_micro
            FROM ledger
            WHERE member IN ({member_rows.IDS}) AND at_us >= :start AND at_us < :end
            GROUP BY cell_us ORDER BY cell_us
            """,  # noqa: S608 - a constant
            {
                "cell": CELL_US,
                "member": member_rows.number(db, member),
                "start": period.start_us,
                "end": period.end_us,
            },
        )
        days: dict[int, DayUse] = {}
        for cell_us, images, gpu_us, price_micro in cells:
            day = self.policy.calendar.day(cell_us)
            had = days.get(day, DayUse(day, 0, 0, 0))
            days[day] = DayUse(day, had.images + images, had.gpu_us + gpu_us, had.price_micro + price_micro)
        return list(days.values())


def refunds_since(db: sqlite3.Connection, member: int | None, since_us: int) -> int:
    """Images that a member gave up after their first step and got back; not what others cancelled."""
    found = db.execute(
        f"""
        SELECT count(*) FROM ledger JOIN job ON job.id = ledger.job
        WHERE member IN ({member_rows.IDS}) AND at_us >= :since
          AND outcome = 'cancelled' AND NOT charged AND draw_us > 0 AND reason IN (:member_did, :safety)
        """,  # noqa: S608 - a constant
        {
            "member": member,
            "since": since_us,
            "member_did": CancelledBy.MEMBER,
            "safety": CancelledBy.SAFETY,
        },
    )
    return int(found.fetchone()[0])


def _record(row: sqlite3.Row) -> LedgerRow:
    return LedgerRow(
        entry=row["entry"],
        at=from_us(row["at_us"]),
        member=row["key"],
        month=row["month"],
        outcome=Outcome(row["outcome"]),
        charged=bool(row["charged"]),
        from_topup=row["from_topup"],
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
        counts_as=row["counts_as"],
        kind=row["kind"],
    )
