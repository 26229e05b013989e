"""The cost report: what each figure is, and that text, JSON, CSV and chart tell the same."""

from __future__ import annotations

import csv
import functools
import io
import json
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bot.commands.stats import cost as stats_card
from bot.config.money import Billing
from bot.config.schema import Config
from bot.cost import fonts
from bot.cost.chart import HEIGHT_PX, WIDTH_PX, chart_png
from bot.cost.export import safe_cell, to_csv, to_json
from bot.cost.report import cost_report
from bot.cost.report_text import facts, title
from bot.folders import open_store
from bot.messages import UserError, translator
from storage.clock import HOUR_US, to_us
from storage.records.figures import MeterSlice, Percentiles, Tally, Uptime
from tests.bot.cost.figures import END, FEES, START, report
from tests.easel import config_in
from tests.storage.house import HandClock, deliver
from tests.storage.house import open_store as open_house

if TYPE_CHECKING:
    from pathlib import Path

    from bot.messages import Translator

EN, ZH = translator("en"), translator("zh-CN")
FIGURES = """
    20000 0.0900 0.0400 1,512.00 672.00 793.80 46.20 288.00 1,847.00 875.00 900.00 72.00 47.00 44% 52%
    160 4.2 41.0 18.3 31.0 12 16 10 9,000 1024x1024 telegram careful f3a9c1d2 40,000 3,600.00
"""
NOTHING = {
    "total": Tally(), "by_tier": {}, "by_platform": {}, "by_model": {}, "by_size": {},
    "wait": Percentiles(0, None, None), "draw": Percentiles(0, None, None), "wait_by_tier": {},
    "uptime": Uptime(0, 0, 0, 0, 0, 0), "top_members": (),
}  # fmt: skip


def test_rent_is_split_by_time_and_adds_up() -> None:
    rent = report().rent
    assert (rent.busy_micro, rent.overhead_micro, rent.idle_micro, rent.lost_micro) == (
        672_000_000,
        42_000_000,
        793_800_000,
        4_200_000,
    )
    assert rent.rent_micro == 1_512_000_000
    assert rent.total_micro == 1_800_000_000


def test_parts_of_the_rent_add_up_whatever_rounding_does() -> None:
    odd = report(uptime=Uptime(1, 1, 1, 0, 1_000_001, 0)).rent
    assert odd.rent_micro == 1_000_001
    assert odd.busy_micro == odd.overhead_micro == 333_333


def test_an_image_costs_more_at_the_real_utilisation_than_at_full_load() -> None:
    found = report()
    assert found.real_image_micro == 1_800_000_000 // 20_000
    assert found.full_image_micro == 800_000_000 // 20_000
    assert found.utilisation == Fraction(160, 360)
    assert found.idle_share == Fraction(189, 360)


def test_a_subscription_earns_its_fee_and_an_image_tier_what_the_ledger_charged() -> None:
    revenue = {line.name: line.revenue_micro for line in report().tiers}
    assert revenue == {"free": 0, "enterprise": 72_000_000, **FEES}
    assert report().revenue_micro == 1_847_000_000
    assert report().margin_micro == 47_000_000


def test_the_free_share_is_that_of_all_tiers_that_pay_nothing() -> None:
    assert report().free_share == Fraction(7, 100)
    assert report().free_goal == Fraction(1, 10)
    assert report(**NOTHING).free_share is None


def test_a_forecast_goes_on_as_so_far_and_ends_with_the_period() -> None:
    ahead = report().forecast
    assert ahead is not None
    assert (ahead.images, ahead.cost_micro, ahead.revenue_micro) == (40_000, 3_600_000_000, 3_694_000_000)
    assert report(now_us=to_us(END)).forecast is None
    assert report(now_us=to_us(START)).forecast is None


def test_a_tier_that_is_configured_no_more_still_shows_what_it_was_charged() -> None:
    gone = report(by_tier={"gold": Tally(images=3, revenue_micro=90_000)})
    [line] = [line for line in gone.tiers if line.name == "gold"]
    assert (line.billing, line.revenue_micro) == (Billing.PER_IMAGE, 90_000)


@pytest.mark.parametrize("t", [EN, ZH], ids=["en", "zh-CN"])
def test_the_text_has_every_figure_of_the_report(t: type[object]) -> None:
    found = facts(report(), t)  # type: ignore[arg-type]
    text = "\n".join(f"{label}: {value}" for label, value in found)
    assert len(found) <= 25  # what a Discord embed holds
    assert all(label and len(value) <= 1024 for label, value in found)
    assert [figure for figure in FIGURES.split() if figure not in text] == []
    assert "cost-" not in text  # every message has its words
    assert max(len(line) for line in text.splitlines()) < 100


def test_an_empty_month_has_no_figures_to_divide_by() -> None:
    empty = report(**NOTHING)
    assert empty.real_image_micro is None
    assert dict(facts(empty, EN))["Cost per image"] == "-"
    assert json.loads(to_json(empty))["free_share"] is None


def test_json_and_csv_tell_the_same_as_the_report() -> None:
    found, data = report(), json.loads(to_json(report()))
    assert data["cost"]["image_real_micro"] == found.real_image_micro
    assert data["cost"]["total_micro"] == found.rent.total_micro
    assert data["revenue_micro"] == sum(tier["revenue_micro"] for tier in data["tiers"].values())
    assert data["forecast"]["images"] == 40_000
    rows = list(csv.DictReader(io.StringIO(to_csv(found))))
    tiers = [row for row in rows if row["group"] == "tier"]
    assert sum(int(row["images"]) for row in tiers) == int(rows[0]["images"]) == 20_000
    assert (
        sum(int(row["revenue_micro"]) for row in tiers)
        == found.revenue_micro
        == int(rows[0]["revenue_micro"])
    )
    assert {row["group"] for row in rows} == {"total", "tier", "platform", "model", "size", "member"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula_to_a_spreadsheet(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert safe_cell("member") == "member"
    evil = report(by_tier={text: Tally(images=1)})
    row = next(row for row in csv.reader(io.StringIO(to_csv(evil), newline="")) if text in row[1])
    assert row[1].startswith("'")


@functools.cache
def chart(t: Translator) -> bytes:
    """Drawn once for all who look at it."""
    return chart_png(report(), Config(), t)


@pytest.mark.parametrize("t", [EN, ZH], ids=["en", "zh-CN"])
def test_the_chart_is_a_picture_for_a_phone(t: Translator) -> None:
    image = Image.open(io.BytesIO(chart(t)))
    assert image.size == (WIDTH_PX, HEIGHT_PX)
    assert image.format == "PNG"
    assert len(image.convert("RGB").getcolors(1 << 24) or ()) > 50


def test_an_empty_month_has_a_chart_too() -> None:
    assert chart_png(report(**NOTHING), Config(), EN).startswith(b"\x89PNG")


def test_without_a_chinese_font_the_chart_speaks_english_and_shows_no_boxes() -> None:
    def none() -> None:
        return None

    assert chart_png(report(), Config(), ZH, find_font=none) == chart(EN)
    assert fonts.drawable("A 套餐", None) == "A ??"
    named = report(
        by_tier={"会员": Tally(images=3)}
    )  # a missing character would be a warning, and so an error
    assert chart_png(named, Config(), ZH, find_font=none).startswith(b"\x89PNG")


def test_a_chinese_font_draws_chinese() -> None:
    chinese = fonts.chinese_font()
    if chinese is None:
        pytest.skip("no Chinese font here")
    assert fonts.drawable("成本,本月 · ¥", chinese) == "成本,本月 · ¥"
    assert chart(EN) != chart(ZH)


async def test_the_report_of_a_real_store(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    async with open_store(config) as store:
        anna = await store.members.of("discord", "1")
        await store.members.set_tier(anna.key, "member", by="owner")
        await deliver(store, anna.key, images=2)
        now_us = to_us(datetime.now(UTC))
        await store.meter.book(MeterSlice(now_us - HOUR_US, now_us, busy_us=HOUR_US // 4, overhead_us=0))
        found = await cost_report(store, config, "month", now_us=now_us)
        month = store.calendar.month_of(store.calendar.month(now_us))
        assert found.total.images == 2
        ledger = await store.ledger.rows()
        assert found.total.cost_micro == sum(row.cost_micro for row in ledger)
        [member] = [line for line in found.tiers if line.name == "member"]
        held_us = (await store.stats.held(month))["member"]
        fee_micro = 25_000_000 * held_us / (month.end_us - month.start_us)
        assert member.revenue_micro == pytest.approx(fee_micro, abs=2), (
            "the tier is held while this test runs"
        )
        assert member.tally.revenue_micro == 100_000
        if month.start_us <= now_us - HOUR_US:
            assert found.rent.total_micro == 5_000_000
        card = await stats_card(store, "cost 7d", EN, config)
        assert dict(card.facts)["Images"] == "2"
        with pytest.raises(UserError):
            await stats_card(store, "last tuesday", EN, config)


async def test_fees_follow_the_calendar_across_a_months_end(tmp_path: Path) -> None:
    clock = HandClock(datetime(2026, 11, 23, 12, tzinfo=UTC))
    async with await open_house(tmp_path, clock) as store:
        anna = await store.members.of("discord", "1")
        await store.members.set_tier(anna.key, "member", by="owner")
        clock.set(datetime(2026, 12, 3, 12, tzinfo=UTC))
        found = await cost_report(store, Config(), "7d", now_us=clock())
    four_days_of_november, half_of_five_of_december = 25_000_000 * 4 / 30, 25_000_000 * 2.5 / 31
    assert found.revenue_micro == round(four_days_of_november + half_of_five_of_december)


def test_titles_name_the_period() -> None:
    assert title(report(), EN) == "Cost, this month"
    assert title(report(), ZH) == "成本，本月"


async def test_an_old_month_keeps_its_old_rent(tmp_path: Path) -> None:
    rents = [
        {"valid_from": "2026-01-01", "gpu_an_hour": "3.60", "operations_an_hour": "0.80"},
        {"valid_from": "2026-12-01", "gpu_an_hour": "7.20", "operations_an_hour": "1.00"},
    ]
    config = config_in(tmp_path, rent=rents)
    december_us = to_us(datetime(2026, 12, 1, tzinfo=UTC))
    async with open_store(config) as store:
        piece = MeterSlice(december_us - 2 * HOUR_US, december_us + HOUR_US, busy_us=0, overhead_us=0)
        await store.meter.book(piece)
        later_us = december_us + 40 * 24 * HOUR_US
        november = await cost_report(store, config, "2026-11", now_us=later_us)
        december = await cost_report(store, config, "2026-12", now_us=later_us)
    assert (november.rent.rent_micro, november.rent.operations_micro) == (7_200_000, 1_600_000)
    assert (december.rent.rent_micro, december.rent.operations_micro) == (7_200_000, 1_000_000)
