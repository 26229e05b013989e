"""The figures of a period, from sums kept with every ledger row: no ledger row is read, however many there
are.
"""

# ruff: noqa: S608 - queries put together from the pieces below, nothing from outside
from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING

from . import member_rows, meter
from .clock import DAY_US, from_us, to_us
from .closing import bucket_us
from .core import Subject, reports
from .meter import CELL_US
from .records.figures import Day, MemberLine, MemberMonth, Percentiles, Stats, Tally

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .months import Period
    from .policy import Policy

TOP_MEMBERS = 10
_NUMBER = re.compile(r"#(\d{1,18})")

SUMS = tuple(field.name for field in fields(Tally))
_SUMS_SQL = ", ".join(f"sum({name})" for name in SUMS)

# A period's whole UTC days, and the quarters of an hour before and after them.
_CELLS = """
FROM (VALUES (:quarter, :start, :first_day),
             (:day, :first_day, :last_day),
             (:quarter, :last_day, :end)) AS range
JOIN {table} ON span_us = range.column1 AND cell_us >= range.column2 AND cell_us < range.column3
"""


_LINES = f"SELECT {', '.join(f'coalesce({name}, 0)' for name in SUMS)}, member.* "
_KNOWN = " forgotten_us IS NULL AND merged_into IS NULL "
_THEIRS = " LEFT JOIN account ON account.member = member.id AND month = :month "
_BUSIEST = (
    _LINES
    + "FROM account JOIN member ON member.id = account.member WHERE month = :month AND images > 0 AND"
    + _KNOWN
    + "ORDER BY month DESC, images DESC, account.member DESC LIMIT :limit"
)
_IDLE = (
    _LINES + "FROM member" + _THEIRS + "WHERE coalesce(images, 0) = 0 AND" + _KNOWN
    + "ORDER BY member.id DESC LIMIT :limit"
)  # fmt: skip
_NAMED = (
    _LINES
    + "FROM member"
    + _THEIRS
    + """WHERE member.id IN (
        SELECT id FROM member WHERE key = :who UNION SELECT member FROM identity WHERE user_id = :who
        UNION SELECT member FROM api_key WHERE label = :who UNION SELECT id FROM member WHERE id = :number)
      AND"""
    + _KNOWN
    + "ORDER BY coalesce(images, 0) DESC, member.id DESC LIMIT :limit"
)


_HELD = """
SELECT member.id AS member, audit.at_us, json_extract(detail, '$.tier') AS tier,
       json_extract(detail, '$.until') AS until,
       lead(audit.at_us, 1, ?1) OVER (PARTITION BY subject ORDER BY audit.id) AS replaced_us,
       min(coalesce(forgotten_us, revoked_us, expires_us),
           coalesce(revoked_us, expires_us, forgotten_us),
           coalesce(expires_us, revoked_us, forgotten_us)) AS gone_us
FROM audit JOIN member ON member.key = subject LEFT JOIN api_key ON api_key.member = member.id
WHERE action = 'set_tier' AND audit.at_us < ?1
"""


class Statistics(Subject):
    """`store.stats`."""

    @reports
    def of(self, db: sqlite3.Connection, period: Period) -> Stats:
        """All figures of a period that begins and ends on a quarter of an hour (as each zone's midnight
        does).

        `period` comes from `store.calendar`.
        """
        cells = _cells(period)
        by_tier: dict[str, list[Tally]] = defaultdict(list)
        by_platform: dict[str, list[Tally]] = defaultdict(list)
        by_model: dict[str, list[Tally]] = defaultdict(list)
        by_size: dict[str, list[Tally]] = defaultdict(list)
        query = (
            f"SELECT tier, platform, model, width, height, {_SUMS_SQL}"
            + _CELLS.format(table="rollup")
            + "GROUP BY tier, platform, model, width, height"
        )
        for tier, platform, model, width, height, *sums in db.execute(query, cells):
            tally = Tally(*sums)
            by_tier[tier].append(tally)
            by_platform[platform].append(tally)
            if model:
                by_model[model].append(tally)
            if width:
                by_size[f"{width}x{height}"].append(tally)
        edits = (
            "SELECT kind, sum(images), sum(gpu_us), sum(cost_micro), sum(revenue_micro)"
            + _CELLS.format(table="edits")
            + "GROUP BY kind"
        )
        by_kind = {
            kind: Tally(images=images, gpu_us=gpu_us, cost_micro=cost_micro, revenue_micro=revenue_micro)
            for kind, images, gpu_us, cost_micro, revenue_micro in db.execute(edits, cells)
        }
        waits, draws = _histogram(db, cells, "wait"), _histogram(db, cells, "draw")
        return Stats(
            start=from_us(period.start_us),
            end=from_us(period.end_us),
            currency=self.policy.currency,
            total=add(tally for tallies in by_tier.values() for tally in tallies),
            by_tier={tier: add(by_tier[tier]) for tier in _in_order(self.policy, by_tier)},
            by_platform={name: add(tallies) for name, tallies in sorted(by_platform.items())},
            by_model={name: add(tallies) for name, tallies in sorted(by_model.items())},
            by_size={name: add(tallies) for name, tallies in by_size.items()},
            wait=percentiles(_merged(waits.values())),
            draw=percentiles(_merged(draws.values())),
            wait_by_tier={tier: percentiles(waits[tier]) for tier in waits},
            draw_by_tier={tier: percentiles(draws[tier]) for tier in draws},
            uptime=meter.uptime(db, period),
            top_members=_top_members(db, self.policy.calendar.month(period.end_us - 1)),
            by_kind=by_kind,
        )

    @reports
    def days(self, db: sqlite3.Connection, period: Period) -> tuple[Day, ...]:
        """The days of a period that are over or have begun, each with what was drawn, cost and waited for."""
        days: list[Day] = []
        at_us, end_us = period.start_us, min(period.end_us, self.now_us)
        while at_us < end_us:
            day = self.policy.calendar.today(at_us)
            cells = _cells(day)
            (sums,) = db.execute(f"SELECT {_SUMS_SQL} {_CELLS.format(table='rollup')}", cells)
            waits = percentiles(_merged(_histogram(db, cells, "wait").values()))
            days.append(Day(from_us(day.start_us), Tally(*(value or 0 for value in sums)), waits))
            at_us = day.end_us
        return tuple(days)

    @reports
    def months(self, db: sqlite3.Connection) -> tuple[int, ...]:
        """The calendar months (202611) since the first in which anything was asked for, newest first."""
        (first,) = db.execute("SELECT min(month) FROM account").fetchone()
        month, last = first, self.policy.calendar.month(self.now_us)
        months: list[int] = []
        while month is not None and month <= last:
            months.append(month)
            month += 89 if month % 100 == 12 else 1
        return tuple(reversed(months))

    @reports
    def totals(self, db: sqlite3.Connection) -> dict[tuple[str, str, str], Tally]:
        """Everything since the database began, by tier, platform and model; no figure of it ever falls."""
        by = "tier, platform, model"
        rows = db.execute(f"SELECT {by}, {_SUMS_SQL} FROM rollup WHERE span_us = ? GROUP BY {by}", (DAY_US,))
        return {(tier, platform, model): Tally(*sums) for tier, platform, model, *sums in rows}

    @reports
    def totals_by_kind(self, db: sqlite3.Connection) -> dict[str, Tally]:
        """Everything since the database began, by what was asked for: `text`, or a kind of edit."""
        edits = "SELECT kind, sum(images), sum(gpu_us) FROM edits WHERE span_us = ? GROUP BY kind"
        kinds = {
            kind: Tally(images=images, gpu_us=gpu_us) for kind, images, gpu_us in db.execute(edits, (DAY_US,))
        }
        everything = "SELECT coalesce(sum(images), 0), coalesce(sum(gpu_us), 0) FROM rollup WHERE span_us = ?"
        images, gpu_us = db.execute(everything, (DAY_US,)).fetchone()
        edited = add(kinds.values())
        return {"text": Tally(images=images - edited.images, gpu_us=gpu_us - edited.gpu_us), **kinds}

    @reports
    def held(self, db: sqlite3.Connection, period: Period) -> dict[str, int]:
        """How long members held each tier, by tier: microseconds, added up, as far as time has gone.

        A tier that was given counts from then until it is replaced or ends, its member is forgotten, or its
        key is revoked or expires. A tier that a role stood for, or the default, counts for the whole of a
        calendar month in which its member drew under it. `period` lies within one calendar month.
        """
        end_us = min(period.end_us, self.now_us)
        span_us = max(0, end_us - period.start_us)
        month = self.policy.calendar.month(period.start_us)
        held: dict[tuple[str, int], int] = {}
        for tier, member in db.execute("SELECT tier, member FROM tier_month WHERE month = ?", (month,)):
            held[tier, member] = span_us
        for row in db.execute(_HELD, (end_us,)):
            if row["tier"] is None:  # it went over to another member
                continue
            until_us = to_us(datetime.fromisoformat(row["until"])) if row["until"] else end_us
            last_us = min(row["replaced_us"], until_us, row["gone_us"] or end_us)
            held_us = last_us - max(row["at_us"], period.start_us)
            if held_us > 0:
                key = row["tier"], row["member"]
                held[key] = min(held.get(key, 0) + held_us, span_us)
        by_tier: dict[str, int] = defaultdict(int)
        for (tier, _), held_us in held.items():
            by_tier[tier] += held_us
        return {tier: held_us for tier, held_us in by_tier.items() if held_us}


def members_by_use(
    db: sqlite3.Connection, policy: Policy, now_us: int, who: str | None, limit: int
) -> list[MemberLine]:
    """Who drew most this month comes first. `who` is a member's key or number (#12), an account's id or an
    API key's label, None for everybody.
    """
    found = _NUMBER.fullmatch(who or "")
    number = int(found.group(1)) if found else None
    values = {"month": policy.calendar.month(now_us), "who": who, "number": number, "limit": limit}
    rows = db.execute(_BUSIEST if who is None else _NAMED, values).fetchall()
    if who is None and len(rows) < limit:
        rows += db.execute(_IDLE, values | {"limit": limit - len(rows)}).fetchall()
    names = member_rows.names(db, [row["key"] for row in rows])
    return [
        MemberLine(member_rows.record(db, row, policy, now_us), names[row["key"]], Tally(*row[: len(SUMS)]))
        for row in rows
    ]


def _top_members(db: sqlite3.Connection, month: int, limit: int = TOP_MEMBERS) -> tuple[MemberMonth, ...]:
    """The members with the most images of a month (by the month of their reservations)."""
    rows = db.execute(
        f"""
        SELECT key, {", ".join(SUMS)} FROM account JOIN member ON member.id = account.member
        WHERE month = ? AND images > 0 AND forgotten_us IS NULL ORDER BY month DESC, images DESC LIMIT ?
        """,
        (month, limit),
    )
    return tuple(MemberMonth(key, Tally(*sums)) for key, *sums in rows)


def add(tallies: Iterable[Tally]) -> Tally:
    """The sum, field by field."""
    return Tally(*(sum(column) for column in zip(*map(_values, tallies), strict=True)))


def percentiles(histogram: dict[int, int]) -> Percentiles:
    """From jobs by log bucket."""
    count = sum(histogram.values())
    return Percentiles(count, _quantile(histogram, count, 50), _quantile(histogram, count, 95))


def _quantile(histogram: dict[int, int], count: int, percent: int) -> int | None:
    """The middle of the bucket that holds the nearest-rank percentile."""
    rank = -(-count * percent // 100)
    for bucket in sorted(histogram):
        rank -= histogram[bucket]
        if rank <= 0:
            return bucket_us(bucket)
    return None


def _histogram(db: sqlite3.Connection, cells: dict[str, int], kind: str) -> dict[str, dict[int, int]]:
    query = (
        "SELECT tier, bucket, sum(jobs)"
        + _CELLS.format(table="histogram")
        + "AND kind = :kind GROUP BY tier, bucket"
    )
    by_tier: dict[str, dict[int, int]] = defaultdict(dict)
    for tier, bucket, jobs in db.execute(query, {**cells, "kind": kind}):
        by_tier[tier][bucket] = jobs
    return dict(by_tier)


def _cells(period: Period) -> dict[str, int]:
    first_day_us = -(-period.start_us // DAY_US) * DAY_US
    last_day_us = period.end_us // DAY_US * DAY_US
    if first_day_us > last_day_us:  # within one day
        first_day_us = last_day_us = period.end_us
    return {
        "quarter": CELL_US,
        "day": DAY_US,
        "start": period.start_us,
        "first_day": first_day_us,
        "last_day": last_day_us,
        "end": period.end_us,
    }


def _merged(histograms: Iterable[dict[int, int]]) -> dict[int, int]:
    merged: dict[int, int] = defaultdict(int)
    for histogram in histograms:
        for bucket, jobs in histogram.items():
            merged[bucket] += jobs
    return merged


def _values(tally: Tally) -> tuple[int, ...]:
    return tuple(getattr(tally, name) for name in SUMS)


def _in_order(policy: Policy, tiers: Iterable[str]) -> list[str]:
    """The configured tiers from the lowest, then those that are configured no more."""
    found = set(tiers)
    return [tier for tier in policy.tiers if tier in found] + sorted(found - set(policy.tiers))
