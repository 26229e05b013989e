"""What `easel plan`, `easel stats` and `easel calibrate` do once bot.toml is read."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import Progress

from bot.app import model_settings
from bot.cli.terminal import show_facts
from bot.config.schema import MICRO
from bot.cost import calibration
from bot.cost.calibration import Points
from bot.cost.calibration_chart import calibration_png
from bot.cost.calibration_text import markdown, profile_toml
from bot.cost.catalogue import load_catalogue
from bot.cost.chart import chart_png
from bot.cost.export import to_csv, to_json
from bot.cost.fonts import chinese_font
from bot.cost.measure import MOST_AT_ONCE, Calibration, Unsteady, agenda
from bot.cost.plan import Residency, month, parse_members, percent, plan
from bot.cost.plan_text import cards_table, month_table, tiers_table
from bot.cost.report import cost_report
from bot.cost.report_text import facts, title
from bot.imagine.models import capabilities_for
from bot.imagine.pricing import Pricing, money
from bot.messages import UserError, say, translator
from engine.build import build_engine
from engine.request import EngineError
from engine.settings import EngineConfig, Reach

if TYPE_CHECKING:
    from rich.console import Console

    from bot.config.schema import Config
    from bot.cost.catalogue import Gpu
    from bot.messages import Translator
    from engine.families.profile import Profile
    from storage.store import Store

OWN_CATALOGUE = Path("gpus.toml")
CALIBRATION_FILES = ("calibration.md", "calibration.png")


@dataclasses.dataclass(frozen=True, slots=True)
class PlanOptions:
    """The options of `easel plan`, word for word."""

    gpu: str | None = None
    price: str | None = None
    members: str | None = None
    utilisation: str = "1"
    measured: bool = False
    catalogue: Path | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class StatsOptions:
    """How `easel stats` answers: as JSON, as CSV, as a chart in a file; with none of them as text."""

    json: bool = False
    csv: bool = False
    chart: Path | None = None


async def show_stats(
    console: Console, config: Config, store: Store, period: str, options: StatsOptions
) -> None:
    """The cost report. Raises `UserError` for a period that is none, or a file that cannot be written."""
    t = translator(config.language)
    report = await cost_report(store, config, period)
    if options.json:
        console.out(to_json(report), highlight=False)
    if options.csv:
        console.out(to_csv(report), highlight=False, end="")
    if options.chart is not None:
        png = await asyncio.to_thread(chart_png, report, config, t)
        try:
            await asyncio.to_thread(options.chart.write_bytes, png)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UserError(say("cost-not-written", file=str(options.chart), reason=reason)) from error
        if not (options.json or options.csv):  # which somebody else reads
            console.print(t("init-written", file=str(options.chart)), markup=False)
        if t.language != "en" and chinese_font() is None:
            console.print(t("cost-no-font"), markup=False)
    if options == StatsOptions():
        console.print(title(report, t), style="bold", markup=False)
        show_facts(console, facts(report, t))


async def run_calibration(console: Console, config: Config, *, quick: bool) -> None:
    """Measure this machine, or go on with it, and write profile, tables and plots. Raises `UserError`."""
    from engine.placement import resolve  # torch takes seconds to import

    t, folder = translator(config.language), config.storage.folder
    settings = dataclasses.replace(model_settings(config), measured_profile=None)
    placement = await asyncio.to_thread(resolve, settings)
    fresh = Points(Path(config.model.path).name, placement.device_name, quick, memory_bytes=_memory_bytes())
    points = calibration.load(folder / calibration.POINTS, fresh)
    if points is not fresh:
        console.print(t("calibrate-going-on"), markup=False)
    terms = EngineConfig(max_active=MOST_AT_ONCE, embedding_cache_bytes=0, result_cache_bytes=0)
    engine = await asyncio.to_thread(partial(build_engine, settings, terms, reach=Reach.HERE))
    todo = agenda(placement.profile, capabilities_for(config.model.path), quick=quick)
    with Progress(console=console, transient=not console.is_terminal) as progress:
        task = progress.add_task("", total=todo.points)
        try:
            async with engine:
                await Calibration(
                    engine,
                    todo,
                    points,
                    keep=lambda found: calibration.save(folder / calibration.POINTS, found),
                    tell=lambda what: progress.update(task, description=what, advance=1),
                ).run()
        except* Unsteady as errors:
            raise UserError(say("calibrate-unsteady")) from errors.exceptions[0]
        except* EngineError as errors:
            reason = str(errors.exceptions[0])
            raise UserError(say("calibrate-failed", reason=reason)) from errors.exceptions[0]
    if not points.together or str(points.edge) not in points.sizes:
        raise UserError(say("calibrate-too-small", size=f"{points.edge}x{points.edge}"))
    await asyncio.to_thread(_write_calibration, folder, points, placement.profile, t)
    written = ", ".join(str(folder / name) for name in (calibration.PROFILE, *CALIBRATION_FILES))
    console.print(markdown(points, t), markup=False, highlight=False)
    console.print(t("calibrate-done", files=written), markup=False, highlight=False, soft_wrap=True)


def _write_calibration(folder: Path, points: Points, base: Profile, t: Translator) -> None:
    text, plots = CALIBRATION_FILES
    calibration.write_profile(folder / calibration.PROFILE, points, profile_toml(points, base))
    (folder / text).write_text(markdown(points, t), "utf-8")
    (folder / plots).write_bytes(calibration_png(points, t))


def _memory_bytes() -> int:
    """The machine's own memory, for a CPU; a GPU tells its own."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def show_plan(console: Console, config: Config, options: PlanOptions) -> None:
    """All cards by both formulas; then prices and, with members, their month on the cheapest card.

    Raises `UserError`, `ConfigError`.
    """
    t, currency = translator(config.language), config.currency
    utilisation = _utilisation(options.utilisation)
    crowds = parse_members(options.members, config.tiers) if options.members else None
    operations = Pricing(config).rate().operations_micro_per_hour
    plans = []
    for card in _cards(config, options):
        both = (
            plan(card, residency, operations_micro=operations, utilisation=utilisation)
            for residency in Residency
        )
        fitting = [found for found in both if found is not None]
        if not fitting:
            console.print(t("plan-too-small", card=card.name), markup=False)
        plans += fitting
    if not plans:
        return
    spent = money(operations, currency, t.language)
    console.print(t("plan-title", utilisation=percent(utilisation), operations=spent), markup=False)
    console.print(cards_table(plans, currency, t))
    best = min(plans, key=lambda found: found.cost_an_image_micro)
    cost = money(best.cost_an_image_micro, currency, t.language)
    model = t(f"plan-{best.residency.value}")
    console.print("\n" + t("plan-tiers-title", card=best.gpu.name, model=model, cost=cost), markup=False)
    console.print(tiers_table(best, config.tiers, currency, t))
    if crowds is not None:
        console.print("\n" + t("plan-month-title", card=best.gpu.name), markup=False)
        console.print(month_table(month(best, crowds, config.tiers), currency, t))


def _cards(config: Config, options: PlanOptions) -> list[Gpu]:
    own = options.catalogue or (OWN_CATALOGUE if OWN_CATALOGUE.exists() else None)
    cards = load_catalogue(own)
    if options.measured:
        rent = Pricing(config).rate().rent_micro_per_hour
        here = calibration.as_gpu(calibration.path(config), rent)
        if here is None:
            raise UserError(say("plan-not-measured"))
        cards = {here.name: here}
    elif options.gpu:
        named = {name.lower(): card for name, card in cards.items()}
        card = named.get(options.gpu.strip().lower())
        if card is None:
            raise UserError(say("plan-unknown-card", found=options.gpu, allowed=", ".join(cards)))
        cards = {card.name: card}
    if options.price is not None:
        rent = _rent(options.price)
        cards = {name: dataclasses.replace(card, rent_micro=rent) for name, card in cards.items()}
    return list(cards.values())


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
