"""`easel plan`: what a card draws an hour, what an image on it costs, and what the tiers leave over. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from bot.config.schema import Billing
from bot.cost import formulas as f
from bot.messages import UserError, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bot.config.schema import Tier
    from bot.cost.catalogue import Gpu


class Residency(StrEnum):
    """Whose model it is: one for each request, or one that all requests share."""

    INSTANCES = "instances"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Plan:
    """A card under one of the two formulas. Costs at the given utilisation, in micro-units."""

    gpu: Gpu
    residency: Residency
    fits: int
    """Requests at once that its memory holds."""
    images_an_hour: Fraction
    """At full load; nothing is added beyond the last concurrency that was measured."""
    hour_micro: int
    """Rent and operations."""
    utilisation: Fraction
    rent_an_image_micro: int
    cost_an_image_micro: int
    """With operations."""

    @property
    def sold_an_hour(self) -> Fraction:
        return self.images_an_hour * self.utilisation


@dataclass(frozen=True, slots=True)
class TierPlan:
    """What one tier's price leaves over on a card."""

    tier: str
    price_micro: int
    markup: Fraction | None
    """Profit over cost; None for a tier that pays nothing."""
    break_even: Fraction | None
    """The part of the card's images that must be sold at this price to pay for it."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Members of a tier, and the images each asks for in a month."""

    tier: str
    members: int
    images_each: int


@dataclass(frozen=True, slots=True)
class Month:
    """A month with so many members, on as many cards as they need, rented around the clock."""

    images: int
    cards: int
    utilisation: Fraction
    cost_micro: int
    revenue_micro: int
    free_share: Fraction

    @property
    def profit_micro(self) -> int:
        return self.revenue_micro - self.cost_micro

    @property
    def cost_an_image_micro(self) -> int | None:
        return f.cost_micro(self.cost_micro, self.images) if self.images else None


def plan(gpu: Gpu, residency: Residency, *, operations_micro: int, utilisation: Fraction) -> Plan | None:
    """The plan for a card, or None where not even one request fits."""
    load = gpu.workload
    if residency is Residency.INSTANCES:
        fits = f.instances(gpu.memory_mb, load.peak_mb)
    else:
        fits = f.sharing(gpu.memory_mb, load.resident_mb, load.peak_mb)
    if fits == 0:
        return None
    images = f.throughput(gpu.throughput, fits)
    hour = gpu.rent_micro + operations_micro
    return Plan(
        gpu=gpu,
        residency=residency,
        fits=fits,
        images_an_hour=images,
        hour_micro=hour,
        utilisation=utilisation,
        rent_an_image_micro=f.cost_micro(gpu.rent_micro, images * utilisation),
        cost_an_image_micro=f.cost_micro(hour, images * utilisation),
    )


def tier_plans(planned: Plan, tiers: Mapping[str, Tier]) -> list[TierPlan]:
    """Each price of bot.toml, volume prices too, against the card's cost at the plan's utilisation."""
    cost = Fraction(planned.hour_micro) / planned.sold_an_hour
    found = []
    for name, price in _prices(tiers):
        pays = price > 0 and cost > 0
        found.append(
            TierPlan(
                tier=name,
                price_micro=price,
                markup=f.markup(price, cost) if pays else None,
                break_even=f.break_even(planned.hour_micro, price, planned.images_an_hour) if pays else None,
            )
        )
    return found


def month(planned: Plan, crowds: Iterable[Crowd], tiers: Mapping[str, Tier]) -> Month:
    """A month of these members: the cards are filled to the plan's utilisation at most."""
    crowds = list(crowds)
    images = sum(crowd.members * crowd.images_each for crowd in crowds)
    free = sum(c.members * c.images_each for c in crowds if tiers[c.tier].billing is Billing.NONE)
    one = planned.images_an_hour * f.HOURS_A_MONTH
    cards = max(1, ceil(images / (one * planned.utilisation)))
    return Month(
        images=images,
        cards=cards,
        utilisation=images / (one * cards),
        cost_micro=cards * planned.hour_micro * f.HOURS_A_MONTH,
        revenue_micro=sum(
            crowd.members * revenue_micro(tiers[crowd.tier], crowd.images_each) for crowd in crowds
        ),
        free_share=Fraction(free, images) if images else Fraction(),
    )


def revenue_micro(tier: Tier, images: int) -> int:
    """What a member of the tier pays for a month with so many images."""
    match tier.billing:
        case Billing.NONE:
            return 0
        case Billing.SUBSCRIPTION:
            return fee_micro(tier)
        case Billing.PER_IMAGE:
            return by_volume_micro(tier, images)


def fee_micro(tier: Tier) -> int:
    """A month's subscription: the price of the whole allowance."""
    return tier.price_micro * (tier.images_a_month or 1)


def by_volume_micro(tier: Tier, images: int) -> int:
    """So many images of one member in a month, at the prices of the steps they fall into."""
    total = last = 0
    price = tier.price_micro
    for beyond, lower in tier.volume_micro:
        total += price * max(0, min(images, beyond) - last)
        last, price = beyond, lower
    return total + price * max(0, images - last)


def _prices(tiers: Mapping[str, Tier]) -> Iterator[tuple[str, int]]:
    for name, tier in tiers.items():
        yield name, tier.price_micro
        for beyond, price in tier.volume_micro:
            yield f"{name} > {beyond}", price


def parse_members(text: str, tiers: Mapping[str, Tier]) -> list[Crowd]:
    """`free=400,member=70x300`: members by tier, and what each asks for (by default its allowance)."""
    crowds = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([\w-]+)\s*=\s*(\d{1,9})(?:\s*[x×]\s*(\d{1,9}))?\s*", part)
        if match is None:
            raise UserError(say("plan-members-form", found=part.strip()))
        name, members, each = match[1], int(match[2]), match[3]
        if name not in tiers:
            raise UserError(say("error-choice", option="--members", found=name, allowed=", ".join(tiers)))
        asks = int(each) if each else tiers[name].images_a_month
        if asks is None:
            raise UserError(say("plan-members-images", tier=name))
        crowds.append(Crowd(name, members, asks))
    return crowds


def percent(part: Fraction) -> str:
    """A fraction as whole per cent, rounded half up."""
    return f"{floor(part * 100 + Fraction(1, 2))} %"
