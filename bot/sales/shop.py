"""Selling, for every platform: what is on offer, orders, payments as they come in, refunds.

A payment is written and credited by the store in one transaction; nothing here decides about money. What the
platforms have to do is theirs (`bot.sales.provider`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from bot.alerts import Alerts
from bot.messages import UserError, say, translator
from bot.sales.provider import Later
from bot.sales.texts import REFUSED, about, label, platform_label, told
from storage.clock import HOUR_US, from_us
from storage.errors import NothingToRefund, StoreUnavailable, UnknownOrder
from storage.goods import Goods
from storage.records.sales import Terms

if TYPE_CHECKING:
    from bot.config.money import Offer
    from bot.config.schema import Config
    from bot.messages import Translator
    from bot.sales.provider import Provider
    from storage.records.members import Member
    from storage.records.sales import Order, Paid, Receipt, Refund, Refused
    from storage.store import Store

log = structlog.get_logger(__name__)

VALID_US = HOUR_US
"""How long an order may be paid."""


class Shop:
    """What members can buy. A face adds its platform's provider while it serves."""

    def __init__(self, config: Config, store: Store, alerts: Alerts | None = None) -> None:
        self._config = config
        self._store = store
        self._alerts = alerts or Alerts()
        self._providers: dict[str, Provider] = {}
        self._paying_back = asyncio.Lock()

    def open(self, provider: Provider) -> None:
        """Sell on a platform from now on."""
        self._providers[provider.name] = provider

    def close(self, provider: Provider) -> None:
        """Sell there no longer; payments that still come in are written all the same."""
        self._providers.pop(provider.name, None)

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The platforms that sell now."""
        return tuple(self._providers.values())

    def prices(self, offer: Offer) -> dict[str, tuple[int, Provider]]:
        """Where an offer is sold now, by platform, and for how much."""
        asked = {provider.name: (provider.price(offer), provider) for provider in self.providers}
        return {name: (price, provider) for name, (price, provider) in asked.items() if price is not None}

    async def order(self, member: Member, platform: str, user_id: str, name: str, t: Translator) -> str:
        """Order an offer and have its invoice shown; an address to pay at, where there is one.

        Raises `UserError` where it is not sold here, or would bring the member nothing.
        """
        offer, provider = self._config.offers.get(name), self._providers.get(platform)
        price = provider.price(offer) if provider and offer and self._config.sales.enabled else None
        if offer is None or provider is None or price is None:
            raise UserError(say("error-offer-gone"))
        if member.banned:
            raise UserError(say("error-banned"))
        await self._worthwhile(member, offer)
        goods = Goods(offer.images, offer.tier, offer.days)
        terms = Terms(provider.name, name, goods, price, provider.currency, offer.renews)
        order = await self._store.sales.order(member.key, terms, valid_us=VALID_US)
        try:
            return await provider.invoice(order, user_id, label(offer, t), about(offer, t))
        except Later as error:
            log.warning("sales.no_invoice", provider=provider.name, why=str(error))
            raise UserError(say("error-invoice")) from None

    async def check(self, order_id: str, amount: int, currency: str, payer: str) -> None:
        """Before the member with this key pays an order. Raises `UserError` where it must not be paid."""
        try:
            order = await self._store.sales.get(order_id)
        except UnknownOrder:
            raise UserError(say("error-order-unknown")) from None
        except StoreUnavailable:
            raise UserError(say("error-storage")) from None
        if order.refused is not None:
            raise UserError(say(REFUSED[order.refused]))
        if order.member != payer:
            raise UserError(say("error-order-others"))
        if from_us(self._store.sales.now_us) >= order.expires_at:
            raise UserError(say("error-order-expired"))
        if (amount, currency) != (order.terms.amount, order.terms.currency) or not self._stands(order):
            raise UserError(say("error-order-changed"))

    async def paid(self, paid: Paid) -> Receipt:
        """Write a payment and what it brings, once; where it can bring nothing it is paid back."""
        receipt = await self._store.sales.pay(paid)
        if receipt.new:
            log.info("sales.paid", provider=paid.provider, order=paid.order_id, refused=receipt.refused)
            if receipt.refused is not None:
                self._alert(paid, receipt.refused)
        return receipt

    async def bought(self, member: str, terms: Terms, paid: Paid) -> Receipt:
        """Write what was paid for at a platform without an order of ours, once."""
        receipt = await self._store.sales.bought(member, terms, paid)
        if receipt.new:
            log.info("sales.bought", provider=paid.provider, offer=terms.offer, charge=paid.charge)
        return receipt

    async def renewed(self, first: str, paid: Paid) -> Receipt | None:
        """Write one more payment of a subscription that `bought` wrote with the charge `first`, once."""
        receipt = await self._store.sales.renewed(first, paid)
        if receipt is not None and receipt.new:
            log.info("sales.renewed", provider=paid.provider, charge=paid.charge)
        return receipt

    async def ended(self, provider: str, first: str) -> None:
        """A platform ended the subscription that began with this charge."""
        await self._store.sales.ended(provider, first)

    async def answer(self, paid: Paid, receipt: Receipt) -> None:
        """Tell the member what a new payment brought; where that is nothing, it is paid back first."""
        if not receipt.new:
            return
        if receipt.refused is not None:
            await self.pay_back()
        member = await self._store.members.find(paid.provider, paid.user_id)
        await self.tell(paid.provider, paid.user_id, told(receipt, self._translator(member)))

    async def tell(self, platform: str, user_id: str, text: str) -> None:
        """Write to a member in private, where their platform sells and they can be written to."""
        if (provider := self._providers.get(platform)) is not None:
            await provider.tell(user_id, text)

    async def tell_of_gift(self, platform: str, user_id: str, images: int) -> None:
        """Tell whoever was given images that they have them."""
        member = await self._store.members.of(platform, user_id)
        topup, t = (await self._store.members.quota(member.key)).topup, self._translator(member)
        await self.tell(platform, user_id, t("gift-received", images=images, topup=topup))

    async def refund(self, order_id: str, *, by: str, why: str) -> tuple[Refund, bool]:
        """Pay an order's last payment back, and tell whether the platform has done so by now; otherwise it is
        asked again. Raises `UserError` where there is nothing to pay back, or not from here.
        """
        try:
            sold_by = (await self._store.sales.get(order_id)).terms.provider
            if (provider := self._providers.get(sold_by)) is None:
                raise UserError(say("error-refund-away", platform=platform_label(sold_by)))
            if not provider.pays_back:
                raise UserError(say("error-refund-elsewhere", platform=platform_label(sold_by)))
            refund = await self._store.refunds.order(order_id, by=by, why=why)
        except (UnknownOrder, NothingToRefund):
            raise UserError(say("error-refund-nothing", order=order_id)) from None
        await self.pay_back()
        waiting = await self._store.refunds.due(sold_by)
        return refund, all(one.payment != refund.payment for one in waiting)

    async def refunded(self, provider: str, charge: str, *, last: bool = False) -> Refund | None:
        """A platform paid back by itself, which the owner is told, or tells of what it paid back for us."""
        refund = await self._store.refunds.by_provider(provider, charge, last=last)
        if refund is not None:
            told_owner = say(
                "alert-refunded",
                platform=platform_label(provider),
                amount=f"{refund.amount} {refund.currency}",
                order=refund.order.order_id if refund.order else "-",
                back=refund.images_back,
                kept=refund.images_kept,
            )
            self._alerts.tell(f"sales:{charge}", told_owner)
        return refund

    async def reconcile(self, provider: Provider) -> None:
        """Compare the book with what a platform lists, and have it make the refunds that are due."""
        try:
            await provider.reconcile()
            await self.pay_back()
        except (Later, StoreUnavailable) as error:
            log.warning("sales.not_reconciled", provider=provider.name, why=str(error))

    async def end_subscriptions(self, member: str) -> None:
        """Whoever leaves pays no further. What cannot be ended now is paid back when it is paid again."""
        for one in await self._store.sales.subscriptions(member):
            if (provider := self._providers.get(one.provider)) is not None:
                try:
                    await provider.end(one)
                except Later as error:
                    log.warning("sales.subscription_stays", provider=one.provider, why=str(error))

    async def pay_back(self) -> None:
        """Have the platforms make the refunds that are due. What cannot be made now is made later."""
        async with self._paying_back:
            for provider in self.providers:
                for refund in await self._store.refunds.due(provider.name) if provider.pays_back else ():
                    try:
                        await provider.pay_back(refund)
                    except Later as error:
                        log.warning("sales.refund_waits", provider=provider.name, why=str(error))
                    else:
                        await self._store.refunds.made(refund.payment)
                        log.info("sales.refunded", provider=provider.name, amount=refund.amount)

    async def _worthwhile(self, member: Member, offer: Offer) -> None:
        """Nobody buys what they have: a tier below theirs, one for good, or a subscription twice."""
        if offer.tier is None:
            return
        order = list(self._config.tiers)
        if order.index(offer.tier) < order.index(member.tier):
            raise UserError(say("error-offer-lower", tier=member.tier))
        if offer.tier != member.tier:
            return
        if member.tier_until is None:
            raise UserError(say("error-offer-held", tier=member.tier))
        subscribed = await self._store.sales.subscriptions(member.key)
        if offer.renews and any(one.tier == offer.tier for one in subscribed):
            raise UserError(say("error-offer-subscribed", tier=member.tier))

    def _alert(self, paid: Paid, why: Refused) -> None:
        """Tell the owner of a payment that is paid back because it could bring nothing."""
        alert = say(
            "alert-paid-back",
            platform=platform_label(paid.provider),
            amount=f"{paid.amount} {paid.currency}",
            order=paid.order_id or "-",
            why=why.name.lower(),
        )
        self._alerts.tell(f"sales:{paid.charge}", alert)

    def _translator(self, member: Member | None) -> Translator:
        return translator((member and member.language) or self._config.language)

    def _stands(self, order: Order) -> bool:
        """Whether bot.toml still offers what was ordered, at its price."""
        terms, provider = order.terms, self._providers.get(order.terms.provider)
        offer = self._config.offers.get(terms.offer)
        if offer is None or provider is None or not self._config.sales.enabled:
            return False
        goods = Goods(offer.images, offer.tier, offer.days)
        return (goods, offer.renews, provider.price(offer)) == (terms.goods, terms.renews, terms.amount)
