"""Rows of members: found by identity or key, made, and read as what the outside sees."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from .audit import note
from .clock import from_us
from .errors import UnknownMember
from .goods import bought_tiers
from .records.members import Identity, Member, MemberName

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from .policy import Policy


IDS = "SELECT id FROM member WHERE id = :member UNION ALL SELECT id FROM member WHERE merged_into = :member"
"""The numbers under which a member's ledger rows stand: its own, and those of members that it took in."""


def find(db: sqlite3.Connection, platform: str, user_id: str) -> sqlite3.Row | None:
    """The member's row behind an identity."""
    row: sqlite3.Row | None = db.execute(
        "SELECT member.* FROM identity JOIN member ON member.id = identity.member"
        " WHERE platform = ? AND user_id = ?",
        (platform, user_id),
    ).fetchone()
    return row


def by_key(db: sqlite3.Connection, key: str) -> sqlite3.Row:
    """The row of the member with this key, or of the one it became part of. Raises UnknownMember."""
    row: sqlite3.Row | None = db.execute(
        "SELECT member.* FROM person JOIN member ON member.id = person.member"
        " WHERE person.key = ? AND forgotten_us IS NULL",
        (key,),
    ).fetchone()
    if row is None:
        raise unknown(key)
    return row


def number(db: sqlite3.Connection, key: str) -> int | None:
    """The number of the member with this key, forgotten ones included, or of the one it became part of."""
    row = db.execute("SELECT coalesce(merged_into, id) FROM member WHERE key = ?", (key,)).fetchone()
    return None if row is None else int(row[0])


def names(db: sqlite3.Connection, keys: Iterable[str]) -> dict[str, MemberName]:
    """Who the members with these keys are, by key; forgotten ones are left out."""
    rows = db.execute(
        """
        SELECT asked.value AS key, member.id AS number, platform, user_id, label
        FROM json_each(?) AS asked
        JOIN person ON person.key = asked.value
        JOIN member ON member.id = person.member AND forgotten_us IS NULL
        LEFT JOIN identity ON identity.member = member.id
        LEFT JOIN api_key ON api_key.member = member.id
        ORDER BY platform, user_id
        """,
        (json.dumps(list(keys)),),
    )
    named: dict[str, MemberName] = {}
    for row in rows:
        before = named.get(row["key"], MemberName(row["number"], (), row["label"]))
        one = () if row["platform"] is None else (Identity(row["platform"], row["user_id"]),)
        named[row["key"]] = replace(before, identities=(*before.identities, *one))
    return named


def unknown(key: str) -> UnknownMember:
    """The error for a key or an identity that leads nowhere."""
    return UnknownMember(f"no member {key}")


def create(db: sqlite3.Connection, now_us: int) -> int:
    """A new member without an identity; its internal id."""
    cursor = db.execute("INSERT INTO member (key, created_us) VALUES (?, ?)", (secrets.token_hex(8), now_us))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def set_tier(
    db: sqlite3.Connection,
    now_us: int,
    member: int,
    tier: str | None,
    until_us: int | None,
    *,
    by: str,
    why: str = "",
) -> None:
    """Give a member a tier, and note since when they hold it: subscriptions are counted from these notes."""
    db.execute("UPDATE member SET tier = ?, tier_until_us = ? WHERE id = ?", (tier, until_us, member))
    subject = db.execute("SELECT key FROM member WHERE id = ?", (member,)).fetchone()["key"]
    until = None if until_us is None else from_us(until_us).isoformat()
    detail = {"tier": tier, "until": until}
    note(db, now_us, by=by, action="set_tier", subject=subject, detail=detail, why=why)


def identities(db: sqlite3.Connection, member: int) -> tuple[Identity, ...]:
    """The platform identities of a member."""
    rows = db.execute(
        "SELECT platform, user_id FROM identity WHERE member = ? ORDER BY platform, user_id", (member,)
    )
    return tuple(Identity(platform, user_id) for platform, user_id in rows)


def tier_in_force(
    db: sqlite3.Connection, row: sqlite3.Row, policy: Policy, now_us: int
) -> tuple[str, int | None]:
    """A member's tier and until when: what owners gave, or what was bought where that ranks higher."""
    own = policy.tier_in_force(row["tier"], row["tier_until_us"], now_us)
    tier, until_us = own, row["tier_until_us"] if own == row["tier"] else None
    for bought, bought_until_us in bought_tiers(db, now_us, row["id"]):
        if bought != tier and policy.higher(tier, bought) == bought:
            tier, until_us = bought, bought_until_us
    return tier, until_us


def record(db: sqlite3.Connection, row: sqlite3.Row, policy: Policy, now_us: int) -> Member:
    """What the outside sees of a member's row."""
    tier, until_us = tier_in_force(db, row, policy, now_us)
    return Member(
        key=row["key"],
        tier=tier,
        tier_until=None if until_us is None else from_us(until_us),
        language=row["language"],
        banned=row["banned_us"] is not None,
        ban_reason=row["ban_reason"],
        created_at=from_us(row["created_us"]),
        joined=row["joined_us"] is not None,
    )
