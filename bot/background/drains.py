"""`easel drain WORKER`: the command writes an order into the store, and the running bot carries it out.

The store is what a command and the bot share; each order is a setting, so the audit tells who gave it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from bot.background.task import BackgroundTask
from bot.messages import UserError, say
from storage.errors import StoreUnavailable
from storage.settings import DRAINS

if TYPE_CHECKING:
    from engine.front import Front
    from storage.store import Store

log = structlog.get_logger(__name__)

ASKED, LEAVING, LEFT, UNKNOWN = "asked", "leaving", "left", "unknown"
LOOK_EVERY_S = 1.0
HEARD_WITHIN_S = 10.0


class Drains(BackgroundTask):
    """Polls for drain orders, and records the progress of each."""

    def __init__(self, engine: Front, store: Store, *, every_s: float = LOOK_EVERY_S) -> None:
        super().__init__()
        self._engine = engine
        self._store = store
        self._every_s = every_s
        self._leaving: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """End. A worker that is draining leaves with the bot."""
        await super().stop()
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def look(self) -> None:
        """Take up the orders that were given since the last look."""
        for worker, state in (await self._store.settings.of(DRAINS)).items():
            if state == ASKED:
                await self._note(worker, LEAVING)
                task = asyncio.create_task(self._drain(worker))
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    async def _drain(self, worker: str) -> None:
        try:
            await self._engine.drain(worker)
        except KeyError:
            await self._note(worker, UNKNOWN)
        else:
            await self._note(worker, LEFT)

    async def _note(self, worker: str, state: str) -> None:
        await self._store.settings.set(DRAINS, worker, state, by="easel", why="drain")

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except StoreUnavailable as error:
                log.warning("drains.not_read", reason=str(error))
            await asyncio.sleep(self._every_s)


async def order_drain(
    store: Store, worker: str, *, every_s: float = 0.2, heard_within_s: float = HEARD_WITHIN_S
) -> None:
    """Have the running bot drain a worker; returns once it left.

    Raises UserError where it cannot be drained, or no bot took the order within `heard_within_s`.
    """
    await store.settings.set(DRAINS, worker, ASKED, by="cli", why="easel drain")
    try:
        async with asyncio.timeout(heard_within_s):
            while (state := await _state(store, worker)) == ASKED:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(every_s)
    except TimeoutError:
        await store.settings.set(DRAINS, worker, None, by="cli", why="nobody heard")
        raise UserError(say("drain-unheard")) from None
    while state == LEAVING:
        await asyncio.sleep(every_s)
        state = await _state(store, worker)
    if state == UNKNOWN:
        raise UserError(say("drain-unknown", worker=worker))


async def _state(store: Store, worker: str) -> object:
    return (await store.settings.of(DRAINS)).get(worker)
