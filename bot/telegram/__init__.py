"""The Telegram face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.config.credentials import Credentials
from bot.messages import UserError, say
from bot.telegram.client import Client, Conflict, InvalidToken, Timing

if TYPE_CHECKING:
    from bot.config.schema import Config
    from bot.imagine.service import Service

__all__ = ["Client", "Timing", "serve"]


async def serve(service: Service, token: str, config: Config) -> None:
    """Serve Telegram until cancelled, by polling or by a webhook.

    Raises UserError where the token is not valid, or another instance is using it.
    """
    secret = Credentials().telegram_webhook_secret
    try:
        await Client(service, token, config, Timing()).run(secret.get_secret_value() if secret else None)
    except Conflict:
        raise UserError(say("telegram-two-instances")) from None
    except InvalidToken:
        raise UserError(say("telegram-bad-token")) from None
