"""The meter of machine time: what of it was busy, overhead, idle, or lost to a killed process.

The invariant: while a process serves, each microsecond of a device is booked once, so that the slices of any
whole hour add up to that hour, and their rent to the hour's rent.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from .clock import HOUR_US, SECOND_US, to_us
from .core import Subject, writes, writes_until_stored
from .records.figures import MeterSlice, Uptime

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from .months import Period
    from .policy import Policy

CELL_US = 900 * SECOND_US


@dataclass(frozen=True, slots=True)
class _Piece:
    start_us: int
    end_us: int
    busy_us: int = 0
    overhead_us: int = 0
    lost_us: int = 0

    @property
    def idle_us(self) -> int:
        return self.end_us - self.start_us - self.busy_us - self.overhead_us - self.lost_us


class Meter(Subject):
    """`store.meter`."""

    @writes_until_stored
    def book(self, db: sqlite3.Connection, piece: MeterSlice) -> None:
        """Write a slice of a device's time. Time already booked is not booked again; a gap before it is lost.

        Raises ValueError where the parts are negative or more than the whole.
        """
        length_us = piece.end_us - piece.start_us
        busy_us, overhead_us = piece.busy_us, piece.overhead_us
        if min(length_us, busy_us, overhead_us) < 0 or busy_us + overhead_us > length_us:
            raise ValueError(f"not a slice of time: {piece}")
        last = db.execute(
            "SELECT end_us, metering FROM meter_end WHERE device = ?", (piece.device,)
        ).fetchone()
        start_us = piece.start_us
        if last is not None:
            if last["metering"]:
                _book_lost(db, self.policy, piece.device, last["end_us"], start_us)
            start_us = max(start_us, last["end_us"])
        if start_us >= piece.end_us:
            return
        fresh_us = piece.end_us - start_us
        fresh = _Piece(
            start_us,
            piece.end_us,
            busy_us=busy_us * fresh_us // length_us,
            overhead_us=overhead_us * fresh_us // length_us,
        )
        _add(db, self.policy, piece.device, fresh)
        db.execute(
            "INSERT INTO meter_end VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET end_us = ?2, metering = 1",
            (piece.device, piece.end_us),
        )

    @writes
    def device_left(self, db: sqlite3.Connection, device: str) -> None:
        """Meter a worker no more: the time until its next slice is nobody's."""
        db.execute("UPDATE meter_end SET metering = 0 WHERE device = ?", (device,))

    @writes
    def begin(self, db: sqlite3.Connection) -> None:
        """At a start: the time since a killed process's last slice is lost, at most the policy's
        `outage_limit_s` of it.
        """
        now_us = self.now_us
        for device, end_us in db.execute("SELECT device, end_us FROM meter_end WHERE metering").fetchall():
            _book_lost(db, self.policy, device, end_us, now_us)
            db.execute(
                "UPDATE meter_end SET end_us = max(end_us, ?), metering = 0 WHERE device = ?",
                (now_us, device),
            )

    @writes
    def stop(self, db: sqlite3.Connection) -> None:
        """At an orderly end: the time until the next start is nobody's."""
        db.execute("UPDATE meter_end SET metering = 0 WHERE metering")


def uptime(db: sqlite3.Connection, period: Period) -> Uptime:
    """The sums of a period that begins and ends on a quarter of an hour."""
    rows = db.execute(
        """
        SELECT rent_micro_per_hour, operations_micro_per_hour,
               sum(busy_us), sum(overhead_us), sum(idle_us), sum(lost_us)
        FROM meter WHERE cell_us >= ? AND cell_us < ? GROUP BY 1, 2
        """,
        (period.start_us, period.end_us),
    ).fetchall()
    busy, overhead, idle, lost = (sum(row[column] for row in rows) for column in range(2, 6))
    rent, operations = (sum(row[column] * sum(row[2:6]) for row in rows) for column in range(2))
    return Uptime(
        busy_us=busy,
        overhead_us=overhead,
        idle_us=idle,
        lost_us=lost,
        rent_micro=_rounded(rent),
        operations_micro=_rounded(operations),
    )


def _book_lost(db: sqlite3.Connection, policy: Policy, device: str, start_us: int, end_us: int) -> None:
    end_us = min(end_us, start_us + policy.outage_limit_s * SECOND_US)
    if start_us < end_us:
        _add(db, policy, device, _Piece(start_us, end_us, lost_us=end_us - start_us))


def _add(db: sqlite3.Connection, policy: Policy, device: str, whole: _Piece) -> None:
    for piece in _cut(whole, policy):
        db.execute(
            """
            INSERT INTO meter VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET
              busy_us = busy_us + excluded.busy_us, overhead_us = overhead_us + excluded.overhead_us,
              idle_us = idle_us + excluded.idle_us, lost_us = lost_us + excluded.lost_us
            """,
            (
                device,
                piece.start_us - piece.start_us % CELL_US,
                *policy.rate_at(piece.start_us, device),
                piece.busy_us,
                piece.overhead_us,
                piece.idle_us,
                piece.lost_us,
            ),
        )


def _cut(whole: _Piece, policy: Policy) -> Iterator[_Piece]:
    """Pieces that cross neither a quarter of an hour nor a change of rate, and add up to the whole."""
    first_edge_us = whole.start_us - whole.start_us % CELL_US + CELL_US
    cuts = {*range(first_edge_us, whole.end_us, CELL_US), *(to_us(rate.valid_from) for rate in policy.rates)}
    edges = [
        whole.start_us,
        *sorted(cut for cut in cuts if whole.start_us < cut < whole.end_us),
        whole.end_us,
    ]
    length_us = whole.end_us - whole.start_us

    def until(part_us: int, moment_us: int) -> int:
        return part_us * (moment_us - whole.start_us) // length_us

    for start_us, end_us in pairwise(edges):
        yield _Piece(
            start_us,
            end_us,
            busy_us=until(whole.busy_us, end_us) - until(whole.busy_us, start_us),
            overhead_us=until(whole.overhead_us, end_us) - until(whole.overhead_us, start_us),
            lost_us=until(whole.lost_us, end_us) - until(whole.lost_us, start_us),
        )


def _rounded(micro_us_per_hour: int) -> int:
    return (2 * micro_us_per_hour + HOUR_US) // (2 * HOUR_US)
