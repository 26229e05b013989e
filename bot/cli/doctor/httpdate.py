"""The Date header of an HTTP answer, against our own clock."""

from __future__ import annotations

from email.utils import parsedate_to_datetime


def ours_less(date: str | None, now_s: float) -> float | None:
    """Seconds that our clock is ahead; None where the answer told no time."""
    if date is None:
        return None
    try:
        return now_s - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
