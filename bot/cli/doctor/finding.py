"""What a check found: how serious it is, what is the case, and what to do."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.messages import Message


class Severity(enum.StrEnum):
    FINE = "fine"
    WARNING = "warning"
    """The bot runs, but not as somebody may expect."""
    PROBLEM = "problem"
    """The bot does not run, or not safely."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`todo` is None only where all is fine."""

    severity: Severity
    what: Message
    todo: Message | None = None


def fine(what: Message) -> Finding:
    """Nothing to do."""
    return Finding(Severity.FINE, what)


def warning(what: Message, todo: Message) -> Finding:
    return Finding(Severity.WARNING, what, todo)


def problem(what: Message, todo: Message) -> Finding:
    return Finding(Severity.PROBLEM, what, todo)
