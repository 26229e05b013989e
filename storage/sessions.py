"""Sessions of the admin page: a link that opens one session once, and the session until it ends.

Links and sessions are 256 random bits that only their owner holds; the database keeps hashes. So a link made
by another process than the bot opens a session in it, and a copy of the database opens nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from . import member_rows
from .audit import note
from .clock import HOUR_US, SECOND_US
from .core import Subject, reads, writes

if TYPE_CHECKING:
    import sqlite3

    from .records.members import Member

LINK_LIFE_US = 600 * SECOND_US
SESSION_LIFE_US = 12 * HOUR_US


class Sessions(Subject):
    """`store.sessions`."""

    @writes
    def link(self, db: sqlite3.Connection, member: str) -> str:
        """A link's text, good for one session within ten minutes; it replaces the member's last one.

        Raises UnknownMember.
        """
        link = secrets.token_hex(32)  # in letters that no chat takes for markup
        row = member_rows.by_key(db, member)
        db.execute("DELETE FROM session_link WHERE member = ? OR expires_us <= ?", (row["id"], self.now_us))
        db.execute(
            "INSERT INTO session_link VALUES (?, ?, ?)",
            (_digest(link), row["id"], self.now_us + LINK_LIFE_US),
        )
        return link

    @writes
    def begin(self, db: sqlite3.Connection, link: str) -> str | None:
        """Spend a link: the text of a session for twelve hours, None where the link is spent or too old."""
        now_us, session = self.now_us, secrets.token_hex(32)
        spent = db.execute(
            "DELETE FROM session_link WHERE digest = ? RETURNING member, expires_us", (_digest(link),)
        ).fetchone()
        if spent is None or spent["expires_us"] <= now_us:
            return None
        db.execute("DELETE FROM session WHERE expires_us <= ?", (now_us,))
        db.execute(
            "INSERT INTO session VALUES (?, ?, ?)",
            (_digest(session), spent["member"], now_us + SESSION_LIFE_US),
        )
        (key,) = db.execute("SELECT key FROM member WHERE id = ?", (spent["member"],)).fetchone()
        note(db, now_us, by=key, action="begin_session", subject=key, detail={}, why="")
        return session

    @reads
    def member(self, db: sqlite3.Connection, session: str) -> Member | None:
        """Whose session this is; None where it is over, or none at all."""
        row = db.execute(
            "SELECT member.* FROM session JOIN member ON member.id = session.member"
            " WHERE digest = ? AND expires_us > ?",
            (_digest(session), self.now_us),
        ).fetchone()
        return None if row is None else member_rows.record(db, row, self.policy, self.now_us)

    @writes
    def end(self, db: sqlite3.Connection, session: str) -> None:
        """A session is over; nothing changes where it was."""
        db.execute("DELETE FROM session WHERE digest = ?", (_digest(session),))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
