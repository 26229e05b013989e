"""Rows of orders: found, and read as what the outside sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clock import from_us
from .errors import UnknownOrder
from .goods import Goods
from .records.sales import Order, Refused, Terms

if TYPE_CHECKING:
    import sqlite3

    from .policy import Policy

ORDER = """
SELECT orders.*, key, banned_us, forgotten_us,
       EXISTS (SELECT 1 FROM payment WHERE for_order = orders.id) AS paid
FROM orders JOIN member ON member.id = orders.member
"""


def find(db: sqlite3.Connection, order_id: str) -> sqlite3.Row | None:
    """The order's row, with what decides on its payments."""
    row: sqlite3.Row | None = db.execute(ORDER + "WHERE order_id = ?", (order_id,)).fetchone()
    return row


def by_id(db: sqlite3.Connection, order_id: str) -> sqlite3.Row:
    """The same. Raises UnknownOrder."""
    row = find(db, order_id)
    if row is None:
        raise UnknownOrder(order_id)
    return row


def of_charge(db: sqlite3.Connection, provider: str, charge: str) -> sqlite3.Row | None:
    """The order that was paid with this charge."""
    row: sqlite3.Row | None = db.execute(
        ORDER + "JOIN payment ON for_order = orders.id WHERE payment.provider = ? AND charge = ?",
        (provider, charge),
    ).fetchone()
    return row


def record(row: sqlite3.Row, policy: Policy) -> Order:
    """What the outside sees of an order's row."""
    what = Goods(row["images"], row["tier"], row["days"])
    terms = Terms(row["provider"], row["offer"], what, row["amount"], row["currency"], bool(row["renews"]))
    return Order(
        order_id=row["order_id"],
        member=row["key"],
        terms=terms,
        created_at=from_us(row["created_us"]),
        expires_at=from_us(row["expires_us"]),
        refused=refused(row, policy),
    )


def refused(row: sqlite3.Row, policy: Policy, *, renewal: bool = False) -> Refused | None:
    """Why a payment of this order, or a `renewal`, could bring nothing."""
    if row["forgotten_us"] is not None:
        return Refused.FORGOTTEN
    if row["banned_us"] is not None:
        return Refused.BANNED
    if row["tier"] is not None and row["tier"] not in policy.tiers:
        return Refused.NO_TIER
    return Refused.PAID if row["paid"] and not renewal else None
