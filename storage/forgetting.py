"""The right to be forgotten: erase who a member was and what they asked for, keep the figures, a ban and
this month's use.

The ledger and the rollups know a random key only; once the mapping to it is gone they tell nothing about a
person. What stays of an identity is a hash keyed with a secret outside the database, with a ban and this
month's use, so that forgetting is no way around either.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from . import closing, member_rows, trash

if TYPE_CHECKING:
    import sqlite3

    from .policy import Policy


def digest(secret: bytes, platform: str, user_id: str) -> str:
    """What a forgotten identity is recognised by."""
    return hmac.new(secret, f"{platform}\0{user_id}".encode(), hashlib.sha256).hexdigest()


def forget(
    db: sqlite3.Connection, policy: Policy, secret: bytes, now_us: int, row: sqlite3.Row
) -> tuple[int, int, int]:
    """Erase the member of a row; how many identities, requests, pictures."""
    member = row["id"]
    closing.cancel_all(db, policy, now_us, member)
    identities = member_rows.identities(db, member)
    _keep_shadows(db, policy, now_us, row, [digest(secret, one.platform, one.user_id) for one in identities])
    mine = "request IN (SELECT id FROM request WHERE member = ?)"
    pictures = trash.of_requests(db, "SELECT id FROM request WHERE member = ?", (member,))
    db.execute(f"DELETE FROM job WHERE {mine}", (member,))  # noqa: S608
    requests = db.execute("DELETE FROM request WHERE member = ?", (member,)).rowcount
    trash.add(db, now_us, pictures)
    for table in ("identity", "api_key", "link_code", "link_try", "redeem_try", "session_link", "session"):
        db.execute(f"DELETE FROM {table} WHERE member = ?", (member,))  # noqa: S608 - named above
    _forget_payers(db, member)
    db.execute("DELETE FROM link_offer WHERE ? IN (issuer, redeemer)", (member,))
    keys = f"SELECT key FROM member WHERE id IN ({member_rows.IDS})"  # noqa: S608 - a constant
    db.execute(f"UPDATE audit SET why = '' WHERE subject IN ({keys})", {"member": member})  # noqa: S608
    db.execute(
        "UPDATE member SET forgotten_us = ?, tier = NULL, tier_until_us = NULL, language = NULL,"
        " banned_us = NULL, ban_reason = NULL, joined_us = NULL, topup = 0 WHERE id = ?",
        (now_us, member),
    )
    return len(identities), requests, len(pictures)


def find_or_create(
    db: sqlite3.Connection, policy: Policy, secret: bytes, now_us: int, platform: str, user_id: str
) -> sqlite3.Row:
    """The member behind an identity; made when unknown, with what is kept of one that was forgotten."""
    row = member_rows.find(db, platform, user_id)
    if row is not None:
        return row
    member = member_rows.create(db, now_us)
    db.execute("INSERT INTO identity VALUES (?, ?, ?)", (platform, user_id, member))
    _recall(db, policy, now_us, member, digest(secret, platform, user_id))
    row = member_rows.find(db, platform, user_id)
    assert row is not None
    return row


def _recall(db: sqlite3.Connection, policy: Policy, now_us: int, member: int, shadow_digest: str) -> None:
    """Somebody new turns out to have been here: the ban and this month's use are theirs again."""
    shadow = db.execute("SELECT * FROM shadow WHERE digest = ?", (shadow_digest,)).fetchone()
    if shadow is None:
        return
    db.execute(
        "UPDATE member SET banned_us = ?, ban_reason = ? WHERE id = ?",
        (shadow["banned_us"], shadow["ban_reason"], member),
    )
    if shadow["used"] and shadow["month"] == policy.calendar.month(now_us):
        db.execute(
            "INSERT INTO account (month, member, used, carried) VALUES (?1, ?2, ?3, ?3)",
            (shadow["month"], member, shadow["used"]),
        )
    db.execute("DELETE FROM shadow WHERE digest = ?", (shadow_digest,))


def _forget_payers(db: sqlite3.Connection, member: int) -> None:
    """Payments stay, without who paid; only where money is still to be paid back that is needed."""
    db.execute(
        "DELETE FROM payer WHERE payment NOT IN (SELECT payment FROM refund_due) AND payment IN"
        " (SELECT payment.id FROM orders JOIN payment ON for_order = orders.id WHERE member = ?)",
        (member,),
    )


def _keep_shadows(
    db: sqlite3.Connection, policy: Policy, now_us: int, member: sqlite3.Row, digests: list[str]
) -> None:
    month = policy.calendar.month(now_us)
    account = db.execute(
        "SELECT used FROM account WHERE month = ? AND member = ?", (month, member["id"])
    ).fetchone()
    used = account["used"] if account else 0
    db.execute("DELETE FROM shadow WHERE banned_us IS NULL AND month < ?", (month,))
    if used or member["banned_us"] is not None:
        db.executemany(
            "INSERT INTO shadow VALUES (?, ?, ?, ?, ?)",
            [(one, member["banned_us"], member["ban_reason"], month, used) for one in digests],
        )
