"""The cost report of a period: the store's rollups, seen with the prices and goals of bot.toml. Integers.

Whatever a face, a chart or a file shows comes from one `CostReport`, so each platform tells the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from bot.config.money import Billing
from bot.messages import UserError, say
from storage.clock import from_us, to_us, utc_us
from storage.months import Period
from storage.records.figures import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from bot.config.money import Tier
    from bot.config.schema import Config
    from storage.months import Calendar
    from storage.records.figures import MemberMonth, Percentiles, Stats
    from storage.store import Store

PERIODS = "today, 7d, month, YYYY-MM"


@dataclass(frozen=True, slots=True)
class TierLine:
    """A tier's part of the period."""

    name: str
    billing: Billing
    tally: Tally
    revenue_micro: int
    """What the ledger charged, or the fees of its subscribers for the time they held it."""
    wait: Percentiles | None
    draw: Percentiles | None

    @property
    def margin_micro(self) -> int:
        """Over the cost of the device time its images took."""
        return self.revenue_micro - self.tally.cost_micro


@dataclass(frozen=True, slots=True)
class Rent:
    """Rent of the metered time, split by what the time was; and operations for all of it. Micro-units."""

    busy_micro: int
    overhead_micro: int
    idle_micro: int
    lost_micro: int
    operations_micro: int

    @property
    def rent_micro(self) -> int:
        return self.busy_micro + self.overhead_micro + self.idle_micro + self.lost_micro

    @property
    def total_micro(self) -> int:
        return self.rent_micro + self.operations_micro


@dataclass(frozen=True, slots=True)
class Forecast:
    """The period at its end, if it goes on as so far."""

    images: int
    cost_micro: int
    revenue_micro: int

    @property
    def margin_micro(self) -> int:
        return self.revenue_micro - self.cost_micro


@dataclass(frozen=True, slots=True)
class CostReport:
    """All figures of `/stats cost`."""

    period: str
    start: datetime
    end: datetime
    now: datetime
    currency: str
    total: Tally
    tiers: tuple[TierLine, ...]
    platforms: Mapping[str, Tally]
    models: Mapping[str, Tally]
    sizes: Mapping[str, Tally]
    busy_us: int
    overhead_us: int
    idle_us: int
    lost_us: int
    rent: Rent
    free_share: Fraction | None
    """Images of tiers that pay nothing, of all; None without images."""
    free_goal: Fraction
    wait: Percentiles
    draw: Percentiles
    top: tuple[MemberMonth, ...]
    forecast: Forecast | None
    kinds: Mapping[str, Tally] = field(default_factory=dict)
    """Images, GPU time and money by what was asked for; empty while everything was drawn from text alone."""

    @property
    def up_us(self) -> int:
        return self.busy_us + self.overhead_us + self.idle_us + self.lost_us

    @property
    def utilisation(self) -> Fraction | None:
        """Busy time of all the time the bot was up."""
        return Fraction(self.busy_us, self.up_us) if self.up_us else None

    @property
    def idle_share(self) -> Fraction | None:
        return Fraction(self.idle_us, self.up_us) if self.up_us else None

    @property
    def real_image_micro(self) -> int | None:
        """An image's cost at the real utilisation: all that was paid, over the images."""
        return _each(self.rent.total_micro, self.total.images)

    @property
    def full_image_micro(self) -> int | None:
        """An image's cost at full load: of the device time that was drawn."""
        return _each(self.total.cost_micro, self.total.images)

    @property
    def revenue_micro(self) -> int:
        return sum(line.revenue_micro for line in self.tiers)

    @property
    def margin_micro(self) -> int:
        return self.revenue_micro - self.rent.total_micro


async def cost_report(store: Store, config: Config, period: str, *, now_us: int | None = None) -> CostReport:
    """The report of `today`, `7d`, `month` or `2026-11`. Raises `UserError` for any other word."""
    now_us = utc_us() if now_us is None else now_us
    word = period.strip().lower().removeprefix("cost").strip() or "month"
    try:
        span = store.calendar.period(word, now_us)
    except ValueError:
        raise UserError(say("error-choice", option="period", found=word, allowed=PERIODS)) from None
    stats = await store.stats.of(span)
    fees = await _fees(store, config.tiers, span)
    return build(stats, config, word, fees=fees, now_us=now_us)


def build(stats: Stats, config: Config, period: str, *, fees: Mapping[str, int], now_us: int) -> CostReport:
    """Stats, prices and goals put together. `fees` are the subscriptions of the period by tier."""
    tiers = tuple(_tier_lines(stats, config.tiers, fees))
    up = stats.uptime
    rent = _split(up.rent_micro, up.operations_micro, (up.busy_us, up.overhead_us, up.idle_us, up.lost_us))
    free = sum(line.tally.images for line in tiers if line.billing is Billing.NONE)
    return CostReport(
        period=period,
        start=stats.start,
        end=stats.end,
        now=from_us(now_us),
        currency=stats.currency,
        total=stats.total,
        tiers=tiers,
        platforms=stats.by_platform,
        models=stats.by_model,
        sizes=dict(sorted(stats.by_size.items(), key=lambda item: -item[1].images)),
        busy_us=up.busy_us,
        overhead_us=up.overhead_us,
        idle_us=up.idle_us,
        lost_us=up.lost_us,
        rent=rent,
        free_share=Fraction(free, stats.total.images) if stats.total.images else None,
        free_goal=Fraction(str(config.engine.free_share)),
        wait=stats.wait,
        draw=stats.draw,
        top=stats.top_members,
        forecast=_forecast(stats, rent.total_micro, sum(line.revenue_micro for line in tiers), now_us),
        kinds=_kinds(stats),
    )


def _kinds(stats: Stats) -> dict[str, Tally]:
    if not stats.by_kind:
        return {}
    text = {
        name: getattr(stats.total, name) - sum(getattr(tally, name) for tally in stats.by_kind.values())
        for name in ("images", "gpu_us", "cost_micro", "revenue_micro")
    }
    return {"text": Tally(**text), **stats.by_kind}


async def _fees(store: Store, tiers: Mapping[str, Tier], span: Period) -> dict[str, int]:
    """Subscriptions: in each calendar month the fee, for the part of the month a tier was held."""
    fees: dict[str, Fraction] = {}
    if not any(tier.billing is Billing.SUBSCRIPTION for tier in tiers.values()):
        return {}
    for part, month_us in _by_month(store.calendar, span):
        for name, held_us in (await store.stats.held(part)).items():
            tier = tiers.get(name)
            if tier is not None and tier.billing is Billing.SUBSCRIPTION:
                fees[name] = fees.get(name, Fraction()) + Fraction(tier.fee_micro * held_us, month_us)
    return {name: _rounded(fee) for name, fee in fees.items()}


def _by_month(calendar: Calendar, span: Period) -> Iterator[tuple[Period, int]]:
    """The calendar months of a span: the part that lies in it, and the length of the whole month."""
    at_us = span.start_us
    while at_us < span.end_us:
        month = calendar.month_of(calendar.month(at_us))
        part = Period(at_us, min(month.end_us, span.end_us))
        yield part, month.end_us - month.start_us
        at_us = part.end_us


def _tier_lines(stats: Stats, tiers: Mapping[str, Tier], fees: Mapping[str, int]) -> Iterator[TierLine]:
    names = [*tiers, *(name for name in stats.by_tier if name not in tiers)]
    for name in names:
        tally = stats.by_tier.get(name, Tally())
        tier = tiers.get(name)
        billing = tier.billing if tier else Billing.PER_IMAGE  # a tier of old: what the ledger charged
        revenue = fees.get(name, 0) if billing is Billing.SUBSCRIPTION else tally.revenue_micro
        if tally != Tally() or revenue or tier:
            yield TierLine(
                name, billing, tally, revenue, stats.wait_by_tier.get(name), stats.draw_by_tier.get(name)
            )


def _split(rent_micro: int, operations_micro: int, times_us: tuple[int, int, int, int]) -> Rent:
    """Rent in proportion to time; what rounding leaves over is idle, so the parts add up to the whole."""
    up_us = sum(times_us)
    busy, overhead, _, lost = (rent_micro * time_us // up_us if up_us else 0 for time_us in times_us)
    return Rent(busy, overhead, rent_micro - busy - overhead - lost, lost, operations_micro)


def _forecast(stats: Stats, cost_micro: int, revenue_micro: int, now_us: int) -> Forecast | None:
    start_us, end_us = to_us(stats.start), to_us(stats.end)
    if not start_us < now_us < end_us:
        return None
    factor = Fraction(end_us - start_us, now_us - start_us)
    return Forecast(
        images=_rounded(stats.total.images * factor),
        cost_micro=_rounded(cost_micro * factor),
        revenue_micro=_rounded(revenue_micro * factor),
    )


def _each(micro: int, images: int) -> int | None:
    return _rounded(Fraction(micro, images)) if images else None


def _rounded(number: Fraction) -> int:
    return floor(number + Fraction(1, 2))
