"""The report for machines: one JSON document, or rows of CSV. Money in micro-units, time in microseconds."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from bot.cost.report import CostReport
    from storage.records.figures import Percentiles, Tally

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell of text that begins so is a formula to a spreadsheet."""


def to_dict(report: CostReport) -> dict[str, Any]:
    """The whole report in plain values."""
    rent, ahead = report.rent, report.forecast
    return {
        "period": report.period,
        "start": report.start.isoformat(),
        "end": report.end.isoformat(),
        "now": report.now.isoformat(),
        "currency": report.currency,
        "total": asdict(report.total),
        "cost": {
            "rent_micro": rent.rent_micro,
            "busy_micro": rent.busy_micro,
            "overhead_micro": rent.overhead_micro,
            "idle_micro": rent.idle_micro,
            "lost_micro": rent.lost_micro,
            "operations_micro": rent.operations_micro,
            "total_micro": rent.total_micro,
            "image_real_micro": report.real_image_micro,
            "image_full_load_micro": report.full_image_micro,
        },
        "revenue_micro": report.revenue_micro,
        "margin_micro": report.margin_micro,
        "uptime": {
            "busy_us": report.busy_us,
            "overhead_us": report.overhead_us,
            "idle_us": report.idle_us,
            "lost_us": report.lost_us,
            "utilisation": _number(report.utilisation),
        },
        "free_share": _number(report.free_share),
        "free_share_goal": _number(report.free_goal),
        "wait": _percentiles(report.wait),
        "draw": _percentiles(report.draw),
        "tiers": {
            line.name: {
                "billing": line.billing.value,
                **asdict(line.tally),
                "revenue_micro": line.revenue_micro,
                "margin_micro": line.margin_micro,
                "wait": _percentiles(line.wait),
                "draw": _percentiles(line.draw),
            }
            for line in report.tiers
        },
        "platforms": {name: asdict(tally) for name, tally in report.platforms.items()},
        "models": {name: asdict(tally) for name, tally in report.models.items()},
        "sizes": {name: asdict(tally) for name, tally in report.sizes.items()},
        "kinds": {name: asdict(tally) for name, tally in report.kinds.items()},
        "top_members": [{"member": top.member, **asdict(top.tally)} for top in report.top],
        "forecast": None if ahead is None else {**asdict(ahead), "margin_micro": ahead.margin_micro},
    }


def to_json(report: CostReport) -> str:
    """`to_dict` as text."""
    return json.dumps(to_dict(report), indent=2, ensure_ascii=False)


def to_csv(report: CostReport) -> str:
    """One row for each tier, platform, model, size and top member, and one for the total."""
    text = io.StringIO()
    columns = ["group", "name", *asdict(report.total)]
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(columns)
    for group, name, tally, revenue_micro in _rows(report):
        values = {**asdict(tally), "revenue_micro": revenue_micro}
        writer.writerow([group, safe_cell(name), *(values[column] for column in columns[2:])])
    return text.getvalue()


def safe_cell(text: str) -> str:
    """Text that a spreadsheet will show and not run."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _rows(report: CostReport) -> Iterator[tuple[str, str, Tally, int]]:
    yield "total", "", report.total, report.revenue_micro
    for line in report.tiers:
        yield "tier", line.name, line.tally, line.revenue_micro
    groups = (
        ("platform", report.platforms),
        ("model", report.models),
        ("size", report.sizes),
        ("kind", report.kinds),
    )
    for group, tallies in groups:
        for name, tally in tallies.items():
            yield group, name, tally, tally.revenue_micro
    for top in report.top:
        yield "member", top.member, top.tally, top.tally.revenue_micro


def _percentiles(times: Percentiles | None) -> dict[str, int | None] | None:
    return None if times is None else asdict(times)


def _number(part: Fraction | None) -> float | None:
    return None if part is None else float(part)
