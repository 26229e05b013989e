"""All that is kept of one member, to be handed to them and nobody else."""

# ruff: noqa: S608 - queries put together from the pieces below, nothing from outside
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import member_rows
from .clock import from_us
from .records.members import MemberData

if TYPE_CHECKING:
    import sqlite3

    from .policy import Policy


LEDGER = f"""
SELECT at_us, month, outcome, charged, counts_as, from_topup, tier, platform, price_micro, gpu_us, energy_mj,
       cost_micro, wait_us, draw_us, model, width, height, steps, device, kind
FROM ledger WHERE member IN ({member_rows.IDS}) ORDER BY at_us
"""
KEYS = """
SELECT prefix, label, scopes, created_us, expires_us, revoked_us, spend_cap_micro
FROM api_key WHERE member = :member
"""
CHANGES = f"""
SELECT at_us, action, detail, why FROM audit
WHERE subject IN (SELECT key FROM member WHERE id IN ({member_rows.IDS})) ORDER BY id
"""
TIER_MONTHS = "SELECT month, tier FROM tier_month WHERE member = :member"
CREDITS = "SELECT key, images, at_us FROM credit WHERE member = :member"
DEBITS = "SELECT key, images, at_us FROM debit WHERE member = :member"
PAYMENTS = """
SELECT order_id, offer, orders.provider, charge, payment.amount, payment.currency, payment.at_us,
       refund.at_us AS refunded_us
FROM orders JOIN payment ON for_order = orders.id LEFT JOIN refund ON refund.payment = payment.id
WHERE member = :member ORDER BY payment.id
"""
PERIODS = "SELECT tier, start_us, end_us FROM held WHERE member = :member ORDER BY start_us"


def export(db: sqlite3.Connection, policy: Policy, now_us: int, member: str) -> MemberData:
    """Account, requests with their prompts and pictures, and the ledger's rows. Raises UnknownMember."""
    row = member_rows.by_key(db, member)
    known = member_rows.record(db, row, policy, now_us)
    requests, pictures = _requests(db, row["id"])
    data = {
        "exported_at": from_us(now_us).isoformat(),
        "currency": policy.currency,
        "member": {
            "key": known.key,
            "tier": known.tier,
            "tier_until": known.tier_until and known.tier_until.isoformat(),
            "language": known.language,
            "banned": known.banned,
            "ban_reason": known.ban_reason,
            "topup": row["topup"],
            "joined": known.joined,
            "created_at": known.created_at.isoformat(),
        },
        "accounts": [
            {"platform": one.platform, "user_id": one.user_id}
            for one in member_rows.identities(db, row["id"])
        ],
        "requests": requests,
        "ledger": _rows(db, LEDGER, row["id"]),
        "tier_months": _rows(db, TIER_MONTHS, row["id"]),
        "credits": _rows(db, CREDITS, row["id"]),
        "debits": _rows(db, DEBITS, row["id"]),
        "payments": _rows(db, PAYMENTS, row["id"]),
        "periods": _rows(db, PERIODS, row["id"]),
        "api_keys": _rows(db, KEYS, row["id"]),
        "changes": _rows(db, CHANGES, row["id"]),
    }
    return MemberData(data, pictures)


def _requests(db: sqlite3.Connection, member: int) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    requests: dict[int, dict[str, Any]] = {}
    pictures: dict[str, None] = {}
    rows = db.execute(
        """
        SELECT request.id, request_id, platform, server, tier, payload, created_us, seed, state, image
        FROM request JOIN job ON job.request = request.id WHERE member = ? ORDER BY request.id, job.id
        """,
        (member,),
    )
    for row in rows:
        request = requests.setdefault(
            row["id"],
            {
                "request_id": row["request_id"],
                "at": from_us(row["created_us"]).isoformat(),
                "platform": row["platform"],
                "server": row["server"],
                "tier": row["tier"],
                "asked": json.loads(row["payload"]),
                "inputs": [],
                "images": [],
            },
        )
        request["images"].append({"seed": row["seed"], "state": row["state"], "picture": row["image"]})
        if row["image"] is not None:
            pictures[row["image"]] = None
    inputs = "SELECT request, role, ref FROM input JOIN request ON request.id = request WHERE member = ?"
    for number, role, ref in db.execute(inputs, (member,)):
        requests[number]["inputs"].append({"role": role, "picture": ref})
        pictures[ref] = None
    return list(requests.values()), tuple(pictures)


def _rows(db: sqlite3.Connection, query: str, member: int) -> list[dict[str, Any]]:
    """Moments as text, everything else as it is."""
    rows = db.execute(query, {"member": member})
    return [dict(_readable(name, value) for name, value in dict(row).items()) for row in rows]


def _readable(name: str, value: Any) -> tuple[str, Any]:
    if name in ("at_us", "created_us", "expires_us", "revoked_us", "refunded_us", "start_us", "end_us"):
        return name.removesuffix("_us"), None if value is None else from_us(value).isoformat()
    return name, json.loads(value) if name in ("detail", "scopes") else value
