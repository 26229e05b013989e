"""Calendar months and days in the configured time zone: a month has its year, a day may have 23 hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .clock import from_us, to_us


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, [start_us, end_us) in UTC microseconds."""

    start_us: int
    end_us: int


class Calendar:
    """Months are numbered 202611, days 20261123, both as they are on the wall in the configured zone."""

    def __init__(self, time_zone: str) -> None:
        """Raises ZoneInfoNotFoundError for a zone the system does not know."""
        self.zone = ZoneInfo(time_zone)

    def month(self, moment_us: int) -> int:
        """The month in which a moment falls."""
        there = self._local(moment_us)
        return there.year * 100 + there.month

    def day(self, moment_us: int) -> int:
        """The day on which a moment falls."""
        there = self._local(moment_us)
        return (there.year * 100 + there.month) * 100 + there.day

    def month_end_us(self, month: int) -> int:
        """The first moment of the following month."""
        year, number = divmod(month, 100)
        return self._midnight_us(date(year + number // 12, number % 12 + 1, 1))

    def day_end_us(self, moment_us: int) -> int:
        """The midnight after a moment."""
        return self._midnight_us(self._local(moment_us).date() + timedelta(days=1))

    def month_of(self, month: int) -> Period:
        """A whole month."""
        year, number = divmod(month, 100)
        return Period(self._midnight_us(date(year, number, 1)), self.month_end_us(month))

    def today(self, now_us: int) -> Period:
        """From midnight to midnight."""
        return Period(self._midnight_us(self._local(now_us).date()), self.day_end_us(now_us))

    def days(self, now_us: int, count: int) -> Period:
        """Today and the `count` - 1 days before it."""
        first = self._local(now_us).date() - timedelta(days=count - 1)
        return Period(self._midnight_us(first), self.day_end_us(now_us))

    def period(self, text: str, now_us: int) -> Period:
        """`today`, `7d` (any number of days), `month` or `2026-11`. Raises ValueError for anything else."""
        if text == "today":
            return self.today(now_us)
        if text == "month":
            return self.month_of(self.month(now_us))
        if text.endswith("d") and text[:-1].isdecimal() and 1 <= int(text[:-1]) <= 366:
            return self.days(now_us, int(text[:-1]))
        there = datetime.strptime(text, "%Y-%m")  # noqa: DTZ007 - only its year and month are read
        return self.month_of(there.year * 100 + there.month)

    def _local(self, moment_us: int) -> datetime:
        return from_us(moment_us).astimezone(self.zone)

    def _midnight_us(self, day: date) -> int:
        """The day's first moment: where DST skips midnight, the first one that exists."""
        return to_us(datetime.combine(day, time.min, self.zone))
