"""The Telegram face: the same bot, at home in a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bot.credentials import Credentials
from bot.messages import translator
from bot.telegram.client import Client, Conflict, InvalidToken, Timing

if TYPE_CHECKING:
    from bot.config import Config
    from bot.service import Service

log = structlog.get_logger(__name__)

__all__ = ["Client", "Timing", "serve"]


async def serve(service: Service, token: str, config: Config) -> None:
    """Serve Telegram until cancelled, by polling or by a webhook.

    Returns after one clear line where the token is not valid, or another instance is using it.
    """
    client = Client(service, token, config, Timing())
    secret = Credentials().telegram_webhook_secret
    t = translator(config.language)
    try:
        await client.run(secret.get_secret_value() if secret else None)
    except Conflict:
        log.error("telegram.two_instances", text=t("telegram-two-instances"))
    except InvalidToken:
        log.error("telegram.bad_token", text=t("telegram-bad-token"))
