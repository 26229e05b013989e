"""Events and figures as words, in both languages, short enough for a phone."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from bot import render
from bot.config.schema import Config
from bot.imagine.events import Failed, Progress, Waiting
from bot.imagine.pricing import Pricing, money
from bot.messages import LANGUAGES, say, translator
from storage.records.members import Quota

PHONE_COLUMNS = 64
QUOTA = Quota("free", 100, 3, 1, 0, 96, dt.datetime(2026, 12, 1, tzinfo=dt.UTC))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "event",
    [
        Waiting(0, 8.0),
        Waiting(12, 95.0),
        Waiting(0, 8.0, unmanned=True),
        Waiting(0, 8.0, paused=True),
        Progress(3, 8, 0, 1, 2.0),
        Progress(17, 32, 2, 4, 4000.0),
        Progress(8, 8, 0, 1, 0.1),
        Failed(say("cancelled-refunded")),
    ],
)
def test_a_status_is_one_short_line(event, language: str) -> None:
    line = render.status(event, translator(language))
    assert "\n" not in line
    assert "{" not in line
    assert len(line) <= PHONE_COLUMNS + 8


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "1 s"), (7.2, "8 s"), (59.9, "1:00 min"), (100, "1:40 min"), (7500, "2:05 h")],
)
def test_durations_read_as_people_say_them(seconds: float, words: str) -> None:
    assert render.duration(seconds, translator("en")) == words


def test_durations_are_chinese_in_chinese() -> None:
    assert [render.duration(s, translator("zh-CN")) for s in (8, 100, 7500)] == [
        "8 秒",
        "1 分 40 秒",
        "2 小时 05 分",
    ]


def test_the_bar_is_always_ten_cells() -> None:
    assert {len(render.progress_bar(step, 8)) for step in range(9)} == {10}
    assert render.progress_bar(0, 8) == "▱" * 10
    assert render.progress_bar(8, 8) == "▰" * 10


@pytest.mark.parametrize(
    ("micro", "words"),
    [
        (0, "CN¥0.00"),
        (694, "CN¥0.0007"),
        (50_000, "CN¥0.0500"),
        (12_345_678, "CN¥12.35"),
        (42, "CN¥0.000042"),
    ],
)
def test_money_says_something_however_small(micro: int, words: str) -> None:
    assert money(micro, "CNY", "en") == words


def test_the_rate_of_the_day_is_shown() -> None:
    config = Config.model_validate(
        {
            "rent": [
                {"valid_from": dt.date(2026, 1, 1), "gpu_an_hour": "3.6"},
                {"valid_from": dt.date(2026, 6, 1), "gpu_an_hour": "7.2", "operations_an_hour": "3.6"},
            ]
        }
    )
    for day, micro_per_hour in (
        (dt.date(2025, 1, 1), 3_600_000),
        (dt.date(2026, 5, 31), 3_600_000),
        (dt.date(2026, 6, 1), 10_800_000),
    ):
        now = dt.datetime.combine(day, dt.time(12), dt.UTC)
        rate = Pricing(config, lambda now=now: now).rate()
        assert rate.rent_micro_per_hour + rate.operations_micro_per_hour == micro_per_hour


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_month_is_told(language: str) -> None:
    t = translator(language)
    facts = dict(render.quota_facts(QUOTA, Config().tiers["free"], "CNY", t))
    assert facts[t("quota-used")] == "3"
    assert facts[t("quota-reserved")] == "1"
    assert "96" in facts[t("fact-left")]
    assert "2026" in facts[t("quota-resets")]
    assert t("quota-price") not in facts
    member = Config().tiers["free"].model_copy(update={"price": Decimal("0.05")})
    assert "0.05" in dict(render.quota_facts(QUOTA, member, "CNY", t))[t("quota-price")]
