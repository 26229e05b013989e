"""Orders and payments by the dozen, of a provider that takes shells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.clock import HOUR_US
from storage.records.sales import Order, Paid, Receipt, Terms

if TYPE_CHECKING:
    from storage.goods import Goods
    from storage.store import Store

PROVIDER, SHELLS = "toy", "SHL"


def terms(goods: Goods, *, renews: bool = False, amount: int = 150) -> Terms:
    """What is sold."""
    return Terms(PROVIDER, "boost", goods, amount, SHELLS, renews)


async def order(store: Store, member: str, goods: Goods, *, renews: bool = False) -> Order:
    """An order for an hour."""
    return await store.sales.order(member, terms(goods, renews=renews), valid_us=HOUR_US)


async def pay(store: Store, placed: Order | str, charge: str) -> Receipt:
    """A payment for an order, each Shell worth a tenth of the currency and a third of that the provider's."""
    order_id = placed if isinstance(placed, str) else placed.order_id
    paid = Paid(PROVIDER, charge, order_id, "77", 150, SHELLS, worth_micro=15_000_000, fee_micro=5_000_000)
    return await store.sales.pay(paid)


async def buy(store: Store, member: str, goods: Goods, charge: str, *, renews: bool = False) -> Order:
    """An order that is paid."""
    placed = await order(store, member, goods, renews=renews)
    await pay(store, placed, charge)
    return await store.sales.get(placed.order_id)
