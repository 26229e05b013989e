"""Bars by day, as numbers for an SVG: its colours come from the style sheet, so they follow dark mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 600, 140
GAP_PART = 0.2


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle and what it says when it is pointed at. Pixels from the top left."""

    x: float
    y: float
    width: float
    height: float
    series: int
    told: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One heading, one unit. `series` are named below where there are several."""

    title: str
    highest: str
    """What the full height stands for."""
    bars: tuple[Bar, ...]
    first: str
    last: str
    series: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A day: a value and its text for each series."""

    label: str
    values: Sequence[float]
    texts: Sequence[str]


def chart(title: str, columns: Sequence[Column], series: tuple[str, ...] = ()) -> Chart | None:
    """None where there is nothing to show."""
    shown = [
        (value, text) for column in columns for value, text in zip(column.values, column.texts, strict=True)
    ]
    highest, text = max(shown, default=(0.0, ""))
    if highest <= 0:
        return None
    slot = WIDTH / len(columns)
    bars = []
    for place, column in enumerate(columns):
        width = slot * (1 - GAP_PART) / len(column.values)
        for number, (value, told) in enumerate(zip(column.values, column.texts, strict=True)):
            height = HEIGHT * max(0.0, value) / highest
            x = place * slot + slot * GAP_PART / 2 + number * width
            bars.append(Bar(x, HEIGHT - height, width, height, number, f"{column.label}: {told}"))
    return Chart(title, text, tuple(bars), columns[0].label, columns[-1].label, series)
