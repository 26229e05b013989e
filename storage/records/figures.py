"""The ledger, the meter and the figures that are made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from .members import Member, MemberName


@dataclass(frozen=True, slots=True)
class Rate:
    """What an hour of the machine costs from `valid_from` (an aware datetime) until the next rate.

    `gpu` names the cards it holds for; empty, any that has no rate of its own.
    """

    valid_from: datetime
    rent_micro_per_hour: int
    operations_micro_per_hour: int
    gpu: str = ""


class Outcome(StrEnum):
    """How a job ended, as the ledger tells it."""

    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDELIVERABLE = "undeliverable"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One closed job, for good. `price_micro` is what was charged (0 when it was not); `counts_as`, how many
    images of the allowance it is, and `from_topup`, how many of them are the top-up's.
    """

    entry: int
    at: datetime
    member: str
    month: int
    outcome: Outcome
    charged: bool
    from_topup: int
    tier: str
    platform: str
    price_micro: int
    gpu_us: int
    energy_mj: int | None
    cost_micro: int
    wait_us: int | None
    draw_us: int | None
    model: str
    width: int
    height: int
    steps: int
    device: str
    cached: bool
    counts_as: int
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class MeterSlice:
    """A stretch of a device's time, [start_us, end_us) in UTC: what of it was busy and overhead; the rest was
    idle. A `device` that names its card is booked at that card's rate.
    """

    start_us: int
    end_us: int
    busy_us: int
    overhead_us: int
    device: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over closed jobs.

    `images` are the charged ones; the others of `drawn` work cost GPU time all the same.
    """

    images: int = 0
    failed: int = 0
    cancelled: int = 0
    undeliverable: int = 0
    refunded: int = 0
    gpu_us: int = 0
    energy_mj: int = 0
    cost_micro: int = 0
    revenue_micro: int = 0


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Times in microseconds, each right within a bucket of the histogram (about 9 %); None where nothing was
    counted.
    """

    count: int
    p50_us: int | None
    p95_us: int | None


@dataclass(frozen=True, slots=True)
class Uptime:
    """Metered machine time in microseconds, and what it cost at the rates that were valid then."""

    busy_us: int
    overhead_us: int
    idle_us: int
    lost_us: int
    rent_micro: int
    operations_micro: int


@dataclass(frozen=True, slots=True)
class MemberMonth:
    """One member's share of a month."""

    member: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class MemberLine:
    """A member in a list: who they are on each platform, and their share of this calendar month."""

    member: Member
    name: MemberName
    tally: Tally


@dataclass(frozen=True, slots=True)
class Day:
    """The figures of one day in the configured time zone, which begins at `start`."""

    start: datetime
    tally: Tally
    wait: Percentiles


@dataclass(frozen=True, slots=True)
class Stats:
    """The figures of a period, read from rollups alone. `size` keys are "WIDTHxHEIGHT".

    `top_members` are those of the calendar month in which the period ends.
    """

    start: datetime
    end: datetime
    currency: str
    total: Tally
    by_tier: dict[str, Tally]
    by_platform: dict[str, Tally]
    by_model: dict[str, Tally]
    by_size: dict[str, Tally]
    wait: Percentiles
    draw: Percentiles
    wait_by_tier: dict[str, Percentiles]
    draw_by_tier: dict[str, Percentiles]
    uptime: Uptime
    top_members: tuple[MemberMonth, ...]
    by_kind: dict[str, Tally] = field(default_factory=dict)
    """What was varied, inpainted, enlarged: images, GPU time, money. The rest was drawn from text alone."""

    def share(self, tier: str) -> float:
        """The tier's part of all charged images, 0 to 1."""
        return self.by_tier.get(tier, Tally()).images / self.total.images if self.total.images else 0.0
