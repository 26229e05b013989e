"""Rates and prices of bot.toml, in the integers that the store counts in."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from babel.numbers import format_currency

from bot.config.section import MICRO
from storage.months import Calendar
from storage.policy import Policy
from storage.rates import of_device
from storage.records.figures import Rate
from storage.records.members import TierTerms

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.config.schema import Config


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def policy(config: Config) -> Policy:
    """What the store goes by."""
    tiers = {
        name: TierTerms(
            name=name,
            allowance=tier.images_a_month,
            price_micro=tier.price_micro,
            volume=tier.volume_micro,
            slow=tier.slow_images_a_month,
            daily_cap_server=tier.daily_cap_server,
            daily_cap_total=tier.daily_cap_total,
            min_account_age_s=tier.min_account_age_days * 86_400,
        )
        for name, tier in config.tiers.items()
    }
    return Policy(tiers, config.default_tier, _rates(config), config.currency, Calendar(config.time_zone))


class Pricing:
    """What a device costs now."""

    def __init__(self, config: Config, now: Callable[[], dt.datetime] = utc_now) -> None:
        self._now = now
        self._rates = _rates(config)
        self.currency = config.currency

    def rate(self, device: str = "") -> Rate:
        """A device's rate of now; before the first `valid_from`, the first."""
        now, rates = self._now(), of_device(self._rates, device)
        return next((rate for rate in reversed(rates) if rate.valid_from <= now), rates[0])


def money(amount_micro: int, currency: str, language: str) -> str:
    """An amount as the reader writes it, with as many digits as it needs to say something."""
    digits = 2 if amount_micro == 0 or abs(amount_micro) >= MICRO else 6 if abs(amount_micro) < 100 else 4
    pattern = "¤#,##0." + "0" * digits
    return format_currency(
        amount_micro / MICRO, currency, pattern, locale=language.replace("-", "_"), currency_digits=False
    )


def _rates(config: Config) -> tuple[Rate, ...]:
    return tuple(
        Rate(
            valid_from=dt.datetime.combine(rent.valid_from, dt.time(), config.zone),
            rent_micro_per_hour=int(rent.gpu_an_hour * MICRO),
            operations_micro_per_hour=int(rent.operations_an_hour * MICRO),
            gpu=rent.gpu,
        )
        for rent in config.rent
    )
