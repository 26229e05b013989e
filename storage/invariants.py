"""What must hold between the tables, whatever died and whenever: run by the tests, and by `easel check`.

Each invariant is a query for its violations, and a sentence for each row that it finds.
"""

# ruff: noqa: S608 - queries put together from the pieces below, nothing from outside
from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from .records.findings import Finding
from .sale_invariants import SALES, Invariant
from .stats import SUMS
from .trouble import is_damage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _differences(kept: str, derived: str) -> str:
    """Rows of the one query that the other lacks, in both directions, each with where it was found."""
    return f"""
        SELECT 'kept', * FROM (SELECT * FROM ({kept}) EXCEPT SELECT * FROM ({derived}))
        UNION ALL SELECT 'derived', * FROM (SELECT * FROM ({derived}) EXCEPT SELECT * FROM ({kept}))
        """


_OPEN = "state IN ('queued', 'running', 'drawn')"
_JOBS = "job JOIN request ON request.id = job.request"
_CHARGES = "ledger JOIN person ON person.id = ledger.member"
_SPANS = "(SELECT 900000000 AS span UNION ALL SELECT 86400000000)"
_TALLY = """
    sum(charged AND outcome <> 'undeliverable') AS images, sum(outcome IN ('failed', 'expired')) AS failed,
    sum(outcome = 'cancelled') AS cancelled, sum(outcome = 'undeliverable') AS undeliverable,
    sum(NOT charged) AS refunded, sum(gpu_us) AS gpu_us, sum(coalesce(energy_mj, 0)) AS energy_mj,
    sum(cost_micro) AS cost_micro, sum(price_micro) AS revenue_micro
"""
_SUMS = ", ".join(SUMS)
_PRUNED_US = "coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'pruned_until_us'), 0)"
_PRUNED_DAY = f"CAST(strftime('%Y%m%d', {_PRUNED_US} / 1000000, 'unixepoch', '+1 day') AS INTEGER)"
"""A day may have begun anywhere on earth."""

INVARIANTS = (
    Invariant(
        "every open job holds the images it counts as, and its price, of its member's month",
        "{}: month {}, member number {}: {} reserved at {} micro-units",
        _differences(
            "SELECT month, member, reserved, held_micro FROM account WHERE reserved <> 0 OR held_micro <> 0",
            f"""
            SELECT month, member, sum(counts_as - from_topup) AS images, sum(price_micro) AS worth
            FROM {_JOBS} WHERE {_OPEN} GROUP BY month, member HAVING images > 0 OR worth > 0
            """,
        ),
    ),
    Invariant(
        "the allowance used is what was charged to it",
        "{}: month {}, member number {}: {} used",
        _differences(
            "SELECT month, member, used - carried FROM account WHERE used <> carried",
            f"""
            SELECT month, person.member, sum(counts_as - from_topup) AS images FROM {_CHARGES}
            WHERE charged GROUP BY month, person.member HAVING images > 0
            """,
        ),
    ),
    Invariant(
        "a top-up is what was granted, less what was taken, used and is reserved of it",
        "member {}: {} left, {} granted, {} taken back or given away, {} charged, {} reserved",
        f"""
        WITH sums AS (
            SELECT key, topup,
                (SELECT coalesce(sum(images), 0) FROM credit WHERE credit.member = member.id) AS granted,
                (SELECT coalesce(sum(images), 0) FROM debit WHERE debit.member = member.id) AS debited,
                (SELECT coalesce(sum(from_topup), 0) FROM {_CHARGES}
                 WHERE person.member = member.id AND charged) AS charged,
                (SELECT coalesce(sum(from_topup), 0) FROM {_JOBS}
                 WHERE request.member = member.id AND {_OPEN}) AS reserved
            FROM member WHERE forgotten_us IS NULL AND merged_into IS NULL
              AND (topup > 0 OR id IN (SELECT member FROM credit)))
        SELECT * FROM sums WHERE topup <> granted - debited - charged - reserved
        """,
    ),
    *SALES,
    Invariant(
        "a closed job has one ledger row that tells the same, an open one has none",
        "job {}: {}, the ledger says {}",
        """
        SELECT job_id, state, coalesce(outcome, 'nothing') FROM job LEFT JOIN ledger ON ledger.job = job.id
        WHERE NOT CASE
            WHEN state IN ('delivered', 'cancelled') THEN outcome IS state
            WHEN state = 'failed' THEN coalesce(outcome, '') IN ('failed', 'undeliverable', 'expired')
            ELSE outcome IS NULL END
        """,
    ),
    Invariant(
        "a ledger row without its job belongs to somebody forgotten, or is past the term of requests",
        "ledger row {} of member {} has no job",
        f"""
        SELECT entry, person.key FROM {_CHARGES} JOIN member ON member.id = person.member
        LEFT JOIN job ON job.id = ledger.job
        WHERE job.id IS NULL AND forgotten_us IS NULL AND at_us >= {_PRUNED_US}
        """,
    ),
    Invariant(
        "what is charged was delivered, or lost or cancelled by the member's own doing",
        "ledger row {}: {} for {} micro-units, charged {}",
        """
        SELECT entry, outcome, price_micro, charged FROM ledger
        WHERE (charged AND outcome IN ('failed', 'expired')) OR (NOT charged AND outcome = 'delivered')
           OR (price_micro > 0 AND NOT charged)
        """,
    ),
    Invariant(
        "a request has jobs",
        "request {} has none",
        "SELECT request_id FROM request WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.request = request.id)",
    ),
    Invariant(
        "a drawn job has its picture and its usage",
        "job {}: picture {}, usage {}",
        """
        SELECT job_id, image, usage IS NOT NULL FROM job LEFT JOIN drawing ON drawing.job = job.id
        WHERE (state = 'drawn') <> (usage IS NOT NULL) OR (state = 'drawn' AND image IS NULL)
        """,
    ),
    Invariant(
        "a request has its address while one of its jobs is open",
        "request {}: {} open jobs, address kept {}",
        f"""
        SELECT request_id, sum({_OPEN}) AS open_jobs, max(address IS NOT NULL) AS kept
        FROM {_JOBS} LEFT JOIN address ON address.request = request.id
        GROUP BY request.id HAVING (open_jobs > 0) <> kept
        """,
    ),
    Invariant(
        "the daily counts are what the day's jobs count as that were not refunded",
        "{}: day {}, tier {}, in {!r}: {} images",
        "SELECT * FROM ("
        + _differences(
            f"SELECT day, tier, scope, images FROM daily WHERE images <> 0 AND day > {_PRUNED_DAY}",
            f"""
            SELECT capped_day, request.tier,
                   CASE WHEN everywhere THEN '' ELSE request.platform || ':' || server END AS scope,
                   sum(job.counts_as)
            FROM {_JOBS} LEFT JOIN ledger ON ledger.job = job.id, (SELECT 1 AS everywhere UNION ALL SELECT 0)
            WHERE capped_day > {_PRUNED_DAY} AND coalesce(charged, 1) AND (everywhere OR server IS NOT NULL)
            GROUP BY 1, 2, 3
            """,
        )
        + ") WHERE NOT EXISTS (SELECT 1 FROM member WHERE forgotten_us IS NOT NULL)",  # their jobs are gone
    ),
    Invariant(
        "the rollups are the sums of the ledger",
        "{}: {} us from {}, tier {}, platform {}, model {}, {}x{}: {} images, {} failed and so on",
        _differences(
            f"SELECT span_us, cell_us, tier, platform, model, width, height, {_SUMS} FROM rollup",
            f"""
            SELECT span, at_us - at_us % span, tier, platform, model, width, height, {_TALLY}
            FROM ledger, {_SPANS} GROUP BY 1, 2, 3, 4, 5, 6, 7
            """,
        ),
    ),
    Invariant(
        "the sums of edits are the sums of the ledger",
        "{}: {} us from {}, {}: {} images, {} us, {} and {} micro-units",
        _differences(
            "SELECT span_us, cell_us, kind, images, gpu_us, cost_micro, revenue_micro FROM edits",
            f"""
            SELECT span, at_us - at_us % span, kind, sum(charged AND outcome <> 'undeliverable'),
                   sum(gpu_us), sum(cost_micro), sum(price_micro)
            FROM ledger, {_SPANS} WHERE kind <> 'text' GROUP BY 1, 2, 3
            """,
        ),
    ),
    Invariant(
        "the histograms count every drawing of the ledger",
        "{}: {} us from {}, {} times of tier {}, bucket {}: {} jobs",
        _differences(
            "SELECT span_us, cell_us, kind, tier, bucket, jobs FROM histogram",
            f"""
            SELECT span, at_us - at_us % span, 'wait', tier, wait_bucket, count(*) FROM ledger, {_SPANS}
            WHERE wait_bucket IS NOT NULL GROUP BY 1, 2, 3, 4, 5
            UNION ALL
            SELECT span, at_us - at_us % span, 'draw', tier, draw_bucket, count(*) FROM ledger, {_SPANS}
            WHERE draw_bucket IS NOT NULL GROUP BY 1, 2, 3, 4, 5
            """,
        ),
    ),
    Invariant(
        "a member's month is the sum of their ledger rows",
        "{}: month {}, member number {}: {} images, {} failed and so on",
        _differences(
            f"""
            SELECT month, member, {_SUMS} FROM account WHERE images + refunded + undeliverable + cancelled > 0
            """,
            f"SELECT month, person.member, {_TALLY} FROM {_CHARGES} GROUP BY 1, 2",
        ),
    ),
    Invariant(
        "no quarter of an hour of a device has more time than it has",
        "device {!r}, cell {}: {} us booked",
        """
        SELECT device, cell_us, sum(busy_us + overhead_us + idle_us + lost_us) AS booked_us
        FROM meter GROUP BY device, cell_us HAVING booked_us > 900000000
        """,
    ),
    Invariant(
        "a member that became part of another, or was forgotten, keeps nothing",
        "member {} still has {}",
        """
        SELECT key, 'a top-up' FROM member
        WHERE (merged_into IS NOT NULL OR forgotten_us IS NOT NULL) AND topup > 0
        UNION ALL SELECT key, 'an identity' FROM member JOIN identity ON identity.member = member.id
                  WHERE merged_into IS NOT NULL OR forgotten_us IS NOT NULL
        UNION ALL SELECT key, 'a request' FROM member JOIN request ON request.member = member.id
                  WHERE merged_into IS NOT NULL OR forgotten_us IS NOT NULL
        UNION ALL SELECT key, 'a month' FROM member JOIN account ON account.member = member.id
                  WHERE merged_into IS NOT NULL
        """,
    ),
)


def broken(db: sqlite3.Connection, has_image: Callable[[str], bool] | None = None) -> list[Finding]:
    """Every violation of every invariant. `has_image` says whether a picture's file is there."""
    return list(_broken(db, has_image))


def damaged(db: sqlite3.Connection) -> list[Finding]:
    """What SQLite itself finds wrong with the file."""
    try:
        sentences = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        sentences += [
            f"{row[0]} row {row[1]} refers to a missing row of {row[2]}"
            for row in db.execute("PRAGMA foreign_key_check")
        ]
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        sentences = [str(error)]
    return [Finding("the file is whole", sentence) for sentence in sentences]


def _broken(db: sqlite3.Connection, has_image: Callable[[str], bool] | None) -> Iterator[Finding]:
    for invariant in INVARIANTS:
        for row in db.execute(invariant.violations):
            yield Finding(invariant.name, invariant.sentence.format(*row))
    if has_image is not None:
        for job_id, ref in db.execute(
            "SELECT job_id, image FROM job WHERE state = 'drawn' AND image IS NOT NULL"
        ):
            if not has_image(ref):
                yield Finding("a picture yet to be delivered is on disk", f"job {job_id}: {ref} is missing")
        for job_id, ref in db.execute(
            "SELECT job_id, ref FROM job JOIN input ON input.request = job.request"
            " WHERE state IN ('queued', 'running')"
        ):
            if not has_image(ref):
                yield Finding("a picture yet to be drawn from is on disk", f"job {job_id}: {ref} is missing")
