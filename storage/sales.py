"""The book of what members buy: orders, payments, and what each payment brought.

Each payment is written once, whatever its provider repeats, in one transaction with what it brings: the
images or the period of its order, or a refund (`storage.refunds`) where neither can be given.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from . import goods, member_rows, order_rows, refunds
from .clock import from_us
from .core import Subject, reads, reports, writes, writes_until_stored
from .records.sales import Income, Order, Paid, Receipt, Refused, Subscription, Terms

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from .months import Period


class Sales(Subject):
    """`store.sales`."""

    @writes
    def order(self, db: sqlite3.Connection, member: str, terms: Terms, *, valid_us: int) -> Order:
        """A new order, to be paid within `valid_us`. Raises UnknownMember, UnknownTier."""
        order_id = self._insert_order(db, member, terms, valid_us)
        return order_rows.record(order_rows.by_id(db, order_id), self.policy)

    @reads
    def get(self, db: sqlite3.Connection, order_id: str) -> Order:
        """Raises UnknownOrder."""
        return order_rows.record(order_rows.by_id(db, order_id), self.policy)

    @reads
    def of(self, db: sqlite3.Connection, member: str, limit: int = 10) -> list[Order]:
        """A member's orders that were paid and not paid back, newest first."""
        rows = db.execute(order_rows.ORDER + _KEPT, (member_rows.by_key(db, member)["id"], limit)).fetchall()
        return [order_rows.record(row, self.policy) for row in rows]

    @reads
    def subscriptions(self, db: sqlite3.Connection, member: str) -> list[Subscription]:
        """What a member subscribes to, as far as the period that was paid last still runs."""
        values = (member_rows.by_key(db, member)["id"], self.now_us)
        return [Subscription(*row) for row in db.execute(_SUBSCRIPTIONS, values)]

    @reads
    def since(self, db: sqlite3.Connection, provider: str) -> datetime | None:
        """When the first order through this provider was made; None where there was none."""
        (first_us,) = db.execute(
            "SELECT min(created_us) FROM orders WHERE provider = ?", (provider,)
        ).fetchone()
        return None if first_us is None else from_us(first_us)

    @reads
    def knows(self, db: sqlite3.Connection, provider: str, charge: str) -> bool:
        """Whether this payment is written."""
        return _is_known(db, provider, charge)

    @writes_until_stored
    def pay(self, db: sqlite3.Connection, paid: Paid) -> Receipt:
        """Write a payment and what it brings; the same charge again changes nothing.

        Where it can bring nothing (see `Refused`) it is paid back. An order that expired meanwhile is
        honoured: the money is there.
        """
        row = order_rows.find(db, paid.order_id)
        if row is None:
            return self._pay(db, paid, None, Refused.UNKNOWN)
        why = order_rows.refused(row, self.policy, renewal=bool(row["renews"]) and not paid.begins)
        if (paid.amount, paid.currency) != (row["amount"], row["currency"]):
            why = why or Refused.PRICE
        return self._pay(db, paid, row, why)

    @writes_until_stored
    def bought(self, db: sqlite3.Connection, member: str, terms: Terms, paid: Paid) -> Receipt:
        """What a member paid for without an order of ours: both at once, the same charge again changes
        nothing. `paid.order_id` is not read. Raises UnknownMember, UnknownTier.
        """
        if _is_known(db, paid.provider, paid.charge):
            return Receipt(new=False, order=None)
        row = order_rows.by_id(db, self._insert_order(db, member, terms, 0))
        return self._pay(db, paid, row, order_rows.refused(row, self.policy))

    @writes_until_stored
    def renewed(self, db: sqlite3.Connection, first: str, paid: Paid) -> Receipt | None:
        """One more payment of what began with the charge `first`; the same charge again changes nothing.
        `paid.order_id` is not read.

        None where the first is not known, or the renewal could bring nothing: nothing is written then.
        """
        row = order_rows.of_charge(db, paid.provider, first)
        if row is None or order_rows.refused(row, self.policy, renewal=bool(row["renews"])) is not None:
            return None
        return self._pay(db, paid, row, None)

    @writes_until_stored
    def ended(self, db: sqlite3.Connection, provider: str, charge: str) -> None:
        """The provider ended the subscription that began with this charge: its last period ends now."""
        row = db.execute(refunds.LAST, (provider, charge)).fetchone()
        if row is not None and row["payment"] is None:
            db.execute("INSERT INTO ended VALUES (?, ?) ON CONFLICT DO NOTHING", (row["id"], self.now_us))

    @reports
    def income(self, db: sqlite3.Connection, period: Period | None = None) -> list[Income]:
        """What was paid and paid back in a period, or ever, by offer and provider."""
        start_us, end_us = (0, self.now_us + 1) if period is None else (period.start_us, period.end_us)
        return [Income(*row) for row in db.execute(_INCOME, {"start": start_us, "end": end_us})]

    def _insert_order(self, db: sqlite3.Connection, member: str, terms: Terms, valid_us: int) -> str:
        what = terms.goods
        if what.tier is not None:
            self.policy.terms(what.tier)
        order_id, now_us = secrets.token_hex(8), self.now_us
        db.execute(
            "INSERT INTO orders (order_id, member, provider, offer, images, tier, days, renews, amount,"
            " currency, created_us, expires_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                order_id,
                member_rows.by_key(db, member)["id"],
                terms.provider,
                terms.offer,
                what.images,
                what.tier,
                what.days,
                terms.renews,
                terms.amount,
                terms.currency,
                now_us,
                now_us + valid_us,
            ),
        )
        return order_id

    def _pay(
        self, db: sqlite3.Connection, paid: Paid, row: sqlite3.Row | None, why: Refused | None
    ) -> Receipt:
        """Write a payment of the order in `row`, and what it brings; `why` it can bring nothing."""
        order = None if row is None else order_rows.record(row, self.policy)
        if _is_known(db, paid.provider, paid.charge):
            return Receipt(new=False, order=order)
        payment = self._insert_payment(db, paid, row)
        if row is None or order is None or why is not None:
            refunds.insert(db, self.now_us, payment, 0, by=paid.provider, why=why or "", due=True)
            return Receipt(new=True, order=order, refused=why)
        brought = goods.bring(db, self.now_us, row["member"], order.terms.goods, payment=payment)
        return Receipt(new=True, order=order, brought=brought)

    def _insert_payment(self, db: sqlite3.Connection, paid: Paid, order: sqlite3.Row | None) -> int:
        payment = db.execute(
            "INSERT INTO payment (provider, charge, for_order, amount, currency, worth_micro, fee_micro,"
            " at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                paid.provider,
                paid.charge,
                None if order is None else order["id"],
                paid.amount,
                paid.currency,
                paid.worth_micro,
                paid.fee_micro,
                self.now_us,
            ),
        ).lastrowid
        assert payment is not None
        db.execute("INSERT INTO payer VALUES (?, ?)", (payment, paid.user_id))
        return payment


_KEPT = """
WHERE orders.member = ? AND EXISTS (
    SELECT 1 FROM payment LEFT JOIN refund ON refund.payment = payment.id
    WHERE for_order = orders.id AND refund.payment IS NULL)
ORDER BY orders.id DESC LIMIT ?
"""
_SUBSCRIPTIONS = """
SELECT orders.provider, orders.tier,
       (SELECT charge FROM payment AS first WHERE first.for_order = orders.id ORDER BY id), max(user_id)
FROM orders JOIN payment ON for_order = orders.id JOIN period ON period.payment = payment.id
JOIN payer ON payer.payment = payment.id LEFT JOIN refund ON refund.payment = payment.id
WHERE orders.member = ? AND renews AND period.end_us > ? AND refund.payment IS NULL
GROUP BY orders.id
"""
_INCOME = """
WITH moves AS (
    SELECT id, 1 AS paid, 0 AS back FROM payment WHERE at_us >= :start AND at_us < :end
    UNION ALL SELECT payment, 0, 1 FROM refund WHERE at_us >= :start AND at_us < :end)
SELECT coalesce(offer, ''), payment.provider, payment.currency, sum(paid), sum(paid * payment.amount),
       sum(paid * worth_micro), sum(paid * fee_micro), sum(back), sum(back * (worth_micro - fee_micro))
FROM moves JOIN payment ON payment.id = moves.id LEFT JOIN orders ON orders.id = for_order
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def _is_known(db: sqlite3.Connection, provider: str, charge: str) -> bool:
    found = db.execute("SELECT 1 FROM payment WHERE provider = ? AND charge = ?", (provider, charge))
    return found.fetchone() is not None
