"""Compares the platforms' lists of payments with the book of sales every hour, and makes due refunds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.background.task import BackgroundTask

if TYPE_CHECKING:
    from bot.sales.shop import Shop

EVERY_S = 3600.0


class Reconciler(BackgroundTask):
    """One task that does so for every platform that sells. A face does it once more when it starts."""

    def __init__(self, shop: Shop, every_s: float = EVERY_S) -> None:
        super().__init__()
        self._shop = shop
        self._every_s = every_s

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            for provider in self._shop.providers:
                await self._shop.reconcile(provider)
