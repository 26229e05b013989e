"""Refunds that a platform could not make at once are asked for again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from bot.background.task import BackgroundTask
from storage.errors import StoreUnavailable

if TYPE_CHECKING:
    from bot.sales.shop import Shop

log = structlog.get_logger(__name__)

EVERY_S = 3600.0


class Refunds(BackgroundTask):
    """One task that has the platforms make what is due, every hour."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self._shop = shop

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self._shop.pay_back()
            except StoreUnavailable as error:
                log.warning("sales.refunds_wait", why=str(error))
