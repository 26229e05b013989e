"""The calibration in plots: memory by size, seconds by steps, images an hour by the number at once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from bot.cost import fonts
from bot.cost.calibration import fit
from bot.cost.chart import BLUE, ORANGE, lock
from bot.messages import translator

if TYPE_CHECKING:
    from bot.cost.calibration import Points
    from bot.messages import Translator

WIDTH_PX, HEIGHT_PX, DPI = 1080, 1500, 120


def calibration_png(points: Points, t: Translator) -> bytes:
    """Three plots below each other, for a phone as well. Slow: call it in a thread."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    chinese = fonts.chinese_font()
    t = t if chinese or t.language == "en" else translator("en")
    file = io.BytesIO()
    with lock, mpl.rc_context({"font.family": fonts.families(chinese), "font.size": 16}):
        figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, layout="constrained")
        memory, speed, together = figure.subplots(3, 1)
        figure.suptitle(
            fonts.drawable(t("calibrate-heading", model=points.model, device=points.device), chinese)
        )
        _memory(memory, points, t)
        _speed(speed, points, t)
        _together(together, points, t)
        for axes in (memory, speed, together):
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color="#DDDDDD", linewidth=0.8)
            axes.set_axisbelow(True)
            axes.set_ylim(bottom=0)
            axes.set_xlim(left=0)
        figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()


def _memory(axes: Any, points: Points, t: Translator) -> None:
    sizes = sorted(points.sizes.values(), key=lambda size: size.edge)
    name, unit = ("GB", 1e9) if sizes[-1].peak_bytes >= 1e9 else ("MB", 1e6)
    axes.plot([size.edge for size in sizes], [size.peak_bytes / unit for size in sizes], "o-", color=BLUE,
              label=t("calibrate-peak"))  # fmt: skip
    axes.axhline(points.resident_bytes / unit, color=ORANGE, linestyle="--", label=t("calibrate-loaded"))
    axes.legend(frameon=False)
    axes.set(xlabel=t("calibrate-edge"), ylabel=name, title=t("calibrate-memory"))


def _speed(axes: Any, points: Points, t: Translator) -> None:
    steps = sorted(int(count) for count in points.steps)
    slope, start, good = (float(number) for number in fit(points))
    axes.plot([0, steps[-1]], [start, start + slope * steps[-1]], color=ORANGE, linestyle="--",
              label=f"{start:.2f} s + {slope:.3f} s · n, R² {good:.3f}")  # fmt: skip
    axes.plot(steps, [points.steps[str(count)] for count in steps], "o", color=BLUE)
    axes.legend(frameon=False)
    axes.set(xlabel=t("calibrate-steps"), ylabel=t("chart-axis-wait"), title=t("calibrate-speed"))


def _together(axes: Any, points: Points, t: Translator) -> None:
    found = sorted(points.together.values(), key=lambda point: point.count)
    counts = [point.count for point in found]
    axes.plot(counts, [point.images_an_hour for point in found], "o-", color=BLUE)
    axes.set(xlabel=t("calibrate-at-once"), ylabel=t("calibrate-hour"), title=t("calibrate-throughput"))
    for point in found:
        axes.annotate(f"{point.seconds:.2f} s", (point.count, point.images_an_hour), xytext=(0, -28),
                      textcoords="offset points", ha="center", fontsize=14)  # fmt: skip
    axes.set_xticks(counts)
