"""The commands about buying: /plans, /redeem, /gift, /refund, /paysupport, /terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.commands.button_ids import Reply, reply_id
from bot.commands.command import Argument, Command, Kind
from bot.commands.owners import checked_images
from bot.faces.caller import Who
from bot.faces.platforms import PLATFORMS
from bot.imagine.access import require_access
from bot.imagine.pricing import money
from bot.imagine.refusals import day
from bot.messages import UserError, say
from bot.render import Button, Card
from bot.sales.texts import label
from storage.errors import GiftRefused, MemberBanned, VoucherProblem, VoucherRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.commands.command import Given
    from bot.config.money import Offer, Tier
    from bot.config.schema import Config
    from bot.faces.caller import Caller
    from bot.imagine.service import Service
    from bot.messages import Message, Translator
    from storage.goods import Brought

VOUCHER_ERRORS = {
    VoucherProblem.UNKNOWN: "error-voucher-unknown",
    VoucherProblem.USED: "error-voucher-used",
    VoucherProblem.TOO_MANY_TRIES: "error-link-tries",
    VoucherProblem.BANNED: "error-banned",
    VoucherProblem.NO_SUCH_TIER: "error-voucher-unknown",
    VoucherProblem.HELD: "error-voucher-held",
}


def sells(config: Config) -> bool:
    """`Command.when` of a command that is there where members can buy."""
    return config.sales.enabled


async def plans(service: Service, caller: Caller) -> Card:
    """The tiers, the caller's own, and what can be bought; buttons to buy where the platform sells."""
    t, config = caller.t, service.config
    own = service.members.tier_of(caller.member, caller.asker).name
    facts = [
        (t("plans-yours", tier=name) if name == own else name, _tier(tier, config.currency, t))
        for name, tier in config.tiers.items()
    ]
    lines = []
    if (until := caller.member.tier_until) is not None:
        lines.append(t("plans-until", tier=caller.member.tier, until=day(until, t.language)))
    facts += [(label(offer, t), _price(offer, caller, service)) for offer in config.offers.values()]
    if not config.offers:
        buttons: tuple[Button, ...] = ()
    elif why_not := await _may_not_buy(service, caller):
        buttons = ()
        lines.append(t(why_not))
    else:
        buttons = tuple(_buttons(service, caller))
    return Card(t("plans-title"), tuple(facts), "\n".join(lines), buttons=buttons)


def _buttons(service: Service, caller: Caller) -> Iterator[Button]:
    """One for each offer that is sold where the caller is."""
    t, platform = caller.t, caller.origin.platform
    for name, offer in service.config.offers.items():
        if (sold := service.shop.prices(offer).get(platform)) is not None:
            price, provider = sold
            text = f"{label(offer, t)} · {provider.shown(price, t)}"
            yield Button(text, reply_id(Reply.BUY, name), sku=provider.sku(offer))


async def _may_not_buy(service: Service, caller: Caller) -> Message | None:
    """Why the caller cannot buy here: others read along, or nothing would be drawn for them."""
    if not caller.origin.alone:
        return say("plans-private")
    if caller.asker.admitted:
        return None
    asker, access = caller.asker, service.config.access
    try:
        await require_access(access, service.store, caller.member, asker.user_id, asker.scope)
    except UserError as error:
        return error.message
    return None


async def buy(service: Service, caller: Caller, offer: str) -> Card:
    """Order an offer; the invoice follows, or stands behind a link."""
    if why_not := await _may_not_buy(service, caller):
        raise UserError(why_not)
    origin, t = caller.origin, caller.t
    url = await service.shop.order(caller.member, origin.platform, origin.user_id, offer, t)
    return Card(t("order-title"), text=t("order-link" if url else "order-invoice"), link=url)


def see_plans(config: Config, t: Translator) -> tuple[Button, ...]:
    """A button to /plans, where there is something to buy."""
    return (Button(t("plans-show"), reply_id(Reply.PLANS)),) if config.sales.enabled else ()


async def redeem(service: Service, caller: Caller, given: Given) -> Card:
    """What a voucher's code brings."""
    try:
        brought = await service.store.vouchers.redeem(caller.member.key, given["voucher"])
    except VoucherRefused as error:
        raise UserError(say(VOUCHER_ERRORS[error.why])) from None
    return Card(_brought(brought, caller.t))


async def gift(service: Service, caller: Caller, given: Given) -> Card:
    """Give of one's own top-up to another member. A redelivered event gives once."""
    images, who, t = checked_images(given["count"]), given.somebody, caller.t
    receiver = await service.store.members.of(who.platform, who.user_id)
    key = f"{caller.origin.platform}:{caller.key}"
    try:
        given_now = await service.store.vouchers.give(caller.member.key, receiver.key, images, key=key)
    except GiftRefused as error:
        message = say("error-gift-self") if error.to_oneself else say("error-gift-left", left=error.left)
        raise UserError(message) from None
    except MemberBanned:
        raise UserError(say("error-banned")) from None
    if given_now:
        await service.shop.tell_of_gift(who.platform, who.user_id, images)
    left = (await service.store.members.quota(caller.member.key)).topup
    return Card(t("gift-given", images=images, left=left))


async def refund(service: Service, caller: Caller, given: Given) -> Card:
    """Pay an order back, and take back what is unused of it."""
    back, made = await service.shop.refund(given["order"], by=caller.member.key, why=given["why"])
    t = caller.t
    facts = [(t("refund-amount"), f"{back.amount} {back.currency}")]
    if back.images_back or back.images_kept:
        facts += [(t("refund-back"), str(back.images_back)), (t("refund-kept"), str(back.images_kept))]
    else:
        facts.append((t("quota-tier"), t("refund-ended")))
    return Card(
        t("refund-title" if made else "refund-waits-title"), tuple(facts), "" if made else t("refund-waits")
    )


async def paysupport(service: Service, caller: Caller) -> Card:
    """Whom to turn to, and the orders to tell them of."""
    t, support = caller.t, service.config.sales.support
    orders = await service.store.sales.of(caller.member.key)
    facts = tuple((day(order.created_at, t.language), order.order_id) for order in orders)
    text = t("paysupport-to", support=support) if support else t("paysupport-owner")
    return Card(t("paysupport-title"), facts, text)


async def terms(service: Service, caller: Caller) -> Card:
    """The terms of sale."""
    return Card(caller.t("terms-title"), text=caller.t("terms-text"), link=service.config.sales.terms)


def _brought(brought: Brought, t: Translator) -> str:
    """What a code brought."""
    if brought.until is not None:
        return t("voucher-tier", tier=str(brought.goods.tier), until=day(brought.until, t.language))
    return t("voucher-images", images=brought.goods.images or 0, topup=brought.topup)


def _price(offer: Offer, caller: Caller, service: Service) -> str:
    """What an offer costs on the caller's platform, else wherever it is sold."""
    prices, t = service.shop.prices(offer), caller.t
    own = caller.origin.platform
    if own in prices:
        price, provider = prices[own]
        return provider.shown(price, t)
    shown = [f"{p.shown(price, t)} ({PLATFORMS[name].label})" for name, (price, p) in prices.items()]
    return ", ".join(shown) or t("plans-nowhere")


def _tier(tier: Tier, currency: str, t: Translator) -> str:
    """What a tier may have, on one line."""
    images = tier.images_a_month
    price = money(tier.price_micro, currency, t.language) if tier.price_micro else ""
    parts = [
        t("plans-unlimited") if images is None else t("plans-images", images=images),
        t("plans-size", edge=str(tier.max_size)),
        t("plans-weight", weight=f"{tier.weight:g}"),
        t("plans-price", price=price) if price else t("plans-free"),
    ]
    return " · ".join(parts)


MEMBER, COUNT = Argument("member", Kind.MEMBER, required=True), Argument("count", Kind.NUMBER, required=True)
ORDER, WHY = Argument("order", required=True), Argument("why", Kind.TEXT)
COMMANDS = (
    Command("plans", lambda service, caller, _: plans(service, caller), when=sells),
    Command("redeem", redeem, (Argument("voucher", Kind.TEXT, required=True),), when=sells),
    Command("gift", gift, (MEMBER, COUNT), when=sells),
    Command("paysupport", lambda service, caller, _: paysupport(service, caller), alone=True, when=sells),
    Command("terms", lambda service, caller, _: terms(service, caller), when=sells),
    Command("refund", refund, (ORDER, WHY), Who.OWNER, when=sells),
)
