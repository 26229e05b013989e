"""The audit log: what owners and moderators changed, with who, when and why, in the same transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .clock import from_us
from .core import Subject, reports
from .records.members import AuditRow

if TYPE_CHECKING:
    import sqlite3


class Audit(Subject):
    """`store.audit`."""

    @reports
    def rows(self, db: sqlite3.Connection, *, subject: str | None = None, limit: int = 100) -> list[AuditRow]:
        """Newest first. `subject` is a member key, or a scope of settings as text."""
        whose = "" if subject is None else "WHERE subject = :subject"
        rows = db.execute(
            f"SELECT * FROM audit {whose} ORDER BY id DESC LIMIT :limit",  # noqa: S608 - one of two constants
            {"subject": subject, "limit": limit},
        )
        return [
            AuditRow(
                from_us(row["at_us"]), row["by"], row["action"], row["subject"], row["detail"], row["why"]
            )
            for row in rows
        ]


def note(
    db: sqlite3.Connection, now_us: int, *, by: str, action: str, subject: str, detail: object, why: str
) -> None:
    """Append a row to the audit log."""
    db.execute(
        "INSERT INTO audit (at_us, by, action, subject, detail, why) VALUES (?, ?, ?, ?, ?, ?)",
        (now_us, by, action, subject, json.dumps(detail, ensure_ascii=False), why),
    )
