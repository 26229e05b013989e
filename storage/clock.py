"""Time as the store counts it: integer microseconds since 1970 in UTC. The clock is handed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], int]

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
DAY_US = 24 * HOUR_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def utc_us() -> int:
    """The system's clock."""
    return time.time_ns() // 1000


def from_us(moment_us: int) -> datetime:
    """An aware datetime in UTC, exact."""
    return _EPOCH + timedelta(microseconds=moment_us)


def to_us(moment: datetime) -> int:
    """The inverse of `from_us` for any aware datetime, exact. Raises TypeError for a naive one."""
    return (moment - _EPOCH) // _MICROSECOND
