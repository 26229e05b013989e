"""Whether the bot should be sent work: each check either passes or says in a word why not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from storage.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.imagine.service import Service

PATIENCE_S = 5.0
"""A database that takes longer to write a word is none to rely on."""


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


async def readiness(service: Service, *, leaving: bool = False) -> Readiness:
    """Look now. The database is written to, since nothing less tells whether it can be.

    `leaving`: the face that was asked takes nothing new any more; the engine stops after it.
    """
    state, cap = service.models.default.backend.snapshot(), service.config.engine.max_waiting
    waiting = sum(state.waiting.values())
    return Readiness(
        {
            Check.MODEL: None if state.loaded else "not_loaded",
            Check.DATABASE: await _database(service),
            Check.QUEUE: None if waiting < cap else "full",
            Check.SERVING: "draining" if leaving or state.draining else None,
        }
    )


async def _database(service: Service) -> str | None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await service.store.probe()
    except StoreUnavailable as error:
        return error.reason.value
    except TimeoutError:
        return "slow"
    return None
