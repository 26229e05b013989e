"""What a check of the database found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: a broken promise, or something worth a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `check` found wrong: the invariant's name and a sentence with the figures."""

    invariant: str
    sentence: str
    severity: Severity = Severity.ERROR
