"""What the owner asks: cost, speed and shares of a period, from the store's rollups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import render
from bot.pricing import money

if TYPE_CHECKING:
    from bot.messages import Translator
    from bot.render import Fact
    from storage.records import Percentiles, Stats


def cost_card(stats: Stats, period: str, t: Translator) -> tuple[str, list[Fact]]:
    """Title and labelled figures of `/stats cost`."""
    total, uptime = stats.total, stats.uptime
    named = period if period[:1].isdigit() and period != "7d" else t(f"stats-period-{period}")
    facts = [(t("stats-images"), str(total.images)), (t("stats-gpu"), f"{total.gpu_us / 1e6:.1f} s")]
    if total.images:
        each = money(total.cost_micro // total.images, stats.currency, t.language)
        facts.append((t("stats-cost-image"), each))
    up_us = uptime.busy_us + uptime.overhead_us + uptime.idle_us
    facts += [
        (t("stats-cost"), money(total.cost_micro, stats.currency, t.language)),
        (t("stats-uptime"), render.duration(up_us / 1e6)),
        ("", t("stats-uptime-split", **_shares(uptime.busy_us, uptime.overhead_us, uptime.idle_us))),
        (t("stats-rent"), money(uptime.rent_micro + uptime.operations_micro, stats.currency, t.language)),
        (t("stats-revenue"), money(total.revenue_micro, stats.currency, t.language)),
        (t("stats-failed"), str(total.failed + total.cancelled)),
        (t("stats-free-share"), f"{stats.share('free'):.0%}"),
        (t("stats-wait"), _percentiles(stats.wait)),
        (t("stats-draw"), _percentiles(stats.draw)),
    ]
    by_tier = ", ".join(f"{name} {tally.images}" for name, tally in stats.by_tier.items() if tally.images)
    facts.append((t("stats-tier"), by_tier or t("stats-none")))
    return t("stats-title", period=named), facts


def _shares(busy_us: int, overhead_us: int, idle_us: int) -> dict[str, str]:
    total = max(1, busy_us + overhead_us + idle_us)
    return {
        "busy": f"{busy_us / total:.0%}",
        "overhead": f"{overhead_us / total:.0%}",
        "idle": f"{idle_us / total:.0%}",
    }


def _percentiles(times: Percentiles) -> str:
    if times.p50_us is None or times.p95_us is None:
        return "-"
    return f"{times.p50_us / 1e6:.1f} s / {times.p95_us / 1e6:.1f} s"
