"""What must hold in the book of sales: everything bought has its one payment, and every payment its end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """`violations` selects rows; `sentence` is a format with a place for each of their columns."""

    name: str
    sentence: str
    violations: str


SALES = (
    Invariant(
        "a payment brought one thing, or was paid back",
        "payment {} of {}: {} credits, {} refunds",
        """
        SELECT * FROM (
            SELECT charge, provider,
                (SELECT count(*) FROM credit WHERE credit.payment = payment.id)
                + (SELECT count(*) FROM period WHERE period.payment = payment.id) AS credits,
                (SELECT count(*) FROM refund WHERE refund.payment = payment.id) AS refunds
            FROM payment)
        WHERE credits > 1 OR credits + refunds = 0
        """,
    ),
    Invariant(
        "what was bought has one payment, and is what its order says",
        "{} of {}: it brought {}",
        """
        SELECT 'a credit', key, credit.images FROM credit
        LEFT JOIN payment ON payment.id = credit.payment LEFT JOIN orders ON orders.id = for_order
        WHERE (credit.payment IS NOT NULL OR key LIKE 'payment:%')
          AND (key IS NOT 'payment:' || payment.id OR credit.images IS NOT orders.images)
        UNION ALL
        SELECT 'a period', coalesce(charge, period.voucher), period.tier FROM period
        LEFT JOIN payment ON payment.id = period.payment LEFT JOIN orders ON orders.id = for_order
        WHERE period.payment IS NOT NULL
          AND (period.tier IS NOT orders.tier OR end_us - start_us IS NOT days * 86400000000)
        """,
    ),
    Invariant(
        "an order that is no subscription is filled once",
        "order {} was filled {} times",
        """
        SELECT order_id, count(*) AS filled FROM orders JOIN payment ON for_order = orders.id
        WHERE NOT renews AND (EXISTS (SELECT 1 FROM credit WHERE credit.payment = payment.id)
                              OR EXISTS (SELECT 1 FROM period WHERE period.payment = payment.id))
        GROUP BY orders.id HAVING filled > 1
        """,
    ),
    Invariant(
        "what a refund took back left the top-up",
        "payment {}: {} images taken back, {} left the top-up",
        """
        SELECT payment, refund.images, coalesce(debit.images, 0)
        FROM refund LEFT JOIN debit ON debit.key = 'refund:' || payment
        WHERE refund.images <> coalesce(debit.images, 0)
        UNION ALL
        SELECT substr(key, 8), 0, images FROM debit
        WHERE key LIKE 'refund:%' AND NOT EXISTS (SELECT 1 FROM refund WHERE 'refund:' || payment = key)
        """,
    ),
    Invariant(
        "what a member gave another received",
        "{}: {} images given, {} received",
        """
        SELECT debit.key, debit.images, coalesce(credit.images, 0)
        FROM debit LEFT JOIN credit ON credit.key = debit.key
        WHERE debit.key LIKE 'given:%' AND credit.images IS NOT debit.images
        UNION ALL
        SELECT key, 0, images FROM credit
        WHERE key LIKE 'given:%' AND NOT EXISTS (SELECT 1 FROM debit WHERE debit.key = credit.key)
        """,
    ),
    Invariant(
        "a voucher brings what it says, once it is redeemed",
        "voucher {}: redeemed {}, brought {}",
        """
        SELECT * FROM (
            SELECT substr(digest, 1, 8),
                (SELECT count(*) FROM redemption WHERE redemption.voucher = digest) AS redeemed,
                (SELECT count(*) FROM credit
                 WHERE credit.key = 'voucher:' || digest AND credit.images IS voucher.images)
                + (SELECT count(*) FROM period
                   WHERE period.voucher = digest AND period.tier IS voucher.tier) AS brought
            FROM voucher)
        WHERE redeemed <> brought
        """,
    ),
)
