"""A platform that takes shells, to show what a new one needs: one file, and its name in an offer's prices."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.sales.provider import Later, Provider

if TYPE_CHECKING:
    from bot.messages import Translator
    from storage.records.sales import Order, Refund


class ToyProvider(Provider):
    """Takes shells for money. `closed`: nobody is there to pay back."""

    name = "toy"
    currency = "SHL"

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.paid_back: list[str] = []
        self.closed = False
        self.told: list[tuple[str, str]] = []
        self.reconciled = asyncio.Event()

    def shown(self, amount: int, t: Translator) -> str:
        return f"{amount} 🐚"

    def worth_micro(self, amount: int) -> tuple[int, int]:
        return amount * 1000, amount * 100

    async def invoice(self, order: Order, user_id: str, title: str, about: str) -> str:
        if self.closed:
            raise Later("the tide is in")
        self.orders.append(order)
        return f"https://provider.example/{order.order_id}"

    async def reconcile(self) -> None:
        self.reconciled.set()

    async def tell(self, user_id: str, text: str) -> None:
        self.told.append((user_id, text))

    async def pay_back(self, refund: Refund) -> None:
        if self.closed:
            raise Later("the tide is in")
        if refund.charge not in self.paid_back:
            self.paid_back.append(refund.charge)
