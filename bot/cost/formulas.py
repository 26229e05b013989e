"""The arithmetic of cost, exact: fractions inside, integer micro-units out. Nothing is read or measured here.

cost of an image = rent an hour / (requests at once x 3600 / seconds of one)
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR_S = 3600
HOURS_A_MONTH = 730
"""8,760 hours a year over twelve."""

Number = int | Decimal | Fraction


def instances(memory_mb: int, peak_mb: int) -> int:
    """Requests at once where each has a model of its own: floor(memory / peak)."""
    return memory_mb // peak_mb


def sharing(memory_mb: int, resident_mb: int, peak_mb: int) -> int:
    """Requests at once on one resident model: floor((memory - resident) / (peak - resident))."""
    if memory_mb < peak_mb:
        return 0
    return (memory_mb - resident_mb) // max(1, peak_mb - resident_mb)


def images_an_hour(concurrency: int, seconds: Number) -> Fraction:
    """Images an hour where so many requests at once take so many seconds each."""
    return Fraction(concurrency) * HOUR_S / Fraction(seconds)


def throughput(measured: Sequence[tuple[int, Number]], concurrency: int) -> Fraction:
    """Images an hour where so many requests may run at once, from measured points.

    Between points in proportion; below the first, that one's images for each request; above the last
    nothing is added, since nobody measured it. Where fewer at once are faster, fewer run.
    """
    points = sorted((count, Fraction(images)) for count, images in measured)
    best = max((images for count, images in points if count <= concurrency), default=Fraction())
    if concurrency >= points[-1][0]:
        return best
    before = (0, Fraction(0))
    for point in points:
        if concurrency <= point[0]:
            part = Fraction(concurrency - before[0], point[0] - before[0])
            return max(best, before[1] + part * (point[1] - before[1]))
        before = point
    raise AssertionError("the last point is above")


def cost_micro(hour_micro: int, images: Number) -> int:
    """What one of so many images an hour costs, rounded half up."""
    return floor(Fraction(hour_micro) / Fraction(images) + Fraction(1, 2))


def markup(price_micro: int, cost_an_image_micro: Number) -> Fraction:
    """Profit over cost, the article's margin: 0.05 over 0.0114 is 3.39."""
    return Fraction(price_micro) / Fraction(cost_an_image_micro) - 1


def break_even(hour_micro: int, price_micro: int, images: Number) -> Fraction | None:
    """The part of an hour's images that must be sold to pay for the hour; above 1 it cannot be done."""
    return Fraction(hour_micro) / (price_micro * Fraction(images)) if price_micro else None


def line(points: Sequence[tuple[Number, Number]]) -> tuple[Fraction, Fraction, Fraction]:
    """Least squares through the points: slope, intercept, and R2."""
    xs, ys = [Fraction(x) for x, _ in points], [Fraction(y) for _, y in points]
    x_mean, y_mean = sum(xs, Fraction()) / len(xs), sum(ys, Fraction()) / len(ys)
    xs, ys = [x - x_mean for x in xs], [y - y_mean for y in ys]
    xx, yy = sum((x * x for x in xs), Fraction()), sum((y * y for y in ys), Fraction())
    xy = sum((x * y for x, y in zip(xs, ys, strict=True)), Fraction())
    slope = xy / xx if xx else Fraction()
    fit = xy * xy / (xx * yy) if xx and yy else Fraction(1)
    return slope, y_mean - slope * x_mean, fit


def percent(part: Fraction) -> str:
    """A fraction as whole per cent, rounded half up."""
    return f"{floor(part * 100 + Fraction(1, 2))} %"
