"""The book of what members buy: orders, payments, what each brought, refunds.

Each payment is written once, whatever its provider repeats, in one transaction with what it brings: the
images or the period of its order, or a refund where neither can be given. A refund is decided here first and
made by the provider after; until the provider has made it, `due` lists it.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from . import goods, member_rows
from .audit import note
from .clock import from_us
from .core import Subject, reads, reports, writes, writes_until_stored
from .errors import NothingToRefund, UnknownOrder
from .goods import Goods
from .records.sales import Income, Order, Paid, Receipt, Refund, Refused, Subscription, Terms

if TYPE_CHECKING:
    import sqlite3

    from .months import Period


class Sales(Subject):
    """`store.sales`."""

    @writes
    def order(self, db: sqlite3.Connection, member: str, terms: Terms, *, valid_us: int) -> Order:
        """A new order, to be paid within `valid_us`. Raises UnknownMember, UnknownTier."""
        return self._record(db, _by_id(db, self._insert_order(db, member, terms, valid_us)))

    def _insert_order(self, db: sqlite3.Connection, member: str, terms: Terms, valid_us: int) -> str:
        if terms.goods.tier is not None:
            self.policy.terms(terms.goods.tier)
        order_id, now_us = secrets.token_hex(8), self.now_us
        what = terms.goods
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

    @reads
    def get(self, db: sqlite3.Connection, order_id: str) -> Order:
        """Raises UnknownOrder."""
        return self._record(db, _by_id(db, order_id))

    @reads
    def of(self, db: sqlite3.Connection, member: str, limit: int = 10) -> list[Order]:
        """A member's orders that were paid and not paid back, newest first."""
        rows = db.execute(
            _ORDER + _KEPT,
            (member_rows.by_key(db, member)["id"], limit),
        ).fetchall()
        return [self._record(db, row) for row in rows]

    @reads
    def subscriptions(self, db: sqlite3.Connection, member: str) -> list[Subscription]:
        """What a member subscribes to, as far as the period that was paid last still runs."""
        values = (member_rows.by_key(db, member)["id"], self.now_us)
        return [Subscription(*row) for row in db.execute(_SUBSCRIPTIONS, values)]

    @writes_until_stored
    def pay(self, db: sqlite3.Connection, paid: Paid) -> Receipt:
        """Write a payment and what it brings; the same charge again changes nothing.

        Where it can bring nothing (the order is unknown or paid, its member banned or gone) it is paid back.
        An order that expired meanwhile is honoured: the money is there.
        """
        return self._pay(db, paid)

    @writes_until_stored
    def bought(self, db: sqlite3.Connection, member: str, terms: Terms, paid: Paid) -> Receipt:
        """What a member paid for without an order of ours: both at once, the same charge again changes
        nothing. `paid.order_id` is not read. Raises UnknownMember, UnknownTier.
        """
        if _is_known(db, paid):
            return Receipt(new=False, order=None)
        return self._pay(db, replace(paid, order_id=self._insert_order(db, member, terms, 0)))

    @writes_until_stored
    def renewed(self, db: sqlite3.Connection, first: str, paid: Paid) -> Receipt | None:
        """One more payment of what began with the charge `first`; the same charge again changes nothing.
        `paid.order_id` is not read.

        None where the first is not known, or the renewal could bring nothing: nothing is written then.
        """
        row = _by_charge(db, paid.provider, first)
        if row is None or self._refused(row) is not None:
            return None
        return self._pay(db, replace(paid, order_id=row["order_id"]))

    def _pay(self, db: sqlite3.Connection, paid: Paid) -> Receipt:
        row = _find(db, paid.order_id)
        order = None if row is None else self._record(db, row)
        if _is_known(db, paid):
            return Receipt(new=False, order=order)
        payment = _insert_payment(db, self.now_us, paid, row)
        why = Refused.UNKNOWN if order is None else order.refused
        if row is None or order is None or why is not None:
            _insert_refund(db, self.now_us, payment, 0, by=paid.provider, why=why or "", due=True)
            return Receipt(new=True, order=order, refused=why)
        brought = goods.bring(db, self.now_us, row["member"], order.terms.goods, payment=payment)
        return Receipt(new=True, order=order, brought=brought)

    @writes
    def refund(self, db: sqlite3.Connection, order_id: str, *, by: str, why: str = "") -> Refund:
        """Pay an order's last payment back, and take back what is unused of what it brought.

        Raises UnknownOrder, NothingToRefund.
        """
        order = _by_id(db, order_id)
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
    def refunded(
        self, db: sqlite3.Connection, provider: str, charge: str, *, last: bool = False
    ) -> Refund | None:
        """The provider has paid a payment back: take back what is unused, unless that was done. `last`: the
        charge is the one that a subscription began with, and its last payment is meant.

        None where nothing changed but that the refund is made.
        """
        row = db.execute(_LAST if last else _THIS, (provider, charge)).fetchone()
        if row is None:
            return None
        back = None
        if row["payment"] is None:
            back = self._take_back(db, row["id"], by=provider, why="paid back by the provider", due=False)
        _made(db, row["id"])
        return back

    @writes_until_stored
    def ended(self, db: sqlite3.Connection, provider: str, charge: str) -> None:
        """The provider ended the subscription that began with this charge: its last period ends now."""
        row = db.execute(_LAST, (provider, charge)).fetchone()
        if row is not None and row["payment"] is None:
            db.execute("INSERT INTO ended VALUES (?, ?) ON CONFLICT DO NOTHING", (row["id"], self.now_us))

    @reads
    def any(self, db: sqlite3.Connection, provider: str) -> bool:
        """Whether anything was ever ordered through this provider."""
        return bool(
            db.execute("SELECT EXISTS (SELECT 1 FROM orders WHERE provider = ?)", (provider,)).fetchone()[0]
        )

    @reads
    def due(self, db: sqlite3.Connection, provider: str) -> list[Refund]:
        """Refunds that the provider has yet to make, oldest first."""
        rows = db.execute(
            "SELECT payment.id FROM refund_due JOIN payment ON payment.id = refund_due.payment"
            " WHERE provider = ? ORDER BY payment.id",
            (provider,),
        ).fetchall()
        return [self._refund(db, row["id"]) for row in rows]

    @writes_until_stored
    def made(self, db: sqlite3.Connection, payment: int) -> None:
        """The provider has made this refund."""
        _made(db, payment)

    @reports
    def income(self, db: sqlite3.Connection, period: Period) -> list[Income]:
        """What was paid and paid back in a period, by offer and provider."""
        return [Income(*row) for row in db.execute(_INCOME, {"start": period.start_us, "end": period.end_us})]

    def _take_back(self, db: sqlite3.Connection, payment: int, *, by: str, why: str, due: bool) -> Refund:
        found = db.execute("SELECT * FROM credit WHERE payment = ?", (payment,)).fetchone()
        back = kept = 0
        if found is not None:
            back = goods.debit(db, self.now_us, found["member"], f"refund:{payment}", found["images"])
            kept = found["images"] - back
        _insert_refund(db, self.now_us, payment, back, by=by, why=why, due=due)
        for (member,) in db.execute("SELECT member FROM period WHERE payment = ?", (payment,)).fetchall():
            goods.lay_end_to_end(db, self.now_us, member)
        return self._refund(db, payment, back, kept)

    def _refund(self, db: sqlite3.Connection, payment: int, back: int = 0, kept: int = 0) -> Refund:
        row = db.execute(
            _PAYMENT,
            (payment,),
        ).fetchone()
        order = None if row["order_id"] is None else self._record(db, _by_id(db, row["order_id"]))
        first = row["first_charge"] if order is not None and order.terms.renews else None
        return Refund(
            payment, row["charge"], row["user_id"], row["amount"], row["currency"], order, back, kept, first
        )

    def _record(self, db: sqlite3.Connection, row: sqlite3.Row) -> Order:
        what = Goods(row["images"], row["tier"], row["days"])
        terms = Terms(
            row["provider"], row["offer"], what, row["amount"], row["currency"], bool(row["renews"])
        )
        return Order(
            row["order_id"],
            row["key"],
            terms,
            from_us(row["created_us"]),
            from_us(row["expires_us"]),
            self._refused(row),
        )

    def _refused(self, row: sqlite3.Row) -> Refused | None:
        """Why a payment of this order could bring nothing."""
        if row["forgotten_us"] is not None:
            return Refused.FORGOTTEN
        if row["banned_us"] is not None:
            return Refused.BANNED
        if row["tier"] is not None and row["tier"] not in self.policy.tiers:
            return Refused.NO_TIER
        return Refused.PAID if row["paid"] and not row["renews"] else None


_ORDER = """
SELECT orders.*, key, banned_us, forgotten_us,
       EXISTS (SELECT 1 FROM payment WHERE for_order = orders.id) AS paid
FROM orders JOIN member ON member.id = orders.member
"""
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
_THIS = """
SELECT id, refund.payment FROM payment LEFT JOIN refund ON refund.payment = payment.id
WHERE provider = ? AND charge = ?
"""
_LAST = """
SELECT payment.id, refund.payment FROM payment AS first
JOIN payment ON payment.for_order = first.for_order LEFT JOIN refund ON refund.payment = payment.id
WHERE first.provider = ? AND first.charge = ? ORDER BY payment.id DESC LIMIT 1
"""
_PAYMENT = """
SELECT payment.*, order_id, user_id,
       (SELECT charge FROM payment AS first WHERE first.for_order = orders.id ORDER BY id) AS first_charge
FROM payment LEFT JOIN orders ON orders.id = for_order LEFT JOIN payer ON payer.payment = payment.id
WHERE payment.id = ?
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


def _find(db: sqlite3.Connection, order_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(_ORDER + "WHERE order_id = ?", (order_id,)).fetchone()
    return row


def _by_id(db: sqlite3.Connection, order_id: str) -> sqlite3.Row:
    row = _find(db, order_id)
    if row is None:
        raise UnknownOrder(order_id)
    return row


def _by_charge(db: sqlite3.Connection, provider: str, charge: str) -> sqlite3.Row | None:
    """The order that was paid with this charge."""
    row: sqlite3.Row | None = db.execute(
        _ORDER + "JOIN payment ON for_order = orders.id WHERE payment.provider = ? AND charge = ?",
        (provider, charge),
    ).fetchone()
    return row


def _is_known(db: sqlite3.Connection, paid: Paid) -> bool:
    found = db.execute(
        "SELECT 1 FROM payment WHERE provider = ? AND charge = ?", (paid.provider, paid.charge)
    )
    return found.fetchone() is not None


def _insert_payment(db: sqlite3.Connection, now_us: int, paid: Paid, order: sqlite3.Row | None) -> int:
    payment = db.execute(
        "INSERT INTO payment (provider, charge, for_order, amount, currency, worth_micro, fee_micro, at_us)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            paid.provider,
            paid.charge,
            None if order is None else order["id"],
            paid.amount,
            paid.currency,
            paid.worth_micro,
            paid.fee_micro,
            now_us,
        ),
    ).lastrowid
    assert payment is not None
    db.execute("INSERT INTO payer VALUES (?, ?)", (payment, paid.user_id))
    return payment


def _insert_refund(
    db: sqlite3.Connection, now_us: int, payment: int, images: int, *, by: str, why: str, due: bool
) -> None:
    db.execute("INSERT INTO refund VALUES (?, ?, ?, ?, ?)", (payment, now_us, images, by, why))
    if due:
        db.execute("INSERT INTO refund_due VALUES (?)", (payment,))


def _made(db: sqlite3.Connection, payment: int) -> None:
    db.execute("DELETE FROM refund_due WHERE payment = ?", (payment,))
    db.execute("DELETE FROM payer WHERE payment = ?", (payment,))
