"""What the owner configured and every operation goes by: tiers, rates, the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .clock import HOUR_US, to_us
from .errors import UnknownTier
from .rates import of_device

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .months import Calendar
    from .records.figures import Rate
    from .records.members import TierTerms


@dataclass(frozen=True, slots=True)
class Policy:
    """`tiers` run from the lowest to the highest, `rates` in any order.

    Backups are kept for `backups_keep_days`; a killed process's time is lost for at most `outage_limit_s`.
    Raises UnknownTier where the default is none of the tiers.
    """

    tiers: Mapping[str, TierTerms]
    default_tier: str
    rates: tuple[Rate, ...]
    currency: str
    calendar: Calendar
    backups_keep_days: int = 30
    outage_limit_s: int = 3600

    def __post_init__(self) -> None:
        self.terms(self.default_tier)

    def terms(self, name: str) -> TierTerms:
        """Raises UnknownTier."""
        try:
            return self.tiers[name]
        except KeyError:
            raise UnknownTier(f"no tier {name!r}; there are {', '.join(self.tiers)}") from None

    def tier_in_force(self, name: str | None, until_us: int | None, now_us: int) -> str:
        """The stored tier while it lasts and the configuration still knows it, else the default."""
        if name is None or name not in self.tiers or (until_us is not None and now_us >= until_us):
            return self.default_tier
        return name

    def higher(self, one: str, other: str | None) -> str:
        """The higher ranking of two tiers; unknown ones rank below all."""
        if other is None or other not in self.tiers:
            return one
        order = list(self.tiers)
        return max(one, other, key=order.index)

    def has_volume_prices(self, tier: str) -> bool:
        """Whether the price of an image depends on how many were charged before it."""
        return tier in self.tiers and bool(self.tiers[tier].volume)

    def rate_at(self, moment_us: int, device: str = "") -> tuple[int, int]:
        """A device's rent and operations in micro-units an hour; before the first rate, that first holds."""
        rates = of_device(self.rates, device)
        if not rates:
            return 0, 0
        begun = [rate for rate in rates if to_us(rate.valid_from) <= moment_us]
        rate = max(begun, key=_from) if begun else min(rates, key=_from)
        return rate.rent_micro_per_hour, rate.operations_micro_per_hour

    def cost_micro(self, gpu_us: int, moment_us: int, device: str = "") -> int:
        """What that much of a device costs at a moment's rate, rounded half up."""
        return (gpu_us * sum(self.rate_at(moment_us, device)) * 2 + HOUR_US) // (2 * HOUR_US)


def _from(rate: Rate) -> int:
    return to_us(rate.valid_from)
