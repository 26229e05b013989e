"""Refunds: decided here first, with what is unused of what was bought taken back, and made by the provider
after; until the provider has made one, `due` lists it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import goods, order_rows
from .audit import note
from .core import Subject, reads, writes, writes_until_stored
from .errors import NothingToRefund
from .records.sales import Refund, Refused

if TYPE_CHECKING:
    import sqlite3


class Refunds(Subject):
    """`store.refunds`."""

    @writes
    def order(self, db: sqlite3.Connection, order_id: str, *, by: str, why: str = "") -> Refund:
        """Pay an order's last payment back, and take back what is unused of what it brought.

        Raises UnknownOrder, NothingToRefund.
        """
        order = order_rows.by_id(db, order_id)
        row = db.execute(
            "SELECT payment.id FROM payment LEFT JOIN refund ON refund.payment = payment.id"
            " WHERE for_order = ? AND refund.payment IS NULL ORDER BY payment.id DESC LIMIT 1",
            (order["id"],),
        ).fetchone()
        if row is None or order["forgotten_us"] is not None:
            raise NothingToRefund(order_id)
        back = self._take_back(db, row["id"], by=by, why=why, due=True)
        detail = {"order": order_id, "amount": back.amount, "currency": back.currency}
        note(db, self.now_us, by=by, action="refund", subject=order["key"], detail=detail, why=why)
        return back

    @writes_until_stored
    def by_provider(
        self, db: sqlite3.Connection, provider: str, charge: str, *, last: bool = False
    ) -> Refund | None:
        """The provider has paid a payment back: take back what is unused, unless that was done. `last`: the
        charge is the one that a subscription began with, and its last payment is meant.

        None where nothing changed but that the refund is made.
        """
        row = db.execute(LAST if last else _THIS, (provider, charge)).fetchone()
        if row is None:
            return None
        back = None
        if row["payment"] is None:
            back = self._take_back(db, row["id"], by=provider, why="paid back by the provider", due=False)
        _made(db, row["id"])
        return back

    @reads
    def due(self, db: sqlite3.Connection, provider: str) -> list[Refund]:
        """Refunds that the provider has yet to make, oldest first."""
        rows = db.execute(
            "SELECT payment.id FROM refund_due JOIN payment ON payment.id = refund_due.payment"
            " WHERE provider = ? ORDER BY payment.id",
            (provider,),
        ).fetchall()
        return [self._record(db, row["id"]) for row in rows]

    @writes_until_stored
    def made(self, db: sqlite3.Connection, payment: int) -> None:
        """The provider has made this refund."""
        _made(db, payment)

    def _take_back(self, db: sqlite3.Connection, payment: int, *, by: str, why: str, due: bool) -> Refund:
        found = db.execute("SELECT * FROM credit WHERE payment = ?", (payment,)).fetchone()
        back = kept = 0
        if found is not None:
            back = goods.debit(db, self.now_us, found["member"], f"refund:{payment}", found["images"])
            kept = found["images"] - back
        insert(db, self.now_us, payment, back, by=by, why=why, due=due)
        for (member,) in db.execute("SELECT member FROM period WHERE payment = ?", (payment,)).fetchall():
            goods.lay_end_to_end(db, self.now_us, member)
        return self._record(db, payment, back, kept)

    def _record(self, db: sqlite3.Connection, payment: int, back: int = 0, kept: int = 0) -> Refund:
        row = db.execute(_REFUND, (payment,)).fetchone()
        order = None
        if row["order_id"] is not None:
            order = order_rows.record(order_rows.by_id(db, row["order_id"]), self.policy)
        first = None
        if order is not None and order.terms.renews:
            began = row["why"] == Refused.PAID and row["by"] == row["provider"]  # a subscription of its own
            first = row["charge"] if began else row["first_charge"]
        return Refund(
            payment, row["charge"], row["user_id"], row["amount"], row["currency"], order, back, kept, first
        )


LAST = """
SELECT payment.id, refund.payment FROM payment AS first
JOIN payment ON payment.for_order = first.for_order LEFT JOIN refund ON refund.payment = payment.id
WHERE first.provider = ? AND first.charge = ? ORDER BY payment.id DESC LIMIT 1
"""
"""Of a subscription, by the charge it began with: its last payment, and again where that is paid back."""
_THIS = """
SELECT id, refund.payment FROM payment LEFT JOIN refund ON refund.payment = payment.id
WHERE provider = ? AND charge = ?
"""
_REFUND = """
SELECT payment.*, refund.by, why, order_id, user_id,
       (SELECT charge FROM payment AS first WHERE first.for_order = orders.id ORDER BY id) AS first_charge
FROM payment JOIN refund ON refund.payment = payment.id LEFT JOIN orders ON orders.id = for_order
LEFT JOIN payer ON payer.payment = payment.id
WHERE payment.id = ?
"""


def insert(
    db: sqlite3.Connection, now_us: int, payment: int, images: int, *, by: str, why: str, due: bool
) -> None:
    """Write that a payment is paid back, by the provider later where that is `due`; so many images were taken
    back.
    """
    db.execute("INSERT INTO refund VALUES (?, ?, ?, ?, ?)", (payment, now_us, images, by, why))
    if due:
        db.execute("INSERT INTO refund_due VALUES (?)", (payment,))


def _made(db: sqlite3.Connection, payment: int) -> None:
    db.execute("DELETE FROM refund_due WHERE payment = ?", (payment,))
    db.execute("DELETE FROM payer WHERE payment = ?", (payment,))
