"""What a platform supplies so that members can pay on it: one `Provider`, in one file of its adapter."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.config.money import Offer
    from bot.messages import Translator
    from storage.records.sales import Order, Refund, Subscription


class Later(Exception):
    """The platform cannot be asked now; the same again later will do."""


class Provider(Protocol):
    """How a platform takes money. Amounts are whole numbers of the smallest unit of `currency`."""

    name: str
    """The platform's, under which its payments stand in the book."""
    currency: str

    def price(self, offer: Offer) -> int | None:
        """What an offer costs here; None where it is not sold here."""
        return offer.prices.get(self.name)

    @abstractmethod
    def shown(self, amount: int, t: Translator) -> str:
        """An amount as members read it."""

    @abstractmethod
    def worth_micro(self, amount: int) -> tuple[int, int]:
        """What an amount is worth to the owner, and what of that the platform keeps, in micro-units."""

    def sku(self, offer: Offer) -> int | None:
        """What the platform's own button to buy names; None where the button is ours, and orders."""
        return None

    @property
    def pays_back(self) -> bool:
        """Whether it can be asked for refunds; otherwise the owner makes them there."""
        return True

    @abstractmethod
    async def invoice(self, order: Order, user_id: str, title: str, about: str) -> str:
        """Show a member how to pay an order: an address to follow, or nothing where it stands in the chat.

        Raises Later.
        """

    async def end(self, subscription: Subscription) -> None:
        """Have a subscription paid no further; it may have ended before. Raises Later."""
        return  # a body, so that a platform without subscriptions need not have one

    @abstractmethod
    async def tell(self, user_id: str, text: str) -> None:
        """Write to a member in private, where the platform and they allow it."""

    async def reconcile(self) -> None:
        """Write what was paid and paid back while nobody listened, as far as the platform lists it. Twice is
        once. Raises Later.
        """
        return  # a body, so that a platform without a list need not have one

    @abstractmethod
    async def pay_back(self, refund: Refund) -> None:
        """Pay a payment back; where it began a subscription, that ends. Twice is once. Raises Later."""
