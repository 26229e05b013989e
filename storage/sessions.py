"""Sessions of the admin page: a link that opens one session once, and the session until it ends.

Links and sessions are 256 random bits that only their owner holds; the database keeps hashes. So a link made
beside the bot, by another process, opens a session in it, and a copy of the database opens nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from . import admin, members
from .clock import HOUR_US, SECOND_US

if TYPE_CHECKING:
    import sqlite3

LINK_LIFE_US = 600 * SECOND_US
SESSION_LIFE_US = 12 * HOUR_US


def new_text() -> str:
    """A fresh link or session, in letters that no chat takes for markup."""
    return secrets.token_hex(32)


def offer(db: sqlite3.Connection, now_us: int, member: str, link: str) -> None:
    """Keep a link's hash; it replaces the member's last one. Raises UnknownMember."""
    row = members.by_key(db, member)
    db.execute("DELETE FROM session_link WHERE member = ? OR expires_us <= ?", (row["id"], now_us))
    db.execute("INSERT INTO session_link VALUES (?, ?, ?)", (_digest(link), row["id"], now_us + LINK_LIFE_US))


def begin(db: sqlite3.Connection, now_us: int, link: str, session: str) -> bool:
    """Spend a link on a session. False where there is no such link, or no longer."""
    spent = db.execute(
        "DELETE FROM session_link WHERE digest = ? RETURNING member, expires_us", (_digest(link),)
    ).fetchone()
    if spent is None or spent["expires_us"] <= now_us:
        return False
    db.execute("DELETE FROM session WHERE expires_us <= ?", (now_us,))
    db.execute(
        "INSERT INTO session VALUES (?, ?, ?)", (_digest(session), spent["member"], now_us + SESSION_LIFE_US)
    )
    (key,) = db.execute("SELECT key FROM member WHERE id = ?", (spent["member"],)).fetchone()
    admin.note(db, now_us, by=key, action="begin_session", subject=key, detail={}, why="")
    return True


def find(db: sqlite3.Connection, now_us: int, session: str) -> sqlite3.Row | None:
    """The row of the member whose session this is."""
    row: sqlite3.Row | None = db.execute(
        "SELECT member.* FROM session JOIN member ON member.id = session.member"
        " WHERE digest = ? AND expires_us > ?",
        (_digest(session), now_us),
    ).fetchone()
    return row


def end(db: sqlite3.Connection, session: str) -> None:
    """Nothing changes where there is none."""
    db.execute("DELETE FROM session WHERE digest = ?", (_digest(session),))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
