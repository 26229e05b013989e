"""Deletes old pictures and requests, and releases jobs that nobody will finish or fetch."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from bot.background.task import BackgroundTask
from storage.errors import StoreUnavailable

if TYPE_CHECKING:
    from bot.config.schema import Storage
    from storage.store import Store

log = structlog.get_logger(__name__)

EVERY_S = 3600.0
DAY_S = 86_400
UNFINISHED_DAYS = 3
"""Longer than any queue lasts: a job still undrawn then belongs to a platform or model that is gone."""
UNFETCHED_DAYS = 30


class Housekeeper(BackgroundTask):
    """Cleans up at the start and every hour."""

    def __init__(self, store: Store, section: Storage) -> None:
        super().__init__()
        self._store = store
        self._section = section

    async def tidy(self) -> None:
        """Clean up once."""
        section = self._section
        expired = await self._store.jobs.expire(
            unfinished_s=UNFINISHED_DAYS * DAY_S, undelivered_s=UNFETCHED_DAYS * DAY_S
        )
        removed = await self._store.pictures.delete_oldest(
            max_age_s=section.keep_images_days * DAY_S, total_mb=section.keep_images_mb
        )
        pruned = await self._store.requests.prune(closed_for_s=section.keep_requests_days * DAY_S)
        if expired or removed or pruned:
            log.info("store.tidied", expired=len(expired), images_removed=removed, requests_removed=pruned)

    async def _run(self) -> None:
        while True:
            try:
                await self.tidy()
            except StoreUnavailable as error:
                log.warning("store.not_tidied", reason=str(error))
            await asyncio.sleep(EVERY_S)
