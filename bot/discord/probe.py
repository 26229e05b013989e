"""Ask Discord what it makes of a token, by the library that the bot itself runs on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiohttp
import discord

from bot.cli.doctor.httpdate import ours_less
from bot.cli.doctor.platforms import Answer, Reply
from bot.discord.invite import invite_link
from bot.discord.library import proxy_options, use_api

if TYPE_CHECKING:
    from types import SimpleNamespace

    from bot.config.schema import Config

PATIENCE_S = 20.0
INTENTS = discord.Intents(guilds=True)


async def probe(token: str, config: Config) -> Reply:
    """Log in without connecting to the gateway. Never raises for what Discord or the network do."""
    skews: list[float] = []

    async def note_date(
        _: aiohttp.ClientSession, __: SimpleNamespace, told: aiohttp.TraceRequestEndParams
    ) -> None:
        if (skew := ours_less(told.response.headers.get("Date"), time.time())) is not None:
            skews.append(skew)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(note_date)
    if config.discord.api_url:
        use_api(config.discord.api_url)
    try:
        async with (
            asyncio.timeout(PATIENCE_S),
            discord.Client(intents=INTENTS, http_trace=trace, **proxy_options(config.discord)) as client,
        ):
            await client.login(token)
            assert client.application_id is not None, "known since the login"
            skew = skews[-1] if skews else None
            return Reply(Answer.WELCOME, str(client.user), invite_link(client.application_id), skew)
    except discord.LoginFailure:
        return Reply(Answer.REFUSED)
    except (discord.DiscordException, aiohttp.ClientError, OSError, LookupError, TypeError) as error:
        return Reply(Answer.UNREACHABLE, reason=type(error).__name__)  # its text may hold more than it should
