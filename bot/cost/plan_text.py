"""The plan as tables for a terminal."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from rich.table import Table

from bot.cost.formulas import percent
from bot.cost.plan import tier_plans
from bot.imagine.pricing import money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import RenderableType

    from bot.config.money import Tier
    from bot.cost.plan import ArticlePlan, CardPlan, Month, Plan
    from bot.messages import Translator


def cards_table(plans: Iterable[CardPlan], currency: str, t: Translator) -> RenderableType:
    """For each card how the model goes into its memory, images an hour, what an image costs."""
    table = _table(
        t("plan-card"), "memory_mode", t("plan-largest"), t("plan-seconds"), t("plan-hour"), t("plan-cost")
    )
    for plan in plans:
        how = [plan.fit.memory_mode.value, plan.fit.quantisation] if plan.fit else []
        table.add_row(
            plan.card,
            " · ".join(word for word in how if word != "none") or "-",
            f"{plan.fit.largest_px}²" if plan.fit else "-",
            f"{'~ ' if plan.estimated else ''}{float(plan.seconds):.1f}",
            _whole(plan.images_an_hour),
            money(plan.cost_an_image_micro, currency, t.language),
        )
    return table


def article_table(plans: Iterable[ArticlePlan], currency: str, t: Translator) -> RenderableType:
    """Both formulas for each card: requests at once, images an hour, what an image costs."""
    table = _table(
        t("plan-card"), t("plan-model"), t("plan-fits"), t("plan-hour"), t("plan-rent"), t("plan-cost")
    )
    before = ""
    for plan in plans:
        name = "" if plan.card == before else plan.card
        before = plan.card
        table.add_row(
            name,
            t(f"plan-{plan.residency.value}"),
            str(plan.fits),
            _whole(plan.images_an_hour),
            money(plan.rent_an_image_micro, currency, t.language),
            money(plan.cost_an_image_micro, currency, t.language),
        )
    return table


def tiers_table(plan: Plan, tiers: Mapping[str, Tier], currency: str, t: Translator) -> RenderableType:
    """What each price leaves over on this card, and how much of it must be sold."""
    table = _table(t("plan-tier"), t("plan-price"), t("plan-margin"), t("plan-break-even"))
    for found in tier_plans(plan, tiers):
        table.add_row(
            found.tier,
            money(found.price_micro, currency, t.language),
            "-" if found.markup is None else percent(found.markup),
            "-" if found.break_even is None else _sellable(found.break_even, t),
        )
    return table


def month_table(month: Month, currency: str, t: Translator) -> RenderableType:
    """The month of so many members."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    each = month.cost_an_image_micro
    rows = [
        (t("plan-month-images"), str(month.images)),
        (t("plan-month-cards"), str(month.cards)),
        (t("plan-month-utilisation"), percent(month.utilisation)),
        (t("plan-month-cost"), money(month.cost_micro, currency, t.language)),
        (t("plan-month-each"), "-" if each is None else money(each, currency, t.language)),
        (t("plan-month-revenue"), money(month.revenue_micro, currency, t.language)),
        (t("plan-month-profit"), money(month.profit_micro, currency, t.language)),
        (t("plan-month-free"), percent(month.free_share)),
    ]
    for label, value in rows:
        table.add_row(label, value)
    return table


def _sellable(share: Fraction, t: Translator) -> str:
    return percent(share) if share <= 1 else t("plan-never", share=percent(share))


def _table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    names = 2 if len(heads) > 4 else 1  # columns of words
    for position, head in enumerate(heads):
        table.add_column(head, justify="left" if position < names else "right", overflow="fold")
    return table


def _whole(number: Fraction) -> str:
    return str(int(number + Fraction(1, 2)))
