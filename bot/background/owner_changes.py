"""`easel pause`, `resume` and `ban`: the commands write into the store, and the running bot does the rest."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from bot.background.task import BackgroundTask
from storage.errors import StoreUnavailable
from storage.records.requests import CancelledBy

if TYPE_CHECKING:
    from bot.imagine.service import Service

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0


class OwnerChanges(BackgroundTask):
    """Looks now and then whether the bot is to pause, and whether somebody who waits has been banned."""

    def __init__(self, service: Service, *, every_s: float = LOOK_EVERY_S) -> None:
        super().__init__()
        self._service = service
        self._every_s = every_s

    async def look(self) -> None:
        """Carry out what was changed since the last look."""
        service = self._service
        await service.pausing.look()
        waiting = service.requests.unfinished()
        banned = await service.store.members.banned({live.member for live in waiting})
        for live in waiting:
            if live.member in banned:
                service.requests.cancel(live.request_id, None, by=CancelledBy.MODERATOR)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("owner_changes.not_read", reason=str(error))
            await asyncio.sleep(self._every_s)
