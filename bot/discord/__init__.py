"""The Discord face, on discord.py with application commands. Nothing outside this package imports discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from bot.discord.client import UNREACHABLE, BadToken, EaselClient
from bot.discord.library import silence_voice
from bot.messages import UserError, say

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from bot.alerts import Alerts
    from bot.config.schema import Config
    from bot.imagine.service import Service

log = structlog.get_logger(__name__)

MAX_PAUSE_S = 30.0

silence_voice()


async def serve(
    service: Service, token: str, config: Config, alerts: Alerts, *, max_pause_s: float = MAX_PAUSE_S
) -> None:
    """Be this bot until cancelled, then leave cleanly: requests on their way are told that they are kept.

    Waits for a Discord that cannot be reached yet, with growing pauses of up to `max_pause_s`. Raises
    UserError where the token is not valid.
    """
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(UNREACHABLE),
        wait=wait_random_exponential(max=max_pause_s),
        before_sleep=_tell,
    ):
        with attempt:
            async with EaselClient(service, config.discord, alerts) as client:
                try:
                    await client.start(token)
                except BadToken:
                    raise UserError(say("discord-bad-token")) from None


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    log.warning("discord.unreachable", why=type(error).__name__, again_in_s=round(state.upcoming_sleep, 1))
