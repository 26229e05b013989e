"""The Telegram face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.config.credentials import Credentials
from bot.messages import UserError, say
from bot.telegram.client import BadRequest, Client, InvalidToken, Timing

if TYPE_CHECKING:
    from bot.alerts import Alerts
    from bot.config.schema import Config
    from bot.imagine.service import Service

__all__ = ["Client", "Timing", "serve"]


async def serve(service: Service, token: str, config: Config, alerts: Alerts) -> None:
    """Serve Telegram until cancelled, by polling or by a webhook.

    Raises UserError where the token is not valid, the webhook is not taken, or the proxy cannot be used.
    """
    secret = Credentials().telegram_webhook_secret
    try:
        client = Client(service, token, config, alerts, Timing())
    except (RuntimeError, ValueError) as error:  # what the library says of a proxy that the environment names
        raise UserError(say("telegram-proxy", reason=str(error))) from None
    try:
        await client.run(secret.get_secret_value() if secret else None)
    except BadRequest as error:
        url = str(config.telegram.webhook_url)
        raise UserError(say("telegram-webhook-refused", url=url, reason=error.message)) from None
    except InvalidToken:
        raise UserError(say("telegram-bad-token")) from None
