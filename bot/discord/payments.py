"""What is bought at Discord: consumable SKUs bring images, subscriptions and durable ones a tier.

Discord takes the money at its own button and tells of an entitlement, whose id is the payment's. One that
brings images is written first and consumed after, so that a kill between the two credits it once. What was
missed is looked for at the start and every hour.

A tier holds at once and as long as Discord lists it with an interaction (`bot.discord.caller`). The book has
its payments and the periods they bring, so that it counts as income, and holds where accounts are linked too.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import TYPE_CHECKING

import aiohttp
import discord
import structlog

from bot.config.section import MICRO
from bot.discord.caller import PLATFORM
from bot.discord.pages import escaped
from bot.imagine.pricing import money
from bot.sales.provider import Later, Provider
from storage.goods import Goods
from storage.records.sales import Paid, Terms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.config.money import Offer
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.sales import Order, Refund

log = structlog.get_logger(__name__)

CURRENCY = "USD"
NEWEST_ID, PAGE = 2**63 - 1, 100
FOR_GOOD_DAYS = 36_500
"""What a durable SKU brings."""
FIRST_DAY = dt.timedelta(days=1)
"""A billing period that begins later after its subscription is a renewal."""
UNPAID = {
    discord.EntitlementType.premium_subscription,
    discord.EntitlementType.developer_gift,
    discord.EntitlementType.test_mode_purchase,
    discord.EntitlementType.free_purchase,
    discord.EntitlementType.premium_purchase,
}
"""Brings what its SKU does, and the owner no money."""
SUBSCRIBED = discord.EntitlementType.application_subscription
UNREACHABLE = (discord.HTTPException, aiohttp.ClientError, OSError)


class Premium(Provider):
    """Payments at Discord."""

    name = PLATFORM
    currency = CURRENCY

    def __init__(self, service: Service, client: discord.Client) -> None:
        self._service = service
        self._client = client
        section = service.config
        self._offers = {o.discord_sku: name for name, o in section.offers.items() if o.discord_sku}

    # what the shop asks for

    def price(self, offer: Offer) -> int | None:
        return offer.discord_cents

    def sku(self, offer: Offer) -> int | None:
        return offer.discord_sku

    @property
    def pays_back(self) -> bool:
        return False

    def shown(self, amount: int, t: Translator) -> str:
        return money(amount * MICRO // 100, CURRENCY, t.language)

    def worth_micro(self, amount: int) -> tuple[int, int]:
        section = self._service.config.sales
        worth = amount * int(section.dollar * MICRO) // 100
        return worth, int(worth * section.discord_fee)

    async def invoice(self, order: Order, user_id: str, title: str, about: str) -> str:
        raise Later("Discord has a button of its own")

    async def pay_back(self, refund: Refund) -> None:
        raise Later("Discord pays back where its owner says so")

    async def tell(self, user_id: str, text: str) -> None:
        if not user_id.isdecimal():  # a server's
            return
        with contextlib.suppress(*UNREACHABLE):
            channel = await self._client.create_dm(discord.Object(int(user_id)))
            await channel.send(escaped(text))

    # what comes in

    async def reconcile(self) -> None:
        if not self._offers:
            return
        try:
            for sku in await self._client.fetch_skus():
                if sku.id in self._offers:
                    await self._compare(sku)
        except UNREACHABLE as error:
            raise Later(type(error).__name__) from error

    async def _compare(self, sku: discord.SKU) -> None:
        """All that is listed of an SKU, and of its subscriptions those that hold now."""
        owner = discord.Object(sku.id)
        async for entitlement in self._listed(owner):
            await self.take(entitlement)
            running = entitlement.type is SUBSCRIBED and not entitlement.is_expired()
            if running and not entitlement.deleted and entitlement.user_id is not None:
                async for subscription in sku.subscriptions(user=discord.Object(entitlement.user_id)):
                    await self.renew(subscription)

    async def _listed(self, sku: discord.Object) -> AsyncIterator[discord.Entitlement]:
        """All entitlements of an SKU, also those that were paid back.

        discord.py asks for the latter only with `before`, and its own pages rest on the order of the answers.
        """
        before = discord.Object(NEWEST_ID)
        while True:
            listed = self._client.entitlements(
                limit=PAGE, before=before, skus=[sku], exclude_ended=False, exclude_deleted=False
            )
            page = [entitlement async for entitlement in listed]
            for entitlement in page:
                yield entitlement
            if len(page) < PAGE:
                return
            before = discord.Object(min(entitlement.id for entitlement in page))

    async def take(self, entitlement: discord.Entitlement) -> None:
        """Write what an entitlement brings, once, and consume it. Whoever is banned has to wait for it."""
        name = self._offers.get(entitlement.sku_id)
        if name is None:
            return
        if entitlement.deleted:
            await self.take_back(entitlement)
            return
        if entitlement.consumed:
            return
        paid, receipt = self.paid(name, entitlement), None
        if not await self._service.store.sales.knows(PLATFORM, paid.charge):  # a forgotten member stays so
            member = await self._service.store.members.of(PLATFORM, _holder(entitlement))
            if member.banned:
                log.info("discord.entitlement_waits", entitlement=entitlement.id)
                return
            receipt = await self._service.shop.bought(member.key, self.terms(name, entitlement), paid)
        if self._service.config.offers[name].images:
            try:
                await entitlement.consume()
            except UNREACHABLE as error:  # it is listed until that has worked
                log.warning("discord.not_consumed", entitlement=entitlement.id, why=type(error).__name__)
        if entitlement.type is SUBSCRIBED and entitlement.is_expired():
            await self._service.shop.ended(PLATFORM, paid.charge)
        if receipt is not None:
            await self._service.shop.answer(paid, receipt)

    async def take_back(self, entitlement: discord.Entitlement) -> None:
        """What is unused of a purchase that Discord paid back, or of a subscription's last payment."""
        await self._service.shop.refunded(PLATFORM, str(entitlement.id), last=True)

    async def renew(self, subscription: discord.Subscription) -> None:
        """Write the payment of a billing period after the first, once for each entitlement it keeps up."""
        begun = subscription.current_period_start
        if subscription.status is discord.SubscriptionStatus.inactive or not begun:
            return
        if begun - subscription.created_at < FIRST_DAY:
            return
        for sku, entitlement in zip(subscription.sku_ids, subscription.entitlement_ids, strict=False):
            if (name := self._offers.get(sku)) is not None:
                charge = f"{entitlement}@{begun:%Y-%m-%d}"
                paid = self._worth(name, charge, str(subscription.user_id), paid=True)
                await self._service.shop.renewed(str(entitlement), paid)

    def terms(self, name: str, entitlement: discord.Entitlement) -> Terms:
        offer, renews = self._service.config.offers[name], entitlement.type is SUBSCRIBED
        days = offer.days if renews or offer.tier is None else FOR_GOOD_DAYS
        goods = Goods(offer.images, offer.tier, days)
        return Terms(PLATFORM, name, goods, offer.discord_cents or 0, CURRENCY, renews=renews)

    def paid(self, name: str, entitlement: discord.Entitlement) -> Paid:
        unpaid = entitlement.type in UNPAID
        return self._worth(name, str(entitlement.id), _holder(entitlement), paid=not unpaid)

    def _worth(self, name: str, charge: str, user_id: str, *, paid: bool) -> Paid:
        amount = (self._service.config.offers[name].discord_cents or 0) if paid else 0
        worth_micro, fee_micro = self.worth_micro(amount)
        return Paid(PLATFORM, charge, "", user_id, amount, CURRENCY, worth_micro, fee_micro)


def _holder(entitlement: discord.Entitlement) -> str:
    """Whose it is in the book: a server's is nobody's own, wherever its buyer goes."""
    return f"server-{entitlement.guild_id}" if entitlement.guild_id else str(entitlement.user_id)
