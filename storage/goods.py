"""What members buy, are given or redeem, and how the members' accounts change with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .clock import DAY_US, from_us

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Goods:
    """Either `images` that last until they are used, or a `tier` for so many `days`."""

    images: int | None = None
    tier: str | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """What a member now has: so many images in the top-up, or the tier until then."""

    goods: Goods
    topup: int
    until: datetime | None


def bring(
    db: sqlite3.Connection,
    now_us: int,
    member: int,
    goods: Goods,
    *,
    payment: int | None = None,
    voucher: str | None = None,
) -> Brought:
    """Credit a member what was bought with a payment or a voucher. Either brings something once."""
    if goods.tier is not None and goods.days is not None:
        until_us = _add_period(db, now_us, member, goods.tier, goods.days, payment, voucher)
        return Brought(goods, _topup(db, member), from_us(until_us))
    assert goods.images is not None
    key = f"payment:{payment}" if voucher is None else f"voucher:{voucher}"
    credit(db, now_us, member, key, goods.images, payment=payment)
    return Brought(goods, _topup(db, member), None)


def credit(
    db: sqlite3.Connection, now_us: int, member: int, key: str, images: int, *, payment: int | None = None
) -> bool:
    """Add images that last until used; False where this `key` was credited before."""
    credited = db.execute(
        "INSERT INTO credit (key, member, images, at_us, payment) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO NOTHING",
        (key, member, images, now_us, payment),
    ).rowcount
    if credited:
        db.execute("UPDATE member SET topup = topup + ? WHERE id = ?", (images, member))
    return bool(credited)


def debit(db: sqlite3.Connection, now_us: int, member: int, key: str, images: int) -> int:
    """Take at most `images` out of a top-up; how many there were to take."""
    taken = min(images, _topup(db, member))
    if taken:
        db.execute("INSERT INTO debit VALUES (?, ?, ?, ?)", (key, member, taken, now_us))
        db.execute("UPDATE member SET topup = topup - ? WHERE id = ?", (taken, member))
    return taken


def bought_tiers(db: sqlite3.Connection, now_us: int, member: int) -> list[tuple[str, int]]:
    """The tiers a member holds now for a time, and until when (microseconds)."""
    rows = db.execute(
        "SELECT tier, max(end_us) FROM held WHERE member = ?1 AND end_us > ?2"
        " GROUP BY tier HAVING min(start_us) <= ?2",
        (member, now_us),
    )
    return [(tier, end_us) for tier, end_us in rows]


def lay_end_to_end(db: sqlite3.Connection, now_us: int, member: int) -> None:
    """Move a member's periods so that those of one tier follow each other: no paid day is held twice or later
    than it could be.
    """
    rows = db.execute(
        "SELECT period.* FROM period LEFT JOIN refund ON refund.payment = period.payment"
        " LEFT JOIN ended ON ended.payment = period.payment"
        " WHERE member = ? AND end_us > ? AND refund.payment IS NULL AND ended.payment IS NULL"
        " ORDER BY end_us",
        (member, now_us),
    ).fetchall()
    free_from_us: dict[str, int] = {}
    for row in rows:
        left_us = row["end_us"] - max(row["start_us"], now_us)
        end_us = free_from_us[row["tier"]] = free_from_us.get(row["tier"], now_us) + left_us
        db.execute(
            "UPDATE period SET start_us = ?, end_us = ? WHERE id = ?",
            (end_us - (row["end_us"] - row["start_us"]), end_us, row["id"]),
        )


def _add_period(
    db: sqlite3.Connection,
    now_us: int,
    member: int,
    tier: str,
    days: int,
    payment: int | None,
    voucher: str | None,
) -> int:
    (held_us,) = db.execute(
        "SELECT coalesce(max(end_us), 0) FROM held WHERE member = ? AND tier = ?", (member, tier)
    ).fetchone()
    start_us = max(now_us, held_us)
    end_us: int = start_us + days * DAY_US
    db.execute(
        "INSERT INTO period (payment, voucher, member, tier, start_us, end_us) VALUES (?, ?, ?, ?, ?, ?)",
        (payment, voucher, member, tier, start_us, end_us),
    )
    return end_us


def _topup(db: sqlite3.Connection, member: int) -> int:
    return int(db.execute("SELECT topup FROM member WHERE id = ?", (member,)).fetchone()[0])
