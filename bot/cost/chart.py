"""The cost report as a picture for a phone: where the money goes, what an image costs, who draws, who waits.

Colours are those of Okabe and Ito, told apart by every kind of eye, and each bar also carries its figure.
"""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.cost import fonts
from bot.cost.formulas import percent
from bot.cost.report_text import title
from bot.imagine.pricing import money
from bot.messages import translator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bot.config.schema import Config
    from bot.cost.report import CostReport
    from bot.messages import Translator

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#999999"
TIER_COLOURS = (GREY, "#CC79A7", "#D55E00", "#56B4E9", "#F0E442", GREEN, BLUE, ORANGE)
WIDTH_PX, HEIGHT_PX, DPI = 1080, 1560, 120
SMALL, PLAIN, LARGE = 15, 17, 22
"""Points at 120 dpi: on a phone 360 pixels wide SMALL is still as high as its own small print."""

NAMED_PART = 0.2
"""A part of a bar that is wide enough for its name."""

lock = threading.Lock()  # matplotlib's settings and font caches are the process's


def chart_png(
    report: CostReport,
    config: Config,
    t: Translator,
    *,
    find_font: Callable[[], str | None] = fonts.chinese_font,
) -> bytes:
    """The chart as a PNG file. Slow (a second): call it in a thread.

    In Chinese where `find_font` names a font for it, else in English.
    """
    with lock:
        return _Chart(report, config, t, find_font()).png()


class _Chart:
    def __init__(self, report: CostReport, config: Config, t: Translator, chinese: str | None) -> None:
        import matplotlib as mpl
        from matplotlib.figure import Figure

        self._report, self._config = report, config
        self._chinese = chinese
        self._t = t if chinese or t.language == "en" else translator("en")
        with mpl.rc_context({"font.family": fonts.families(chinese), "font.size": PLAIN}):
            self._figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, layout="constrained")
            self._draw()

    def png(self) -> bytes:
        import matplotlib as mpl

        file = io.BytesIO()
        with mpl.rc_context({"font.family": fonts.families(self._chinese)}):
            self._figure.savefig(file, format="png", dpi=DPI, metadata={"Software": "Easel"})
        return file.getvalue()

    def _draw(self) -> None:
        figure, tiers = self._figure, max(2, len(self._report.tiers))
        heights = [2.4, 1 + tiers * 0.75, 1 + tiers * 0.62, 1 + tiers * 0.75]
        money_axes, image_axes, tier_axes, wait_axes = figure.subplots(4, 1, height_ratios=heights)
        report = self._report
        until = min(report.now, report.end - timedelta(seconds=1))
        first, last = (moment.astimezone(self._config.zone) for moment in (report.start, until))
        when = f"{first:%Y-%m-%d} - {last:%Y-%m-%d}"
        figure.suptitle(self._say(f"{title(self._report, self._t)}\n{when}"), fontsize=LARGE)
        self._money(money_axes)
        self._image(image_axes)
        self._tiers(tier_axes)
        self._waits(wait_axes)

    def _money(self, axes: Any) -> None:
        """Two bars: rent and operations, and the revenue of each tier, on one scale."""
        report, t = self._report, self._t
        rent = report.rent
        costs = [
            (t("chart-busy"), rent.busy_micro, BLUE),
            (t("chart-idle"), rent.idle_micro, GREY),
            (t("chart-overhead"), rent.overhead_micro + rent.lost_micro, ORANGE),
            (t("cost-operations"), rent.operations_micro, GREEN),
        ]
        names = [line.name for line in report.tiers]
        incomes = [
            (line.name, line.revenue_micro, TIER_COLOURS[names.index(line.name) % len(TIER_COLOURS)])
            for line in report.tiers
            if line.revenue_micro
        ]
        for row, parts in ((1, costs), (0, incomes)):
            left = 0.0
            for name, micro, colour in parts:
                axes.barh(row, micro / 1e6, left=left, color=colour, edgecolor="white", height=0.62)
                left += micro / 1e6
                if micro > NAMED_PART * max(1, sum(part[1] for part in parts)) and not row:
                    centre = left - micro / 2e6
                    axes.annotate(self._say(name), (centre, row), ha="center", va="center", fontsize=SMALL)
                if row:
                    axes.plot([], [], "s", color=colour, label=self._say(name), markersize=11)
            total = money(sum(micro for _, micro, _ in parts), report.currency, t.language)
            axes.annotate(f" {total}", (left, row), va="center", fontsize=SMALL)
        axes.set_yticks([1, 0], [self._say(t("chart-cost")), self._say(t("stats-revenue"))])
        axes.set_ylim(-0.5, 1.5)
        axes.legend(loc="upper center", bbox_to_anchor=(0.45, 1.36), ncols=4, frameon=False, fontsize=SMALL,
                    handletextpad=0.1, columnspacing=0.9)  # fmt: skip
        self._finish(axes, t("chart-axis-money", currency=report.currency), "")

    def _image(self, axes: Any) -> None:
        """What an image costs, beside what each tier pays for one."""
        report, t = self._report, self._t
        bars = [(t("cost-image-real"), report.real_image_micro, ORANGE),
                (t("cost-image-full"), report.full_image_micro, BLUE)]  # fmt: skip
        bars += [
            (t("chart-price", tier=name), tier.price_micro, GREY)
            for name, tier in self._config.tiers.items()
            if tier.price_micro
        ]
        named = [(name, micro or 0, colour) for name, micro, colour in bars]
        labels = [money(micro, report.currency, t.language) for _, micro, _ in named]
        self._bars(axes, [(name, micro / 1e6, colour) for name, micro, colour in named], labels)
        self._finish(axes, t("chart-axis-money", currency=report.currency), t("chart-image-title"))

    def _tiers(self, axes: Any) -> None:
        """Images and device time by tier, with their part of all images."""
        lines, t = self._report.tiers, self._t
        total = max(1, self._report.total.images)
        bars = [
            (line.name, float(line.tally.images), TIER_COLOURS[n % len(TIER_COLOURS)])
            for n, line in enumerate(lines)
        ]
        labels = [f"{line.tally.images} · {line.tally.images / total:.0%}" for line in lines]
        self._bars(axes, bars, labels)
        report = self._report
        share = "-" if report.free_share is None else percent(report.free_share)
        goal = t("cost-free-goal", share=share, goal=percent(report.free_goal))
        self._finish(axes, t("stats-images"), t("chart-tier-title", goal=goal), at_least=10.0)

    def _waits(self, axes: Any) -> None:
        """Seconds of waiting by tier: the middle one, and the one that 95 of 100 stay below."""
        lines, t = self._report.tiers, self._t
        for row, line in enumerate(reversed(lines)):
            wait = line.wait
            if wait is None or wait.p50_us is None or wait.p95_us is None:
                continue
            p50, p95 = wait.p50_us / 1e6, wait.p95_us / 1e6
            axes.plot([p50, p95], [row, row], color=GREY, linewidth=3, zorder=1)
            axes.scatter([p50], [row], s=130, color=BLUE, zorder=3, clip_on=False)
            axes.scatter([p95], [row], s=130, color=ORANGE, marker="D", zorder=2)
            axes.annotate(f"  {p95:.1f}", (p95, row), va="center", fontsize=SMALL)
        axes.scatter([], [], s=130, color=BLUE, label="p50")
        axes.scatter([], [], s=130, color=ORANGE, marker="D", label="p95")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, frameon=False, fontsize=SMALL,
                    handletextpad=0.1, columnspacing=0.9)  # fmt: skip
        axes.set_yticks(range(len(lines)), [self._say(line.name) for line in reversed(lines)])
        axes.set_ylim(-0.6, len(lines) - 0.4)
        self._finish(axes, t("chart-axis-wait"), t("chart-wait-title"), at_least=1.0)

    def _bars(self, axes: Any, bars: Sequence[tuple[str, float, str]], labels: Sequence[str]) -> None:
        for row, ((_, length, colour), label) in enumerate(
            zip(reversed(bars), reversed(labels), strict=True)
        ):
            axes.barh(row, length, color=colour, height=0.68)
            axes.annotate(f" {label}", (length, row), va="center", fontsize=SMALL)
        axes.set_yticks(range(len(bars)), [self._say(name) for name, _, _ in reversed(bars)])

    def _finish(self, axes: Any, x_label: str, heading: str, *, at_least: float = 0.01) -> None:
        """Labels and grid; the axis reaches so far where there is nothing to show."""
        axes.set_xlabel(self._say(x_label), fontsize=SMALL)
        if heading:
            axes.set_title(self._say(heading), fontsize=PLAIN, loc="left")
        axes.tick_params(labelsize=SMALL, length=0, pad=9)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.margins(x=0.2)
        axes.set_xlim(0, max(at_least, axes.get_xlim()[1]))
        axes.locator_params(axis="x", nbins=5)
        axes.grid(axis="x", color="#DDDDDD", linewidth=0.8)
        axes.set_axisbelow(True)

    def _say(self, text: str) -> str:
        return fonts.drawable(text, self._chinese)
