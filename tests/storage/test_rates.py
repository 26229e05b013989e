"""Mixed cards, each at its own rate, from a date on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from storage.clock import HOUR_US, to_us
from storage.rates import of_device
from storage.records.figures import Rate
from tests.storage import house

NEW_YEAR, MARCH = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
RATES = (
    Rate(NEW_YEAR, 4_000_000, 800_000),
    Rate(NEW_YEAR, 5_000_000, 0, "L4"),
    Rate(MARCH, 6_000_000, 0, "L4"),
    Rate(NEW_YEAR, 9_000_000, 0, "RTX 4090"),
    Rate(NEW_YEAR, 8_000_000, 0, "4090"),
)
POLICY = replace(house.POLICY, rates=RATES)


@pytest.mark.parametrize(
    ("device", "at", "rate"),
    [
        ("", NEW_YEAR, (4_000_000, 800_000)),
        ("NVIDIA L4 (worker-1)", NEW_YEAR, (5_000_000, 0)),
        ("NVIDIA L4 (worker-1)", MARCH, (6_000_000, 0)),
        ("NVIDIA L40S (worker-2)", MARCH, (4_000_000, 800_000)),
        ("NVIDIA GeForce RTX 4090 (worker-3)", MARCH, (9_000_000, 0)),
        ("somebody's 4090", MARCH, (8_000_000, 0)),
    ],
)
def test_a_card_has_its_own_rate_from_a_date_on(device: str, at: datetime, rate: tuple[int, int]) -> None:
    assert POLICY.rate_at(to_us(at), device) == rate
    assert POLICY.cost_micro(HOUR_US, to_us(at), device) == sum(rate)


def test_before_its_first_rate_that_one_holds() -> None:
    assert POLICY.rate_at(0, "L4") == (5_000_000, 0)


def test_without_a_rate_for_any_other_there_is_none() -> None:
    assert of_device(RATES[1:], "H100") == []
