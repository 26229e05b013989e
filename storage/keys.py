"""Keys of the HTTP API. A key's text is shown once; the database holds its hash, and a prefix for logs."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING

from . import member_rows
from .audit import note
from .clock import from_us, to_us
from .core import Subject, reads, writes
from .records.members import ApiKey, KeyScope

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

PLATFORM = "api"
"""A key's member is known on this platform by the key's prefix."""
_MARK = "easel"


class Keys(Subject):
    """`store.keys`."""

    @writes
    def create(
        self,
        db: sqlite3.Connection,
        label: str,
        *,
        scopes: frozenset[KeyScope],
        tier: str,
        by: str,
        expires_at: datetime | None = None,
        spend_cap_micro: int | None = None,
    ) -> tuple[str, ApiKey]:
        """A new key with a member of its own, and its text, which is not kept and cannot be shown again.

        `spend_cap_micro` bounds what its images may cost in a calendar month. Raises UnknownTier.
        """
        self.policy.terms(tier)
        text = (
            f"{_MARK}_{secrets.token_hex(5)}_{secrets.token_hex(16)}"  # 128 secret bits after a prefix of 40
        )
        prefix = text.split("_")[1]
        member = member_rows.create(db, self.now_us)
        db.execute("INSERT INTO identity VALUES (?, ?, ?)", (PLATFORM, prefix, member))
        db.execute(
            "INSERT INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)",
            (
                prefix,
                _digest(text),
                member,
                label,
                json.dumps(sorted(scopes)),
                self.now_us,
                None if expires_at is None else to_us(expires_at),
                spend_cap_micro,
            ),
        )
        key = _record(_row(db, prefix))
        member_rows.set_tier(db, self.now_us, member, tier, None, by=by)
        self._note(db, "create_key", key, by=by, why=label)
        return text, key

    @reads
    def find(self, db: sqlite3.Connection, text: str) -> ApiKey | None:
        """The live key with this text: None when unknown, expired or revoked.

        The comparison's time tells nothing, whether there is such a prefix or not.
        """
        parts = text.split("_")
        row = _row(db, parts[1]) if len(parts) == 3 else None
        right = hmac.compare_digest(row["digest"] if row else _digest(""), _digest(text))
        if row is None or not right or row["revoked_us"] is not None:
            return None
        if row["expires_us"] is not None and row["expires_us"] <= self.now_us:
            return None
        return _record(row)

    @reads
    def all(self, db: sqlite3.Connection) -> list[ApiKey]:
        """Newest first, without their secrets."""
        return [_record(row) for row in db.execute(_SELECT + "ORDER BY api_key.created_us DESC, prefix")]

    @writes
    def revoke(self, db: sqlite3.Connection, prefix: str, *, by: str, why: str = "") -> bool:
        """False when there is no such live key."""
        changed = db.execute(
            "UPDATE api_key SET revoked_us = ? WHERE prefix = ? AND revoked_us IS NULL", (self.now_us, prefix)
        ).rowcount
        if changed:
            self._note(db, "revoke_key", _record(_row(db, prefix)), by=by, why=why)
        return bool(changed)

    def _note(self, db: sqlite3.Connection, action: str, key: ApiKey, *, by: str, why: str) -> None:
        detail = {"prefix": key.prefix}
        note(db, self.now_us, by=by, action=action, subject=key.member, detail=detail, why=why)


_SELECT = "SELECT api_key.*, member.key FROM api_key JOIN member ON member.id = api_key.member "


def _row(db: sqlite3.Connection, prefix: str) -> sqlite3.Row:
    row: sqlite3.Row = db.execute(_SELECT + "WHERE prefix = ?", (prefix,)).fetchone()
    return row


def _record(row: sqlite3.Row) -> ApiKey:
    return ApiKey(
        prefix=row["prefix"],
        member=row["key"],
        label=row["label"],
        scopes=frozenset(map(KeyScope, json.loads(row["scopes"]))),
        created_at=from_us(row["created_us"]),
        expires_at=None if row["expires_us"] is None else from_us(row["expires_us"]),
        revoked_at=None if row["revoked_us"] is None else from_us(row["revoked_us"]),
        spend_cap_micro=row["spend_cap_micro"],
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
