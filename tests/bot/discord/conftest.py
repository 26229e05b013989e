"""The real client on simcord's Discord, over the whole bot below it with a model that paints a field."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import pytest
import simcord

from bot.discord.client import EaselClient
from bot.discord.pages import unescaped
from bot.service import Asker
from tests.bot.discord.contract import check_bodies
from tests.easel import FieldModel, config_in, easel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from simcord.results import InteractionResult

    from bot.config import Config
    from bot.service import Service


class World:
    """A server with a channel and two members, and the bot in it."""

    def __init__(self, env: simcord.Env, bot: EaselClient, service: Service, model: FieldModel) -> None:
        self.env, self.bot, self.service, self.model = env, bot, service, model
        self.guild = env.create_guild()
        self.channel = self.guild.create_text_channel("pictures")
        self.anna = self.guild.add_member(env.create_user("anna"))
        self.bob = self.guild.add_member(env.create_user("bob"))

    def asker(self, who: Any = None) -> Asker:
        return Asker("discord", str((who or self.anna).id), locale="en-US")

    async def used(self, who: Any = None) -> tuple[int, int]:
        quota = await self.service.quota(self.asker(who))
        return quota.used, quota.reserved

    async def imagine(self, prompt: str = "a cat", *, who: Any = None, **options: Any) -> InteractionResult:
        result: InteractionResult = await (who or self.anna).slash(
            self.channel, "imagine", prompt=prompt, **options
        )
        return result

    def picture(self, attachment: Any) -> bytes:
        """The bytes that were uploaded."""
        return self.env.backend.cdn.get(attachment.url)

    def requests(self, method: str, path: str) -> list[Any]:
        """What the bot sent to paths that match."""
        return [
            entry
            for entry in self.env.http_requests
            if entry.method == method and re.fullmatch(path, entry.path)
        ]


def words(message: Any) -> str:
    """Everything a reader sees of a message."""
    parts = [message.content]
    for embed in message.embeds:
        parts += [embed.title or "", embed.description or ""]
        parts += [f"{field.name}: {field.value}" for field in embed.fields]
    return unescaped("\n".join(parts))


@pytest.fixture
def model() -> FieldModel:
    return FieldModel()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_in(tmp_path)


@pytest.fixture
def opened(config: Config, model: FieldModel) -> Callable[..., AbstractAsyncContextManager[World]]:
    """Opens a world; a test may take it down and open the next one over the same data."""

    @contextlib.asynccontextmanager
    async def open_(settings: Config = config, drawing: FieldModel = model) -> AsyncIterator[World]:
        async with easel(settings, drawing) as service:
            bot = EaselClient(service, settings.discord, shard_count=1)
            env = simcord.Env(bot)
            await env.start()
            try:
                yield World(env, bot, service, drawing)
            finally:
                drawing.gate.set()
                with env.time_context():
                    await bot.close()
                await env.shutdown()
                check_bodies(env.http_requests)
            env.raise_errors()

    return open_


@pytest.fixture
async def world(opened: Callable[..., AbstractAsyncContextManager[World]]) -> AsyncIterator[World]:
    async with opened() as made:
        yield made
