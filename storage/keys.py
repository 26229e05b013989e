"""Keys of the HTTP API. A key's text is shown once; the database holds its hash, and a prefix for logs."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING

from . import admin, members
from .clock import from_us, to_us
from .records import ApiKey

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from .policy import Policy

PLATFORM = "api"  # a key's member is known on this platform by the key's prefix
_MARK = "easel"


def new_text() -> str:
    """A fresh key, 128 bits of secret behind a 40-bit prefix."""
    return f"{_MARK}_{secrets.token_hex(5)}_{secrets.token_hex(16)}"


def create(
    db: sqlite3.Connection,
    policy: Policy,
    now_us: int,
    text: str,
    label: str,
    scopes: frozenset[str],
    tier: str,
    by: str,
    expires_at: datetime | None,
    spend_cap_micro: int | None,
) -> ApiKey:
    """Keep a key's hash, with a member of its own. Raises UnknownTier."""
    policy.terms(tier)
    prefix = text.split("_")[1]
    member = members.create(db, now_us)
    db.execute("INSERT INTO identity VALUES (?, ?, ?)", (PLATFORM, prefix, member))
    db.execute("UPDATE member SET tier = ? WHERE id = ?", (tier, member))
    db.execute(
        "INSERT INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)",
        (
            prefix,
            _digest(text),
            member,
            label,
            json.dumps(sorted(scopes)),
            now_us,
            None if expires_at is None else to_us(expires_at),
            spend_cap_micro,
        ),
    )
    key = _record(_row(db, prefix))
    admin.note(
        db, now_us, by=by, action="create_key", subject=key.member, detail={"prefix": prefix}, why=label
    )
    return key


def find(db: sqlite3.Connection, now_us: int, text: str) -> ApiKey | None:
    """The live key with this text.

    The comparison's time tells nothing, whether there is such a prefix or not.
    """
    parts = text.split("_")
    row = _row(db, parts[1]) if len(parts) == 3 else None
    right = hmac.compare_digest(row["digest"] if row else _digest(""), _digest(text))
    if row is None or not right or row["revoked_us"] is not None:
        return None
    if row["expires_us"] is not None and row["expires_us"] <= now_us:
        return None
    return _record(row)


def every(db: sqlite3.Connection) -> list[ApiKey]:
    """Newest first."""
    return [_record(row) for row in db.execute(_SELECT + "ORDER BY api_key.created_us DESC, prefix")]


def revoke(db: sqlite3.Connection, now_us: int, prefix: str, by: str, why: str) -> bool:
    """False when there is no such live key."""
    changed = db.execute(
        "UPDATE api_key SET revoked_us = ? WHERE prefix = ? AND revoked_us IS NULL", (now_us, prefix)
    ).rowcount
    if changed:
        key = _record(_row(db, prefix))
        admin.note(
            db, now_us, by=by, action="revoke_key", subject=key.member, detail={"prefix": prefix}, why=why
        )
    return bool(changed)


_SELECT = "SELECT api_key.*, member.key FROM api_key JOIN member ON member.id = api_key.member "


def _row(db: sqlite3.Connection, prefix: str) -> sqlite3.Row:
    row: sqlite3.Row = db.execute(_SELECT + "WHERE prefix = ?", (prefix,)).fetchone()
    return row


def _record(row: sqlite3.Row) -> ApiKey:
    return ApiKey(
        prefix=row["prefix"],
        member=row["key"],
        label=row["label"],
        scopes=frozenset(json.loads(row["scopes"])),
        created_at=from_us(row["created_us"]),
        expires_at=None if row["expires_us"] is None else from_us(row["expires_us"]),
        revoked_at=None if row["revoked_us"] is None else from_us(row["revoked_us"]),
        spend_cap_micro=row["spend_cap_micro"],
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
