"""Settings that change while the bot runs, of a server or group and of the bot itself; values are JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .audit import note
from .core import Subject, reads, writes

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose settings: `Scope.server("discord", "1234")`, or one of the bot's own below."""

    name: str

    @classmethod
    def server(cls, platform: str, server_id: str) -> Scope:
        """A Discord server, or a Telegram group."""
        return cls(f"{platform}:{server_id}")

    def __str__(self) -> str:
        """What the audit log calls it."""
        return self.name


DRAINS = Scope("drain")
"""Workers that are asked to leave; the keys are their names."""
COST = Scope("cost")
BOT = Scope("bot")


class Setting(StrEnum):
    """Every key that a scope may have, but for those of DRAINS."""

    CHANNELS = "channels"
    ROLES = "roles"
    PREVIEW = "preview"
    LANGUAGE = "language"
    NSFW = "nsfw"
    PICTURES = "pictures"
    BLOCKED_WORDS = "blocked_words"
    BLOCKED_PATTERNS = "blocked_patterns"
    REPORTED_MONTH = "reported_month"
    PAUSED = "paused"


class Settings(Subject):
    """`store.settings`."""

    @reads
    def of(self, db: sqlite3.Connection, scope: Scope) -> dict[str, Any]:
        """All settings of a scope."""
        rows = db.execute("SELECT key, value FROM setting WHERE scope = ? ORDER BY key", (scope.name,))
        return {key: json.loads(value) for key, value in rows}

    @writes
    def set(
        self, db: sqlite3.Connection, scope: Scope, key: str, value: Any, *, by: str, why: str = ""
    ) -> None:
        """None takes the setting back."""
        if value is None:
            db.execute("DELETE FROM setting WHERE scope = ? AND key = ?", (scope.name, key))
        else:
            text = json.dumps(value, ensure_ascii=False)
            db.execute(
                "INSERT INTO setting VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = ?3",
                (scope.name, key, text),
            )
        note(db, self.now_us, by=by, action="set_setting", subject=scope.name, detail={key: value}, why=why)
