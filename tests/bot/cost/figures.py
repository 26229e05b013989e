"""A month's stats as the store gives them, small enough to check by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.config.schema import Config
from bot.cost.report import CostReport, build
from storage.clock import HOUR_US, to_us
from storage.records.figures import MemberMonth, Percentiles, Stats, Tally, Uptime

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
MIDDLE_US = (to_us(START) + to_us(END)) // 2
MARA = MemberMonth("f3a9c1d27b60e854", Tally(images=310, gpu_us=1_800_000_000, cost_micro=2_500_000))

TIERS = {
    "free": Tally(images=1400, failed=3, refunded=4, cancelled=1, gpu_us=5 * HOUR_US, cost_micro=25_000_000),
    "member": Tally(images=9000, failed=9, refunded=12, cancelled=3, gpu_us=70 * HOUR_US,
                    cost_micro=350_000_000, revenue_micro=450_000_000),
    "premium": Tally(images=6000, gpu_us=52 * HOUR_US, cost_micro=260_000_000, revenue_micro=180_000_000),
    "enterprise": Tally(images=3600, undeliverable=2, gpu_us=33 * HOUR_US, cost_micro=165_000_000,
                        revenue_micro=72_000_000),
}  # fmt: skip
TOTAL = Tally(
    images=20_000,
    failed=12,
    cancelled=4,
    undeliverable=2,
    refunded=16,
    gpu_us=160 * HOUR_US,
    cost_micro=800_000_000,
    revenue_micro=702_000_000,
)
FEES = {"member": 875_000_000, "premium": 900_000_000}


def stats(**changes: object) -> Stats:
    """360 hours up at 4.20 and 0.80: 1,512 and 288 yuan."""
    values: dict[str, object] = {
        "start": START,
        "end": END,
        "currency": "CNY",
        "total": TOTAL,
        "by_tier": TIERS,
        "by_platform": {"discord": TIERS["member"], "telegram": TIERS["free"]},
        "by_model": {"quick": TIERS["free"], "careful": TIERS["member"]},
        "by_size": {"768x768": TIERS["free"], "1024x1024": TIERS["member"], "1536x1536": TIERS["premium"]},
        "wait": Percentiles(20_000, 4_200_000, 41_000_000),
        "draw": Percentiles(20_000, 18_300_000, 31_000_000),
        "wait_by_tier": {
            "free": Percentiles(1400, 22_000_000, 190_000_000),
            "member": Percentiles(9000, 5_000_000, 44_000_000),
            "premium": Percentiles(6000, 3_000_000, 22_000_000),
            "enterprise": Percentiles(3600, 3_100_000, 25_000_000),
        },
        "draw_by_tier": {},
        "uptime": Uptime(160 * HOUR_US, 10 * HOUR_US, 189 * HOUR_US, HOUR_US, 1_512_000_000, 288_000_000),
        "top_members": (MARA,),
    }
    return Stats(**(values | changes))  # type: ignore[arg-type]


def report(now_us: int = MIDDLE_US, **changes: object) -> CostReport:
    """That month, seen from its middle."""
    return build(stats(**changes), Config(), "month", fees=FEES, now_us=now_us)
