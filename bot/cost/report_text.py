"""The cost report in words: a title and labelled figures, short enough for a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.cost.formulas import percent
from bot.imagine.pricing import money
from bot.render import duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.cost.report import CostReport
    from bot.messages import Translator
    from bot.render import Fact
    from storage.records.figures import Percentiles, Tally

TOP = 5
SIZES = 5
KEY_CHARS = 8
"""Members are told by the start of their key: the owner may look them up, a reader over the shoulder not."""


def title(report: CostReport, t: Translator) -> str:
    """`Cost, this month`."""
    return t("stats-title", period=period_name(report.period, t))


def period_name(period: str, t: Translator) -> str:
    """A period in words; months and other numbers of days stay as they were asked for."""
    return t(f"stats-period-{period}") if period in ("today", "7d", "30d", "month") else period


def facts(report: CostReport, t: Translator) -> list[Fact]:
    """All figures, the most wanted first."""
    return [*money_facts(report, t), *time_facts(report, t), *_groups(report, t), *outlook(report, t)]


def money_facts(report: CostReport, t: Translator) -> list[Fact]:
    """What it cost and earned."""
    rent = report.rent

    def cash(micro: int | None) -> str:
        return "-" if micro is None else money(micro, report.currency, t.language)

    split = t(
        "cost-rent-split",
        busy=cash(rent.busy_micro),
        idle=cash(rent.idle_micro),
        overhead=cash(rent.overhead_micro + rent.lost_micro),
    )
    return [
        (t("stats-images"), str(report.total.images)),
        (t("cost-image-real"), cash(report.real_image_micro)),
        (t("cost-image-full"), cash(report.full_image_micro)),
        (t("cost-rent"), f"{cash(rent.rent_micro)}\n{split}"),
        (t("cost-operations"), cash(rent.operations_micro)),
        (t("stats-revenue"), "\n".join([cash(report.revenue_micro), *_revenues(report, t)])),
        (t("cost-margin"), cash(report.margin_micro)),
    ]


def time_facts(report: CostReport, t: Translator) -> list[Fact]:
    """How long it was up and drew, what came to nothing."""
    total = report.total
    up_us = max(1, report.up_us)
    split = t(
        "stats-uptime-split",
        busy=f"{report.busy_us / up_us:.0%}",
        overhead=f"{(report.overhead_us + report.lost_us) / up_us:.0%}",
        idle=f"{report.idle_us / up_us:.0%}",
    )
    return [
        (t("stats-uptime"), f"{duration(report.up_us / 1e6, t)}\n{split}" if report.up_us else "-"),
        (t("stats-gpu"), duration(total.gpu_us / 1e6, t) if total.gpu_us else "-"),
        (t("stats-wait"), _percentiles(report.wait, t)),
        (t("stats-draw"), _percentiles(report.draw, t)),
        (t("cost-unsuccessful"), t("cost-unsuccessful-split", failed=total.failed, cancelled=total.cancelled,
                                   undeliverable=total.undeliverable)),
        (t("cost-refunded"), str(total.refunded)),
    ]  # fmt: skip


def _groups(report: CostReport, t: Translator) -> list[Fact]:
    share = "-" if report.free_share is None else percent(report.free_share)
    found = [(t("stats-free-share"), t("cost-free-goal", share=share, goal=percent(report.free_goal)))]
    lines = [line for line in report.tiers if line.tally.images]
    found += _listed(t("cost-by-tier"), ((line.name, _group(line.tally, t)) for line in lines))
    found += _listed(
        t("cost-by-platform"), ((name, _group(tally, t)) for name, tally in report.platforms.items())
    )
    if len(report.models) > 1:
        found += _listed(
            t("cost-by-model"), ((name, _group(tally, t)) for name, tally in report.models.items())
        )
    sizes = list(report.sizes.items())[:SIZES]
    found += _listed(t("cost-by-size"), ((name, _group(tally, t)) for name, tally in sizes))
    kinds = ((t(f"kind-{name}"), _group(tally, t)) for name, tally in report.kinds.items())
    found += _listed(t("cost-by-kind"), kinds)
    top = ((member.member[:KEY_CHARS], _group(member.tally, t)) for member in report.top[:TOP])
    return [*found, *_listed(t("cost-top"), top)]


def outlook(report: CostReport, t: Translator) -> list[Fact]:
    """The period at its end, while it is not over."""
    ahead = report.forecast
    if ahead is None:
        return []
    figures = {
        "cost": money(ahead.cost_micro, report.currency, t.language),
        "revenue": money(ahead.revenue_micro, report.currency, t.language),
        "margin": money(ahead.margin_micro, report.currency, t.language),
    }
    return [(t("cost-forecast"), t("cost-forecast-figures", images=ahead.images, **figures))]


def _listed(label: str, entries: Iterable[tuple[str, str]]) -> list[Fact]:
    """One fact with a line for each entry; none without entries. Platforms limit how many facts there are."""
    lines = [f"{name}: {figures}" for name, figures in entries]
    return [(label, "\n".join(lines))] if lines else []


def _group(tally: Tally, t: Translator) -> str:
    return t("cost-group", images=tally.images, gpu=duration(tally.gpu_us / 1e6, t))


def _revenues(report: CostReport, t: Translator) -> list[str]:
    lines = [line for line in report.tiers if line.revenue_micro]
    return [f"{line.name}: {money(line.revenue_micro, report.currency, t.language)}" for line in lines]


def _percentiles(times: Percentiles, t: Translator) -> str:
    if times.p50_us is None or times.p95_us is None:
        return "-"
    return f"{_seconds(times.p50_us, t)} / {_seconds(times.p95_us, t)}"


def _seconds(time_us: int, t: Translator) -> str:
    return t("value-seconds", seconds=f"{time_us / 1e6:.1f}")
