"""What members buy: orders, payments, refunds, income."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from storage.goods import Brought, Goods


class Refused(StrEnum):
    """Why a payment can bring nothing and is paid back."""

    UNKNOWN = "the order is unknown"
    FORGOTTEN = "the member is gone"
    BANNED = "the member is banned"
    NO_TIER = "the tier is no longer there"
    PAID = "the order was paid before"
    PRICE = "the amount is not the order's"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is sold and for how much: `amount` in the smallest unit of `currency` (XTR: Stars, USD: cents).

    `renews`: a subscription, each payment of which brings the goods once more.
    """

    provider: str
    offer: str
    goods: Goods
    amount: int
    currency: str
    renews: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A member's wish to buy at these terms. `refused` says why a payment would be paid back; of one that was
    paid, renewals are not.
    """

    order_id: str
    member: str
    terms: Terms
    created_at: datetime
    expires_at: datetime
    refused: Refused | None


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment as its provider tells it; worth and fee are micro-units of the store's currency."""

    provider: str
    charge: str
    order_id: str
    user_id: str
    amount: int
    currency: str
    worth_micro: int = 0
    fee_micro: int = 0
    begins: bool = False
    """Whether it begins a subscription, as far as the provider tells; if not, it may be a renewal."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a payment: it brought something, or it is paid back because it was `refused`.

    `new` is False where the payment was known already, and nothing changed.
    """

    new: bool
    order: Order | None
    brought: Brought | None = None
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """A payment that is paid back. `images_kept` were used already and stay with the member."""

    payment: int
    charge: str
    user_id: str | None
    amount: int
    currency: str
    order: Order | None
    images_back: int = 0
    images_kept: int = 0
    first_charge: str | None = None
    """Of a subscription: the charge it began with, by which the provider knows it."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is paid again until somebody ends it. `charge` is the one it began with."""

    provider: str
    tier: str
    charge: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Income:
    """What an offer brought in through a provider: of the worth, `fee_micro` was the provider's."""

    offer: str
    provider: str
    currency: str
    payments: int
    amount: int
    worth_micro: int
    fee_micro: int
    refunds: int
    refunded_micro: int
    """Of worth less fee, what was paid back."""

    @property
    def net_micro(self) -> int:
        return self.worth_micro - self.fee_micro - self.refunded_micro
