"""Ask Telegram what it makes of a token, by the library that the bot itself runs on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from telegram import Bot
from telegram.error import InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from bot.cli.doctor.httpdate import ours_less
from bot.cli.doctor.platforms import Answer, Reply

if TYPE_CHECKING:
    import httpx

    from bot.config.schema import Config

PATIENCE_S = 10.0


async def probe(token: str, config: Config) -> Reply:
    """Call getMe. Never raises for what Telegram or the network do."""
    skews: list[float] = []

    async def note_date(response: httpx.Response) -> None:
        if (skew := ours_less(response.headers.get("Date"), time.time())) is not None:
            skews.append(skew)

    request = HTTPXRequest(
        proxy=config.telegram.proxy,
        connect_timeout=PATIENCE_S,
        read_timeout=PATIENCE_S,
        pool_timeout=PATIENCE_S,
        httpx_kwargs={"event_hooks": {"response": [note_date]}},
    )
    try:
        async with Bot(token, base_url=config.telegram.base_url, request=request) as bot:
            skew = skews[-1] if skews else None
            return Reply(Answer.WELCOME, f"@{bot.username}", bot.link, skew)
    except InvalidToken:
        return Reply(Answer.REFUSED)
    except TelegramError as error:
        return Reply(Answer.UNREACHABLE, reason=type(error).__name__)  # its text holds the token
