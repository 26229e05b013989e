"""Whether anything new is drawn: an owner may pause the bot, and a pause outlives a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from storage.settings import BOT, Setting

if TYPE_CHECKING:
    from bot.imagine.models import Models
    from storage.store import Store

log = structlog.get_logger(__name__)


class Pausing:
    """Holds every model's queue and lets it go on; what is being drawn is never stopped."""

    def __init__(self, models: Models, store: Store) -> None:
        self._models = models
        self._store = store
        self.paused = False

    async def start(self, *, begin: bool) -> None:
        """Go on with an earlier process's pause. Without `begin` nothing is drawn before it is called."""
        self.paused = await self._stored()
        if self.paused:
            log.warning("service.paused")
        if self.paused or not begin:
            self._hold(paused=True)

    def begin(self) -> None:
        """Draw, if nobody has paused the bot."""
        self._hold(paused=self.paused)

    async def pause(self, by: str) -> None:
        """Start nothing new; what is asked for waits."""
        await self._store.settings.set(BOT, Setting.PAUSED, True, by=by)
        await self.look()

    async def resume(self, by: str) -> None:
        """Draw again."""
        await self._store.settings.set(BOT, Setting.PAUSED, None, by=by)
        await self.look()

    async def look(self) -> None:
        """Do as the store says; `easel pause` writes there, too. Raises StoreUnavailable."""
        paused = await self._stored()
        if paused is not self.paused:
            self.paused = paused
            self._hold(paused=paused)

    async def _stored(self) -> bool:
        return bool((await self._store.settings.of(BOT)).get(Setting.PAUSED))

    def _hold(self, *, paused: bool) -> None:
        for model in self._models:
            if paused:
                model.backend.pause_admission()
            else:
                model.backend.resume_admission()
