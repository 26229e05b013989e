"""The month counted again from the raw tables alone, with arithmetic of its own: no code of bot or store.

It reads ledger rows, the meter's slices and the audit log with sqlite3, and knows the prices it was told.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

HOUR_US = 3_600_000_000
QUARTER_US = HOUR_US // 4


def half_up(number: Fraction) -> int:
    return (2 * number.numerator + number.denominator) // (2 * number.denominator)


def recount(
    database: Path,
    *,
    start_us: int,
    end_us: int,
    now_us: int,
    hour_micro: tuple[int, int],
    fees_micro: dict[str, int],
    free: frozenset[str],
) -> dict[str, Any]:
    """All totals of the period. `hour_micro`: rent and operations; `fees_micro`: a month's, by tier."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        db.row_factory = sqlite3.Row
        ledger = db.execute(
            "SELECT * FROM ledger WHERE at_us >= ? AND at_us < ?", (start_us, end_us)
        ).fetchall()
        slices = db.execute(
            "SELECT * FROM meter WHERE cell_us >= ? AND cell_us < ?", (start_us, end_us)
        ).fetchall()
        tiers_given = db.execute("SELECT * FROM audit WHERE action = 'set_tier' ORDER BY id").fetchall()
        keys = dict(db.execute("SELECT id, key FROM member").fetchall())
    groups: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in ledger:
        cost = half_up(Fraction(row["gpu_us"] * sum(hour_micro), HOUR_US))
        assert row["cost_micro"] == cost, f"ledger row {row['entry']} costs {row['cost_micro']}, not {cost}"
        counts = _counts(row, cost)
        places = {
            "total": "", "tiers": row["tier"], "platforms": row["platform"], "members": keys[row["member"]],
        }  # fmt: skip
        if row["width"]:
            places["sizes"] = f"{row['width']}x{row['height']}"
        for group, name in places.items():
            groups[group][name].update(counts)
    times = Counter[str]()
    for row in slices:
        parts = {name: row[name] for name in ("busy_us", "overhead_us", "idle_us", "lost_us")}
        assert sum(parts.values()) <= QUARTER_US
        times.update(parts)
    up_us = sum(times.values())
    fees = _fees(tiers_given, start_us, end_us, min(end_us, now_us), fees_micro)
    charged = {tier: counts["revenue_micro"] for tier, counts in groups["tiers"].items()}
    revenue = {tier: charged.get(tier, 0) for tier in charged if tier not in fees_micro} | fees
    images = groups["total"][""]["images"]
    free_images = sum(counts["images"] for tier, counts in groups["tiers"].items() if tier in free)
    return {
        "total": groups["total"],
        "tiers": groups["tiers"],
        "platforms": groups["platforms"],
        "sizes": groups["sizes"],
        "members": groups["members"],
        "times": times,
        "rent_micro": half_up(Fraction(up_us * hour_micro[0], HOUR_US)),
        "operations_micro": half_up(Fraction(up_us * hour_micro[1], HOUR_US)),
        "revenue_micro": sum(revenue.values()),
        "free_share": Fraction(free_images, images) if images else None,
        "waits_us": sorted(row["wait_us"] for row in ledger if row["wait_us"] is not None),
        "draws_us": sorted(row["draw_us"] for row in ledger if row["draw_us"] is not None),
    }


def _counts(row: sqlite3.Row, cost: int) -> dict[str, int]:
    return {
        "images": int(row["charged"] and row["outcome"] != "undeliverable"),
        "failed": int(row["outcome"] in ("failed", "expired")),
        "cancelled": int(row["outcome"] == "cancelled"),
        "undeliverable": int(row["outcome"] == "undeliverable"),
        "refunded": int(not row["charged"]),
        "gpu_us": row["gpu_us"],
        "energy_mj": row["energy_mj"] or 0,
        "cost_micro": cost,
        "revenue_micro": row["price_micro"],
    }


def _fees(
    given: list[sqlite3.Row], start_us: int, end_us: int, until_us: int, fees_micro: dict[str, int]
) -> dict[str, int]:
    """Subscriptions of one calendar month, by the time each tier was held."""
    held: Counter[str] = Counter()
    holding: dict[str, tuple[str, int]] = {}
    for row in [*given, None]:
        ended = (
            [(row["subject"], row["at_us"])]
            if row is not None
            else [(who, until_us) for who in list(holding)]
        )
        for who, at_us in ended:
            tier, since_us = holding.pop(who, ("", at_us))
            held[tier] += max(0, min(at_us, until_us) - max(since_us, start_us))
        if row is not None:
            detail = json.loads(row["detail"])
            assert detail["until"] is None or datetime.fromisoformat(detail["until"])
            holding[row["subject"]] = (detail["tier"], row["at_us"])
    return {
        tier: half_up(Fraction(fee * held[tier], end_us - start_us))
        for tier, fee in fees_micro.items()
        if held[tier]
    }
