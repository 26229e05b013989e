"""The platforms people reach the bot on, each described once: for credentials, faces, doctor and init."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import bot
from bot.config.tokens import discord_application, telegram_bot
from bot.extras import extra
from bot.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bot.messages import Message


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform. Its `name` stands for it in the database, in bot.toml and in message ids."""

    name: str
    label: str
    """What people call it."""
    help: str
    """The message that tells how to ask for a picture there."""
    fields: bool = False
    """Options are fields of a form there; elsewhere they are typed."""


@dataclass(frozen=True, slots=True)
class ChatPlatform(Platform):
    """A platform that the bot logs in to with a token; served where there is one."""

    token_env: str = ""
    """The environment variable that holds the token."""
    bot_id: Callable[[str], int | None] = lambda token: None
    """Whose a token is, without asking anybody; None for what cannot be one."""
    adapter: str = ""
    """The package that serves it; `serve(service, token, config, alerts)` is its entry."""

    @property
    def extra(self) -> str:
        """The extra of the package that brings its library."""
        return self.name

    @property
    def token_shape(self) -> Message:
        """What is told of a token that cannot be one."""
        return say(f"{self.name}-token-shape")

    def serve(self) -> Callable[..., Coroutine[Any, Any, None]]:
        """The adapter's `serve`. Raises `UserError` where its library is not installed."""
        with extra(self.extra):
            return cast("Callable[..., Coroutine[Any, Any, None]]", import_module(self.adapter).serve)

    def probe(self) -> Callable[..., Coroutine[Any, Any, Any]]:
        """What asks about a token: `probe(token, config)`. Raises `UserError` as `serve` does."""
        with extra(self.extra):
            module = import_module(f"{self.adapter}.probe")
            return cast("Callable[..., Coroutine[Any, Any, Any]]", module.probe)


CHATS = {
    chat.name: chat
    for chat in (
        ChatPlatform(
            "discord",
            "Discord",
            "help-discord",
            fields=True,
            token_env="DISCORD_TOKEN",  # noqa: S106 - a name
            bot_id=discord_application,
            adapter=f"{bot.__name__}.discord",
        ),
        ChatPlatform(
            "telegram",
            "Telegram",
            "help-telegram",
            token_env="TELEGRAM_TOKEN",  # noqa: S106 - a name
            bot_id=telegram_bot,
            adapter=f"{bot.__name__}.telegram",
        ),
    )
}
PLATFORMS: dict[str, Platform] = {
    **CHATS,
    "api": Platform("api", "API", "help-typed"),
    "console": Platform("console", "Terminal", "help-console"),
}
