"""The settings about money: tiers, what the machine costs, and what members can buy."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from bot.config.section import MICRO, Edge, Language, Price, Section


class Billing(StrEnum):
    """How a tier pays: nothing, a monthly subscription, or for each image."""

    NONE = "none"
    SUBSCRIPTION = "subscription"
    PER_IMAGE = "per_image"


class VolumePrice(Section):
    """A lower price for a member who draws many images in a month."""

    beyond: Annotated[int, Field(ge=1)]
    price: Price


class Tier(Section):
    """What a class of members may do, and what they pay. Sizes are the edge of a square in pixels."""

    name: str = ""
    images_a_month: Annotated[int, Field(ge=0)] | None = None
    slow_images_a_month: Annotated[int, Field(ge=0)] = 0
    price: Price = Decimal(0)
    volume_prices: tuple[VolumePrice, ...] = ()
    billing: Billing = Billing.SUBSCRIPTION
    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    default_size: Edge = 1024
    max_size: Edge = 1024
    max_steps: Annotated[int, Field(ge=1, le=100)] = 50
    max_images: Annotated[int, Field(ge=1, le=4)] = 4
    max_waiting: Annotated[int, Field(ge=1)] = 10
    input_pictures: bool = True
    max_input_mb: Annotated[int, Field(ge=1, le=50)] = 10
    watermark: bool = False
    show_cost: bool = False
    min_account_age_days: Annotated[int, Field(ge=0)] = 0
    daily_cap_server: Annotated[int, Field(ge=1)] | None = None
    daily_cap_total: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _slow_after_an_allowance(self) -> Tier:
        if self.slow_images_a_month and (self.images_a_month is None or self.volume_prices):
            raise ValueError("has slow_images_a_month, so it must have images_a_month and no volume_prices")
        return self

    @property
    def max_pixels(self) -> int:
        return self.max_size**2

    @property
    def default_pixels(self) -> int:
        return min(self.default_size, self.max_size) ** 2

    @property
    def price_micro(self) -> int:
        return int(self.price * MICRO)

    @property
    def fee_micro(self) -> int:
        """A month's subscription: the price of the whole allowance."""
        return self.price_micro * (self.images_a_month or 1)

    @property
    def volume_micro(self) -> tuple[tuple[int, int], ...]:
        """(images of the month before, price of each one after), from the first step to the last."""
        return tuple(sorted((step.beyond, int(step.price * MICRO)) for step in self.volume_prices))


class Rent(Section):
    """What an hour of the machine costs from a date on, in the currency. Add an entry when the rent changes:
    what was drawn before keeps its old rate.
    """

    gpu: str = ""
    valid_from: dt.date
    gpu_an_hour: Price
    operations_an_hour: Price = Decimal(0)


class Cost(Section):
    """Limits for what images may cost, checked hourly. Passing one raises an alert."""

    max_cost_an_image: Price | None = None
    max_idle_share: Annotated[float, Field(gt=0, le=1)] | None = None
    monthly_report: bool = True


class Sales(Section):
    """Selling to members. What there is to buy is under [offers]."""

    enabled: bool = False
    support: Annotated[str, Field(max_length=200)] = ""
    terms: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    star: Price = Decimal(0)
    star_fee: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal(0)
    dollar: Price = Decimal(0)
    discord_fee: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal(0)


class Offer(Section):
    """Something members can buy: images that last until they are used, or a tier for some days."""

    name: str = ""
    images: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    tier: str | None = None
    days: Annotated[int, Field(ge=1, le=366)] | None = None
    stars: Annotated[int, Field(ge=1, le=100_000)] | None = None
    renews: bool = False
    discord_sku: Annotated[int, Field(ge=1)] | None = None
    discord_cents: Annotated[int, Field(ge=1)] | None = None
    prices: dict[str, Annotated[int, Field(ge=1)]] = {}
    label: dict[Language, Annotated[str, Field(min_length=1, max_length=32)]] = {}

    @model_validator(mode="after")
    def _one_thing(self) -> Offer:
        if (self.images is None) == (self.tier is None):
            raise ValueError("must have either images or a tier")
        if (self.tier is None) != (self.days is None):
            raise ValueError("must have days with a tier, and only then")
        if (self.discord_sku is None) != (self.discord_cents is None):
            raise ValueError("must have discord_sku and discord_cents, or neither")
        if self.renews and (self.days != SUBSCRIPTION_DAYS or (self.stars or 0) > SUBSCRIPTION_STARS):
            raise ValueError(
                f"renews, so it must be a tier for {SUBSCRIPTION_DAYS} days, for at most"
                f" {SUBSCRIPTION_STARS} Stars"
            )
        return self


SUBSCRIPTION_DAYS, SUBSCRIPTION_STARS = 30, 10_000
"""The only term of a subscription that Telegram knows, and the most it may cost."""
OfferName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]
SEED_TIERS: dict[str, Tier] = {
    "free": Tier(
        images_a_month=100,
        billing=Billing.NONE,
        weight=1.0,
        default_size=768,
        max_size=768,
        max_steps=20,
        max_waiting=4,
        watermark=True,
    ),
    "member": Tier(images_a_month=500, price=Decimal("0.05"), weight=3.0, max_waiting=8),
    "premium": Tier(images_a_month=2000, price=Decimal("0.03"), weight=6.0, max_size=1536, max_waiting=16),
    "enterprise": Tier(
        price=Decimal("0.02"), billing=Billing.PER_IMAGE, weight=6.0, max_size=2048, max_waiting=64
    ),
}
"""The four tiers and prices of the article Easel comes from (yuan an image)."""
