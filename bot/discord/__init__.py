"""The Discord face, on discord.py with application commands. Nothing outside this package imports discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.discord.client import EaselClient

if TYPE_CHECKING:
    from bot.config import Config
    from bot.service import Service


async def serve(service: Service, token: str, config: Config) -> None:
    """Be this bot until cancelled, then leave cleanly: requests on their way are told that they are kept."""
    async with EaselClient(service, config.discord) as client:
        await client.start(token)
