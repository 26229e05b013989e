"""`easel plan`: what a card draws an hour, what an image on it costs, and what the tiers leave over. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from bot.config.money import Billing
from bot.cost import formulas as f
from bot.cost.fit import fit
from bot.messages import UserError, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bot.config.money import Tier
    from bot.cost.article import Gpu
    from bot.cost.catalogue import Card
    from bot.cost.fit import Fit
    from engine.families.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a card draws in an hour and what that costs. Costs at the given utilisation, in micro-units."""

    card: str
    images_an_hour: Fraction
    """At full load."""
    rent_micro: int
    """An hour's rent, and operations."""
    operations_micro: int
    utilisation: Fraction

    @property
    def hour_micro(self) -> int:
        return self.rent_micro + self.operations_micro

    @property
    def sold_an_hour(self) -> Fraction:
        return self.images_an_hour * self.utilisation

    @property
    def rent_an_image_micro(self) -> int:
        return f.cost_micro(self.rent_micro, self.sold_an_hour)

    @property
    def cost_an_image_micro(self) -> int:
        """With operations."""
        return f.cost_micro(self.hour_micro, self.sold_an_hour)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPlan(Plan):
    """A card under this program's model, at its usual size and steps."""

    seconds: Fraction
    """How long one picture takes."""
    estimated: bool
    """Nobody has measured or published the seconds."""
    fit: Fit | None
    """How the model goes into its memory; None where it has drawn already."""


class Residency(StrEnum):
    """Whose model it is in the article's formulas: one for each request, or one that all requests share."""

    INSTANCES = "instances"
    SHARED = "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticlePlan(Plan):
    """A card under one of the article's two formulas. Nothing is added beyond the last concurrency that was
    measured.
    """

    residency: Residency
    fits: int
    """Requests at once that its memory holds."""


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


def plan(
    card: Card,
    profile: Callable[[str], Profile],
    *,
    rent_micro: int,
    operations_micro: int,
    utilisation: Fraction,
    at_once: int,
) -> CardPlan | None:
    """The plan for a card, or None where its memory holds no picture.

    `profile` gives the model's profile on a device; `rent_micro` an hour is for a card without a price.
    A measured card draws `at_once`; elsewhere one picture after another, since those that share a card share
    its arithmetic too.
    """
    fitting = None if card.memory_gb is None else fit(float(card.memory_gb), profile(card.name))
    if fitting is not None and not fitting.largest_px:
        return None
    if card.throughput:
        seconds, images = 1 / f.throughput(card.throughput, 1), f.throughput(card.throughput, at_once)
        seconds *= f.HOUR_S
    else:
        seconds = _seconds(card, profile)
        images = f.images_an_hour(1, seconds)
    return CardPlan(
        card=card.name,
        images_an_hour=images,
        rent_micro=rent_micro if card.rent_micro is None else card.rent_micro,
        operations_micro=operations_micro,
        utilisation=utilisation,
        seconds=seconds,
        estimated=not card.throughput and card.like is not None,
        fit=fitting,
    )


def _seconds(card: Card, profile: Callable[[str], Profile]) -> Fraction:
    """Of a picture of the model's usual size and steps: published, or taken from the card it is like."""
    known = card.like or card
    speed = profile(known.name)
    width, height = speed.default_size
    steps_s = speed.default_steps * speed.step_s.at(width * height)
    seconds = Fraction(str(round(speed.encode_s + steps_s + speed.decode_s.at(width * height), 6)))
    return seconds if card.like is None else seconds * Fraction(known.tflops) / Fraction(card.tflops)


def article_plan(
    gpu: Gpu, residency: Residency, *, operations_micro: int, utilisation: Fraction
) -> ArticlePlan | None:
    """The article's plan for a card, or None where not even one request fits."""
    load = gpu.workload
    if residency is Residency.INSTANCES:
        fits = f.instances(gpu.memory_mb, load.peak_mb)
    else:
        fits = f.sharing(gpu.memory_mb, load.resident_mb, load.peak_mb)
    if fits == 0:
        return None
    return ArticlePlan(
        card=gpu.name,
        residency=residency,
        fits=fits,
        images_an_hour=f.throughput(gpu.throughput, fits),
        rent_micro=gpu.rent_micro,
        operations_micro=operations_micro,
        utilisation=utilisation,
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
            return tier.fee_micro
        case Billing.PER_IMAGE:
            return by_volume_micro(tier, images)


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
