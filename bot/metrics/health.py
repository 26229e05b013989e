"""Whether the bot should be sent work: each check either passes or says in a word why not."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from storage.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.imagine.service import Service

PATIENCE_S = 5.0
"""A database that takes longer to write a word is none to rely on."""
LOOK_EVERY_S = 5.0


class Check(StrEnum):
    """What must hold for a request to be drawn."""

    MODEL = "model"
    DATABASE = "database"
    QUEUE = "queue"
    SERVING = "serving"


@dataclass(frozen=True, slots=True)
class Readiness:
    """None is a check that passes; anything else says why it does not."""

    checks: Mapping[Check, str | None]

    @property
    def ready(self) -> bool:
        return not any(self.checks.values())


class Health:
    """Looks whether the bot is ready.

    The database is written to, since nothing less tells whether it can be; once in `look_every_s`, however
    often anybody asks. It counts as slow where that takes longer than `patience_s`.
    """

    def __init__(
        self,
        service: Service,
        clock: Callable[[], float] = time.monotonic,
        *,
        look_every_s: float = LOOK_EVERY_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._service = service
        self._clock = clock
        self._look_every_s = look_every_s
        self._patience_s = patience_s
        self._looking = asyncio.Lock()
        self._looked_s = -math.inf
        self._database: str | None = None

    async def readiness(self, *, leaving: bool = False) -> Readiness:
        """How it is now.

        `leaving`: the face that was asked takes nothing new any more; the engine stops after it.
        """
        async with self._looking:
            if self._clock() - self._looked_s >= self._look_every_s:
                self._database = await _database(self._service, self._patience_s)
                self._looked_s = self._clock()
        return _readiness(self._service, self._database, leaving=leaving)


def _readiness(service: Service, database: str | None, *, leaving: bool) -> Readiness:
    state, cap = service.models.default.backend.snapshot(), service.config.engine.max_waiting
    waiting = sum(state.waiting.values())
    return Readiness(
        {
            Check.MODEL: None if state.loaded else "not_loaded",
            Check.DATABASE: database,
            Check.QUEUE: None if waiting < cap else "full",
            Check.SERVING: "draining" if leaving or state.draining else None,
        }
    )


async def _database(service: Service, patience_s: float) -> str | None:
    try:
        async with asyncio.timeout(patience_s):
            await service.store.probe()
    except StoreUnavailable as error:
        return error.reason.value
    except TimeoutError:
        return "slow"
    return None
