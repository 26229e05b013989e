"""What is bought at Discord: consumable SKUs bring images; a tier is held while Discord says so.

Discord takes the money at its own button and tells of an entitlement. One that brings images is written
first, by its id, and consumed after, so that a kill between the two credits it once: what is not consumed is
looked for at the start and every hour. Subscriptions and durable SKUs are read from each interaction
(`bot.discord.caller`), which lists what its member and its server hold now.
"""

from __future__ import annotations

import contextlib
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
    from bot.config.money import Offer
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.sales import Order, Refund

log = structlog.get_logger(__name__)

CURRENCY = "USD"
UNREACHABLE = (discord.HTTPException, aiohttp.ClientError, OSError)


class Premium(Provider):
    """Payments at Discord."""

    name = PLATFORM
    currency = CURRENCY

    def __init__(self, service: Service, client: discord.Client) -> None:
        self._service = service
        self._client = client
        section = service.config
        self._images = {
            o.discord_sku: name for name, o in section.offers.items() if o.discord_sku and o.images
        }

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
        with contextlib.suppress(*UNREACHABLE):
            channel = await self._client.create_dm(discord.Object(int(user_id)))
            await channel.send(escaped(text))

    # what comes in

    async def reconcile(self) -> None:
        if not self._images:
            return
        skus = [discord.Object(sku) for sku in self._images if sku is not None]
        listed = self._client.entitlements(limit=None, skus=skus, exclude_ended=False, exclude_deleted=False)
        try:
            async for entitlement in listed:
                if entitlement.deleted:
                    await self.take_back(entitlement)
                else:
                    await self.take(entitlement)
        except UNREACHABLE as error:
            raise Later(type(error).__name__) from error

    async def take(self, entitlement: discord.Entitlement) -> None:
        """Write what an entitlement brings, once, and consume it. Whoever is banned has to wait for it."""
        name = self._images.get(entitlement.sku_id)
        if name is None or entitlement.consumed or entitlement.user_id is None:
            return
        member = await self._service.store.members.of(PLATFORM, str(entitlement.user_id))
        if member.banned:
            log.info("discord.entitlement_waits", entitlement=entitlement.id)
            return
        paid = self.paid(name, entitlement)
        receipt = await self._service.shop.bought(member.key, self.terms(name), paid)
        try:
            await entitlement.consume()
        except UNREACHABLE as error:  # it is listed until that has worked
            log.warning("discord.not_consumed", entitlement=entitlement.id, why=type(error).__name__)
        await self._service.shop.answer(paid, receipt)

    async def take_back(self, entitlement: discord.Entitlement) -> None:
        """What is unused of a purchase that Discord paid back."""
        await self._service.shop.refunded(PLATFORM, str(entitlement.id))

    def terms(self, name: str) -> Terms:
        offer = self._service.config.offers[name]
        return Terms(PLATFORM, name, Goods(images=offer.images), offer.discord_cents or 0, CURRENCY)

    def paid(self, name: str, entitlement: discord.Entitlement) -> Paid:
        amount = self._service.config.offers[name].discord_cents or 0
        worth_micro, fee_micro = self.worth_micro(amount)
        user_id = str(entitlement.user_id)
        return Paid(PLATFORM, str(entitlement.id), "", user_id, amount, CURRENCY, worth_micro, fee_micro)
