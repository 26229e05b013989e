"""What admins change, each with a row of who, when and why in the same transaction; settings of servers."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import members
from .clock import from_us, to_us
from .records import AuditRow

if TYPE_CHECKING:
    import sqlite3

    from .months import Period
    from .policy import Policy


def note(
    db: sqlite3.Connection, now_us: int, *, by: str, action: str, subject: str, detail: object, why: str
) -> None:
    """Append a row to the audit log."""
    db.execute(
        "INSERT INTO audit (at_us, by, action, subject, detail, why) VALUES (?, ?, ?, ?, ?, ?)",
        (now_us, by, action, subject, json.dumps(detail, ensure_ascii=False), why),
    )


def set_tier(
    db: sqlite3.Connection,
    policy: Policy,
    now_us: int,
    member: str,
    tier: str,
    until: datetime | None,
    by: str,
    why: str,
) -> None:
    """Raises UnknownMember, UnknownTier."""
    policy.terms(tier)
    members.set_tier(db, member, tier, until)
    detail = {"tier": tier, "until": until.isoformat() if until else None}
    note(db, now_us, by=by, action="set_tier", subject=member, detail=detail, why=why)


def held(db: sqlite3.Connection, period: Period, now_us: int) -> dict[str, int]:
    """How long each tier was held by those to whom it was given, from the audit log: microseconds, added up.

    Who was merged or forgotten counts no longer.
    """
    rows = db.execute(
        """
        SELECT subject, audit.at_us, json_extract(detail, '$.tier') AS tier,
               json_extract(detail, '$.until') AS until,
               lead(audit.at_us, 1, ?1) OVER (PARTITION BY subject ORDER BY audit.id) AS replaced_us
        FROM audit JOIN member ON member.key = subject AND merged_into IS NULL AND forgotten_us IS NULL
        WHERE action = 'set_tier' AND audit.at_us < ?1
        """,
        (min(period.end_us, now_us),),
    )
    by_tier: dict[str, int] = {}
    for row in rows:
        until_us = to_us(datetime.fromisoformat(row["until"])) if row["until"] else row["replaced_us"]
        held_us = min(row["replaced_us"], until_us) - max(row["at_us"], period.start_us)
        if held_us > 0:
            by_tier[row["tier"]] = by_tier.get(row["tier"], 0) + held_us
    return by_tier


def grant(db: sqlite3.Connection, now_us: int, member: str, images: int, by: str, why: str, key: str) -> bool:
    """Top up by a number of images; False when this key was credited before. Raises UnknownMember."""
    row = members.by_key(db, member)
    credited = db.execute(
        "INSERT INTO credit VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (key, row["id"], images, now_us)
    ).rowcount
    if not credited:
        return False
    db.execute("UPDATE member SET topup = topup + ? WHERE id = ?", (images, row["id"]))
    note(db, now_us, by=by, action="grant", subject=member, detail={"images": images}, why=why)
    return True


def ban(db: sqlite3.Connection, now_us: int, member: str, by: str, why: str) -> None:
    """Raises UnknownMember."""
    members.ban(db, member, why, now_us)
    note(db, now_us, by=by, action="ban", subject=member, detail={}, why=why)


def unban(db: sqlite3.Connection, now_us: int, member: str, by: str, why: str) -> None:
    """Raises UnknownMember."""
    members.unban(db, member)
    note(db, now_us, by=by, action="unban", subject=member, detail={}, why=why)


def set_setting(
    db: sqlite3.Connection, now_us: int, scope: str, key: str, value: Any, by: str, why: str
) -> None:
    """None takes the setting back."""
    if value is None:
        db.execute("DELETE FROM setting WHERE scope = ? AND key = ?", (scope, key))
    else:
        text = json.dumps(value, ensure_ascii=False)
        db.execute(
            "INSERT INTO setting VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = ?3", (scope, key, text)
        )
    note(db, now_us, by=by, action="set_setting", subject=scope, detail={key: value}, why=why)


def settings(db: sqlite3.Connection, scope: str) -> dict[str, Any]:
    """All settings of a scope."""
    rows = db.execute("SELECT key, value FROM setting WHERE scope = ? ORDER BY key", (scope,))
    return {key: json.loads(value) for key, value in rows}


def audit(db: sqlite3.Connection, subject: str | None, limit: int) -> list[AuditRow]:
    """Newest first."""
    whose = "" if subject is None else "WHERE subject = :subject"
    rows = db.execute(
        f"SELECT * FROM audit {whose} ORDER BY id DESC LIMIT :limit",  # noqa: S608 - one of two constants
        {"subject": subject, "limit": limit},
    )
    return [
        AuditRow(from_us(row["at_us"]), row["by"], row["action"], row["subject"], row["detail"], row["why"])
        for row in rows
    ]
