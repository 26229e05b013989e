"""What people of a world pay on its platforms. The money is the platform's to know; it outlives the bot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.sales.provider import Later, Provider
from storage.records.sales import Paid
from tests.world.platform import Forbidden, ServerError, TooMany

if TYPE_CHECKING:
    from bot.config.money import Offer
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.sales import Order, Refund
    from tests.world.platform import Charge, Platform

CURRENCY = "SHL"
TELL_EVERY_S = 7.0
PAID_TWICE, NEVER_TOLD, TAKEN_BACK, BUSY = 0.3, 0.05, 0.15, 0.3


@dataclass
class WorldProvider(Provider):
    """Takes shells; an order is paid as soon as it is shown."""

    service: Service
    platform: Platform
    currency = CURRENCY

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.platform.name

    def price(self, offer: Offer) -> int | None:
        return offer.stars

    def shown(self, amount: int, t: Translator) -> str:
        return str(amount)

    def worth_micro(self, amount: int) -> tuple[int, int]:
        return amount * 10, amount

    async def invoice(self, order: Order, user_id: str, title: str, about: str) -> str:
        chance = self.platform.chance

        def pay() -> None:
            for nth in range(2 if chance.random() < PAID_TWICE else 1):
                told = chance.random() >= NEVER_TOLD
                self.platform.charge(
                    f"{order.order_id}-{nth}", order.order_id, user_id, order.terms.amount, told
                )

        await self._ask("invoice", order.order_id, pay)
        return ""

    async def tell(self, user_id: str, text: str) -> None:
        try:
            await self._ask("tell", user_id, lambda: None)
        except Later:
            return

    async def pay_back(self, refund: Refund) -> None:
        if self.platform.chance.random() < BUSY:  # refunds are refused more often than messages
            raise Later("busy")

        def give() -> None:
            self.platform.charges[refund.charge].refunded = True

        await self._ask("refund", refund.charge, give)

    async def reconcile(self) -> None:
        await self._ask("list", "charges", lambda: None)
        for charge in [*self.platform.charges.values()]:
            await self._take(charge)

    async def tell_of_charges(self) -> None:
        """The platform's updates about payments come until each is confirmed; some are lost for good."""
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            for charge in [*self.platform.charges.values()]:
                if charge.told and not charge.confirmed:
                    await self._take(charge)
                    charge.confirmed = True
                    if self.platform.chance.random() < TAKEN_BACK:
                        charge.refunded, charge.confirmed = True, False

    async def _take(self, charge: Charge) -> None:
        shop = self.service.shop
        paid = Paid(self.name, charge.id, charge.order_id, charge.user, charge.amount, CURRENCY)
        await shop.answer(paid, await shop.paid(paid))
        if charge.refunded:
            await shop.refunded(self.name, charge.id)

    async def _ask(self, name: str, what: str, effect: object) -> None:
        try:
            await self.platform.call(name, what, effect)  # type: ignore[arg-type]
        except (TooMany, ServerError, TimeoutError, Forbidden) as error:
            raise Later(type(error).__name__) from error
