"""The calendar against the standard library's, through leap years, DST, and zones of quarter hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.clock import HOUR_US, from_us, to_us
from storage.meter import CELL_US
from storage.months import Calendar

ZONES = ["UTC", "Asia/Shanghai", "Asia/Kathmandu", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
MOMENTS = st.integers(to_us(datetime(2000, 1, 1, tzinfo=UTC)), to_us(datetime(2060, 1, 1, tzinfo=UTC)))


@given(MOMENTS, st.sampled_from(ZONES))
def test_a_moment_lies_in_its_month_and_day(moment_us: int, zone: str) -> None:
    calendar = Calendar(zone)
    there = from_us(moment_us).astimezone(ZoneInfo(zone))
    assert calendar.month(moment_us) == there.year * 100 + there.month
    assert calendar.day(moment_us) == there.year * 10_000 + there.month * 100 + there.day
    month, day = calendar.month_of(calendar.month(moment_us)), calendar.today(moment_us)
    for period in (month, day):
        assert period.start_us <= moment_us < period.end_us
        assert period.start_us % CELL_US == period.end_us % CELL_US == 0
    assert calendar.month(month.start_us) == calendar.month(month.end_us - 1) == calendar.month(moment_us)
    assert calendar.month(month.start_us - 1) != calendar.month(moment_us) != calendar.month(month.end_us)


@pytest.mark.parametrize(
    ("zone", "month", "days", "hours"),
    [
        ("UTC", 202402, 29, 0),
        ("UTC", 202302, 28, 0),
        ("UTC", 210002, 28, 0),
        ("Asia/Shanghai", 202612, 31, 0),
        ("Europe/Berlin", 202603, 31, -1),
        ("Europe/Berlin", 202610, 31, 1),
        ("America/New_York", 202611, 30, 1),
        ("Australia/Lord_Howe", 202604, 30, 0.5),
    ],
)
def test_months_are_as_long_as_they_are(zone: str, month: int, days: int, hours: float) -> None:
    period = Calendar(zone).month_of(month)
    assert period.end_us - period.start_us == int((days * 24 + hours) * HOUR_US)


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25)])
def test_days_of_23_and_25_hours(month: int, day: int, hours: int) -> None:
    noon = datetime(2026, month, day, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    period = Calendar("Europe/Berlin").today(to_us(noon))
    assert period.end_us - period.start_us == hours * HOUR_US


def test_a_day_without_a_midnight_begins_with_its_first_moment() -> None:
    """In Beirut, 2021-03-28 began at one o'clock."""
    zone = ZoneInfo("Asia/Beirut")
    calendar = Calendar("Asia/Beirut")
    noon = datetime(2021, 3, 28, 12, tzinfo=zone)
    period = calendar.today(to_us(noon))
    assert calendar.day(period.start_us) == 20210328
    assert calendar.day(period.start_us - 1) == 20210327
    assert period.end_us - period.start_us == 23 * HOUR_US


def test_the_same_moment_is_another_month_elsewhere() -> None:
    moment_us = to_us(datetime(2026, 11, 30, 18, 14, tzinfo=UTC))
    assert Calendar("UTC").month(moment_us) == 202611
    assert Calendar("Asia/Shanghai").month(moment_us) == 202612
    assert Calendar("Asia/Kathmandu").month(moment_us) == 202611
    assert Calendar("Asia/Kathmandu").month(moment_us + 60_000_000) == 202612


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", "2026-11-23", "2026-11-24"),
        ("7d", "2026-11-17", "2026-11-24"),
        ("month", "2026-11-01", "2026-12-01"),
        ("2026-02", "2026-02-01", "2026-03-01"),
        ("2025-12", "2025-12-01", "2026-01-01"),
    ],
)
def test_periods_as_they_are_typed(text: str, start: str, end: str) -> None:
    now = datetime(2026, 11, 23, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    period = Calendar("Asia/Shanghai").period(text, to_us(now))
    assert from_us(period.start_us) == datetime.fromisoformat(f"{start}T00:00+08:00")
    assert from_us(period.end_us) == datetime.fromisoformat(f"{end}T00:00+08:00")


@pytest.mark.parametrize("text", ["", "yesterday", "0d", "400d", "-1d", "2026-13", "26-11", "2026-11-23"])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Calendar("UTC").period(text, to_us(datetime(2026, 11, 23, tzinfo=UTC)))


def test_times_survive_the_way_there_and_back() -> None:
    moment = datetime(2026, 11, 23, 12, 34, 56, 789_012, tzinfo=ZoneInfo("Asia/Kathmandu"))
    assert from_us(to_us(moment)) == moment
    assert from_us(-1) == datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)
    with pytest.raises(TypeError):
        to_us(datetime(2026, 1, 1))  # noqa: DTZ001 - naive on purpose
