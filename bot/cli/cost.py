"""What `easel plan` and `easel calibrate` do once bot.toml is read."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich.progress import Progress

from bot.app import model_settings
from bot.cli.running import configured, translator_for
from bot.config.section import MICRO
from bot.cost import calibration
from bot.cost.article import load_article
from bot.cost.calibration import Points
from bot.cost.calibration_chart import calibration_png
from bot.cost.calibration_text import markdown, profile_toml
from bot.cost.catalogue import load_catalogue, planned_model
from bot.cost.formulas import percent
from bot.cost.measure import MOST_AT_ONCE, Calibration, Unsteady, agenda
from bot.cost.plan import Residency, article_plan, month, parse_members, plan
from bot.cost.plan_text import article_table, cards_table, month_table, tiers_table
from bot.imagine.capabilities import capabilities_of
from bot.imagine.pricing import Pricing, money
from bot.messages import UserError, say
from engine.build import build_engine
from engine.families.registry import load_profile
from engine.request import EngineError
from engine.settings import EngineConfig, Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from bot.config.schema import Config
    from bot.cost.catalogue import Card
    from bot.cost.plan import CardPlan, Plan
    from bot.messages import Translator
    from engine.families.profile import Profile

C = TypeVar("C")
USUAL_CARD = "RTX 3090"
"""Its seconds are published; prices are held against it where no card is named."""
OWN_CATALOGUE = Path("gpus.toml")


@dataclasses.dataclass(frozen=True, slots=True)
class PlanOptions:
    """The options of `easel plan`, word for word."""

    gpu: str | None = None
    price: str | None = None
    members: str | None = None
    utilisation: str = "1"
    measured: bool = False
    article: bool = False
    catalogue: Path | None = None


async def run_calibration(console: Console, config: Config, model: str | None, *, quick: bool) -> None:
    """Measure this machine, or go on with it, and write profile, tables and plots; of the default model,
    where none is named. Raises `UserError`.
    """
    from engine.placement import resolve  # torch takes seconds to import

    t, name = translator_for(config), configured(config, model)
    kept, *written = calibration.paths(config, name)
    settings = dataclasses.replace(model_settings(config, name), measured_profile=None)
    placement = await asyncio.to_thread(resolve, settings)
    fresh = Points(Path(settings.source).name, placement.device_name, quick, memory_bytes=_memory_bytes())
    points = calibration.load(kept, fresh)
    if points is not fresh:
        console.print(t("calibrate-going-on"), markup=False)
    terms = EngineConfig(max_active=MOST_AT_ONCE, embedding_cache_bytes=0, result_cache_bytes=0)
    engine = await asyncio.to_thread(partial(build_engine, settings, terms, reach=Reach.HERE))
    todo = agenda(placement.profile, capabilities_of(placement.profile), quick=quick)
    with Progress(console=console, transient=not console.is_terminal) as progress:
        task = progress.add_task("", total=todo.points)
        try:
            async with engine:
                await Calibration(
                    engine,
                    todo,
                    points,
                    keep=lambda found: calibration.save(kept, found),
                    tell=lambda what: progress.update(task, description=what, advance=1),
                ).run()
        except* Unsteady as errors:
            raise UserError(say("calibrate-unsteady")) from errors.exceptions[0]
        except* EngineError as errors:
            reason = str(errors.exceptions[0])
            raise UserError(say("calibrate-failed", reason=reason)) from errors.exceptions[0]
    if not points.together or str(points.edge) not in points.sizes:
        raise UserError(say("calibrate-too-small", size=f"{points.edge}x{points.edge}"))
    await asyncio.to_thread(_write_calibration, written, points, placement.profile, t)
    console.print(markdown(points, t), markup=False, highlight=False)
    told = t("calibrate-done", files=", ".join(map(str, written)))
    console.print(told, markup=False, highlight=False, soft_wrap=True)


def _write_calibration(files: Sequence[Path], points: Points, base: Profile, t: Translator) -> None:
    profile, text, plots = files
    calibration.write_profile(profile, points, profile_toml(points, base))
    text.write_text(markdown(points, t), "utf-8")
    plots.write_bytes(calibration_png(points, t))


def _memory_bytes() -> int:
    """The machine's own memory, for a CPU; a GPU tells its own."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def show_plan(console: Console, config: Config, options: PlanOptions) -> None:
    """The cards with what this model draws on them; then, on one card, prices and, with members, their month.

    Raises `UserError`, `ConfigError`.
    """
    t, currency = translator_for(config), config.currency
    utilisation = _utilisation(options.utilisation)
    crowds = parse_members(options.members, config.tiers) if options.members else None
    rate = Pricing(config).rate()
    operations, rent = rate.operations_micro_per_hour, rate.rent_micro_per_hour
    if options.price is not None:
        rent = _rent(options.price)
    if options.article:
        best: Plan | None = _show_article(console, config, options, operations, utilisation)
    else:
        best = _show_cards(console, config, options, rent, operations, utilisation)
    if best is None:
        return
    cost = money(best.cost_an_image_micro, currency, t.language)
    console.print("\n" + t("plan-tiers-title", card=best.card, cost=cost), markup=False)
    console.print(tiers_table(best, config.tiers, currency, t))
    if crowds is not None:
        console.print("\n" + t("plan-month-title", card=best.card), markup=False)
        console.print(month_table(month(best, crowds, config.tiers), currency, t))


def _show_cards(
    console: Console, config: Config, options: PlanOptions, rent: int, operations: int, utilisation: Fraction
) -> CardPlan | None:
    """The cards as this program uses them. Returns the named one, or one whose seconds are published."""
    t, currency = translator_for(config), config.currency
    plans = []
    for card in _cards(config, options):
        priced = dataclasses.replace(card, rent_micro=rent) if options.price is not None else card
        found = plan(
            priced,
            partial(load_profile, planned_model()),
            rent_micro=rent,
            operations_micro=operations,
            utilisation=utilisation,
            at_once=config.engine.max_active,
        )
        if found is None:
            console.print(t("plan-too-small", card=card.name), markup=False)
        else:
            plans.append(found)
    if not plans:
        return None
    told = {"rent": money(rent, currency, t.language), "operations": money(operations, currency, t.language)}
    console.print(t("plan-title", utilisation=percent(utilisation), **told), markup=False)
    console.print(cards_table(plans, currency, t))
    if any(found.estimated for found in plans):
        console.print(t("plan-estimated"), markup=False, style="dim")
    return next((found for found in plans if found.card == USUAL_CARD), plans[0])


def _show_article(
    console: Console, config: Config, options: PlanOptions, operations: int, utilisation: Fraction
) -> Plan | None:
    """The article's cards by both of its formulas; the cheapest one."""
    t, currency = translator_for(config), config.currency
    cards = _named(load_article(), options.gpu)
    if options.price is not None:
        rent = _rent(options.price)
        cards = {name: dataclasses.replace(card, rent_micro=rent) for name, card in cards.items()}
    found = (
        article_plan(card, residency, operations_micro=operations, utilisation=utilisation)
        for card in cards.values()
        for residency in Residency
    )
    plans = [one for one in found if one is not None]
    spent = money(operations, currency, t.language)
    told = t("plan-article-title", utilisation=percent(utilisation), operations=spent)
    console.print(told, markup=False)
    console.print(article_table(plans, currency, t))
    return min(plans, key=lambda one: one.cost_an_image_micro)


def _cards(config: Config, options: PlanOptions) -> list[Card]:
    if options.measured:
        here = calibration.as_card(calibration.profile_path(config, next(iter(config.named_models))))
        if here is None:
            raise UserError(say("plan-not-measured"))
        return [here]
    own = options.catalogue or (OWN_CATALOGUE if OWN_CATALOGUE.exists() else None)
    return list(_named(load_catalogue(own), options.gpu).values())


def _named(cards: dict[str, C], name: str | None) -> dict[str, C]:
    """All cards, or the one that is named: by all of its name, or by a part that no other has."""
    if name is None:
        return cards
    word = name.strip().casefold()
    exact = [known for known in cards if known.casefold() == word]
    like = exact or [known for known in cards if word and word in known.casefold()]
    if len(like) != 1:
        raise UserError(say("plan-unknown-card", found=name, allowed=", ".join(like or cards)))
    return {like[0]: cards[like[0]]}


def _rent(text: str) -> int:
    try:
        price = Decimal(text.strip())
    except InvalidOperation:
        raise UserError(say("plan-price-form", found=text)) from None
    if not price.is_finite() or not 0 <= price <= 1_000_000:
        raise UserError(say("plan-price-form", found=text))
    return int(price * MICRO)


def _utilisation(text: str) -> Fraction:
    word = text.strip()
    try:
        part = Fraction(word.rstrip("%")) / (100 if word.endswith("%") else 1)
    except (ValueError, ZeroDivisionError):
        part = Fraction(0)
    if not 0 < part <= 1:
        raise UserError(say("plan-utilisation-range", found=text))
    return part
