"""The plan's arithmetic, figure by figure, and what its command accepts."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bot.cli.cost import PlanOptions, show_plan
from bot.config.file import ConfigError
from bot.config.money import SEED_TIERS, VolumePrice
from bot.config.schema import Config
from bot.cost import formulas as f
from bot.cost.article import load_article
from bot.cost.catalogue import load_catalogue, planned_model
from bot.cost.plan import (
    Crowd,
    Residency,
    article_plan,
    by_volume_micro,
    month,
    parse_members,
    plan,
    tier_plans,
)
from bot.messages import UserError
from engine.families.registry import load_profile

if TYPE_CHECKING:
    from pathlib import Path

    from bot.cost.plan import ArticlePlan, CardPlan

OPERATIONS = 800_000
FULL = Fraction(1)


def planned(
    name: str, residency: Residency = Residency.INSTANCES, utilisation: Fraction = FULL
) -> ArticlePlan:
    found = article_plan(
        load_article()[name], residency, operations_micro=OPERATIONS, utilisation=utilisation
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("card", "fits", "shared", "images", "rent", "cost"),
    [
        ("L4", 3, 20, 440, 8182, 10_000),
        ("A10G", 3, 20, 440, 9545, 11_364),
        ("A40", 7, 47, 1020, 6667, 7451),
        ("H100", 12, 83, 1744, 10_321, 10_780),
    ],
)
def test_each_card_by_the_formula(
    card: str, fits: int, shared: int, images: int, rent: int, cost: int
) -> None:
    alone = planned(card)
    assert (alone.fits, alone.images_an_hour) == (fits, images)
    assert (alone.rent_an_image_micro, alone.cost_an_image_micro) == (rent, cost)
    together = planned(card, Residency.SHARED)
    assert together.fits == shared
    assert together.images_an_hour == load_article()[card].throughput[-1][1]  # none is invented beyond it


@pytest.mark.parametrize(
    ("memory", "resident", "peak", "instances", "shared"),
    [
        (24_000, 5300, 6200, 3, 20),
        (24_000, 5800, 7900, 3, 8),
        (24_000, 6100, 9400, 2, 5),
        (80_000, 5300, 6200, 12, 83),
        (6_200, 5300, 6200, 1, 1),
        (6_199, 5300, 6200, 0, 0),
        (6_200, 6200, 6200, 1, 0),
    ],
)
def test_both_formulas_for_requests_at_once(
    memory: int, resident: int, peak: int, instances: int, shared: int
) -> None:
    assert f.instances(memory, peak) == instances
    assert f.sharing(memory, resident, peak) == shared


def test_throughput_runs_through_the_measured_points_and_stays_at_the_last() -> None:
    points = [(1, 197), (2, 331), (3, 440)]
    assert [f.throughput(points, count) for count in (1, 2, 3, 4, 20)] == [197, 331, 440, 440, 440]
    assert f.throughput([(15, 2180)], 12) == 1744
    assert f.throughput([(2, 100), (4, 120)], 3) == 110
    assert [f.throughput([(1, 50), (2, 100), (3, 80)], count) for count in (1, 2, 3, 9)] == [
        50,
        100,
        100,
        100,
    ]


def test_the_articles_formula_and_its_base_cost() -> None:
    assert f.images_an_hour(3, Fraction("24.5")) == Fraction(21600, 49)
    assert f.cost_micro(5_000_000, 440) == 11_364
    assert f.cost_micro(5, 2) == 3  # half a micro-unit goes up
    assert f.markup(50_000, 11_400) == Fraction(193, 57)


def test_half_the_utilisation_is_twice_the_cost() -> None:
    assert planned("A10G", utilisation=Fraction(1, 2)).cost_an_image_micro == 22_727


def test_margin_and_break_even_by_tier() -> None:
    found = {row.tier: row for row in tier_plans(planned("A10G"), SEED_TIERS)}
    assert found["free"].markup is None
    assert found["free"].break_even is None
    assert found["member"].markup == Fraction(17, 5)
    assert found["member"].break_even == Fraction(5, 22)
    assert found["premium"].break_even == Fraction(25, 66)
    assert found["enterprise"].break_even == Fraction(25, 44)


def test_the_volume_price_still_pays_at_three_quarters_of_the_hour() -> None:
    tier = SEED_TIERS["enterprise"].model_copy(
        update={"volume_prices": (VolumePrice(beyond=10_000, price=Decimal("0.015")),)}
    )
    [row] = [row for row in tier_plans(planned("A10G"), {"enterprise": tier}) if "10000" in row.tier]
    assert (row.price_micro, row.break_even) == (15_000, Fraction(25, 33))
    assert by_volume_micro(tier, 10_000) == 200_000_000
    assert by_volume_micro(tier, 10_001) == 200_015_000
    assert by_volume_micro(tier, 1) == 20_000


def test_a_month_of_members_by_tier() -> None:
    assert [SEED_TIERS[name].fee_micro for name in ("member", "premium")] == [25_000_000, 60_000_000]
    crowds = parse_members("free=400, member=70,premium=25,enterprise=5x3000", SEED_TIERS)
    assert crowds[-1] == Crowd("enterprise", 5, 3000)
    found = month(planned("A10G"), crowds, SEED_TIERS)
    assert (found.images, found.cards) == (140_000, 1)
    assert found.cost_micro == 730 * 5_000_000
    assert found.revenue_micro == 70 * 25_000_000 + 25 * 60_000_000 + 5 * 3000 * 20_000
    assert found.utilisation == Fraction(140_000, 440 * 730)
    assert found.free_share == Fraction(400 * 100, 140_000)
    assert found.cost_an_image_micro == 26_071


def test_a_month_takes_as_many_cards_as_its_images_need() -> None:
    crowds = [Crowd("enterprise", 1, 440 * 730 + 1)]
    assert month(planned("A10G"), crowds, SEED_TIERS).cards == 2
    assert month(planned("A10G", utilisation=Fraction(1, 2)), crowds, SEED_TIERS).cards == 3


def on(name: str, own: Path | None = None, *, at_once: int = 3) -> CardPlan | None:
    return plan(
        load_catalogue(own)[name],
        partial(load_profile, planned_model()),
        rent_micro=1_000_000,
        operations_micro=OPERATIONS,
        utilisation=FULL,
        at_once=at_once,
    )


def test_a_card_is_planned_with_this_models_steps_and_bytes() -> None:
    known = on("RTX 3090")
    assert known is not None
    assert known.fit is not None
    assert (float(known.seconds), known.estimated) == (0.1 + 8 * 0.99 + 0.35, False)  # published: 8.33 s
    assert (round(known.images_an_hour), known.hour_micro) == (430, 1_800_000)
    assert known.fit.memory_mode == "high"
    guessed = on("RTX 4090")
    assert guessed is not None
    assert guessed.estimated
    assert guessed.seconds == known.seconds * Fraction("71.2") / Fraction("165.2")
    small = on("RTX 3060 12 GB")
    assert small is not None
    assert small.fit is not None
    assert (small.fit.memory_mode, small.fit.quantisation) == ("low", "int8")


def test_a_card_too_small_for_the_model_has_no_plan(tmp_path: Path) -> None:
    own = tmp_path / "gpus.toml"
    own.write_text('[gpus.tiny]\nmemory_gb = 4\ntflops = 10\nlike = "RTX 3090"\n')
    assert on("tiny", own) is None
    assert on("RTX 3090", own) is not None


def test_the_owners_file_may_replace_a_card_with_its_price_and_what_was_measured(tmp_path: Path) -> None:
    own = tmp_path / "gpus.toml"
    own.write_text("[gpus.L4]\nmemory_gb = 24\nprice_an_hour = 2.99\nthroughput = [[1, 120], [2, 150.5]]\n")
    found = on("L4", own)
    assert found is not None
    assert (found.rent_micro, found.seconds, found.estimated) == (2_990_000, 30, False)
    assert found.images_an_hour == Fraction("150.5")


@pytest.mark.parametrize(
    "text",
    [
        "[gpus.X]\nmemory_gb = -1\n",
        "gpus = 3",
        "[gpus.X]\nmemory = 3",
        "not toml",
        "[gpus.X]\nmemory_gb = 24\n",
        "[gpus.X]\nmemory_gb = 24\ntflops = 50\nlike = 'RTX 4090'\n",
    ],
)
def test_a_faulty_catalogue_names_its_file(tmp_path: Path, text: str) -> None:
    own = tmp_path / "gpus.toml"
    own.write_text(text)
    with pytest.raises(ConfigError, match=r"gpus\.toml"):
        load_catalogue(own)


def run(columns: int = 100, **options: object) -> str:
    console = Console(width=columns, force_terminal=False)
    with console.capture() as shown:
        show_plan(console, Config(), PlanOptions(**options))  # type: ignore[arg-type]
    return shown.get()


def test_the_command_shows_cards_prices_and_the_month() -> None:
    shown = run(members="free=400,member=70", utilisation="60%")
    assert "RTX 4090" in shown
    assert "~ 3.6" in shown
    assert "Prices on RTX 3090" in shown
    assert "Pays off from" in shown
    assert "Markup" in shown


def test_a_narrow_terminal_cuts_no_figure_off() -> None:
    assert "…" not in run(columns=50)


def test_the_articles_cards_are_there_on_request() -> None:
    shown = run(article=True)
    assert "1744" in shown
    assert "RTX" not in shown


def test_one_card_at_ones_own_price() -> None:
    shown = run(gpu="a10g", price="44", article=True)
    assert "CN¥0.1000" in shown
    assert "never" in shown  # 0.02 an image cannot pay 44.80 an hour
    assert "H100" not in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gpu": "RTX 2080"}, "plan-unknown-card"),
        ({"gpu": "rtx"}, "plan-unknown-card"),
        ({"price": "4,20"}, "plan-price-form"),
        ({"price": "NaN"}, "plan-price-form"),
        ({"utilisation": "0"}, "plan-utilisation-range"),
        ({"utilisation": "101%"}, "plan-utilisation-range"),
        ({"members": "free:3"}, "plan-members-form"),
        ({"members": "gold=3"}, "error-choice"),
        ({"members": "enterprise=3"}, "plan-members-images"),
        ({"measured": True}, "plan-not-measured"),
    ],
)
def test_what_it_cannot_read_it_says(
    options: dict[str, object], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as raised:
        run(**options)
    assert raised.value.message.id == message
