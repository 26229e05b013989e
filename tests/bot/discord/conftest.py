"""The real client on simcord's Discord, over the whole bot below it with a model that paints a field."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import simcord
from simcord.backend.cdn import CDN_BASE

from bot.alerts import Alerts
from bot.discord.client import EaselClient
from bot.discord.pages import unescaped
from bot.imagine.asker import Asker
from bot.imagine.service import Service
from tests.bot.discord.contract import check_bodies
from tests.easel import FieldModel, config_in, easel
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from simcord.results import InteractionResult

    from bot.config.schema import Config
    from bot.imagine.live import LiveRequest


QUARTER_S = 15 * 60
"""How long an interaction may be answered."""


class World:
    """A server with a channel and two members, and the bot in it."""

    def __init__(
        self,
        config: Config,
        model: FieldModel,
        below: Callable[[], AbstractAsyncContextManager[Service]] | None = None,
        edit_every_s: float = 0.001,
        client: type[EaselClient] = EaselClient,
    ) -> None:
        self.config, self.model, self.edit_every_s, self._client = config, model, edit_every_s, client
        self._held: list[Any] | None = None
        self._below_it = below
        self._env: simcord.Env | None = None
        self._below = contextlib.AsyncExitStack()

    def _open(self, kind: type[Service]) -> AbstractAsyncContextManager[Service]:
        if self._below_it is not None:
            return self._below_it()
        return easel(self.config, self.model, signal=self._signal, kind=kind)

    def _signal(self) -> asyncio.Event:
        """Waiting for the engine counts as settled: a command comes back while its picture is drawn."""
        world = self

        class Signal(asyncio.Event):
            async def wait(self) -> bool:  # type: ignore[override]
                try:
                    await world.env.external_wait(super().wait(), reason="the engine draws")
                except simcord.SetupError:  # not a task of the bot's
                    await super().wait()
                return True

        return Signal()

    @property
    def env(self) -> simcord.Env:
        assert self._env is not None
        return self._env

    async def start(self, kind: type[Service] = Service) -> None:
        """Start the bot, or the next one over the same data."""
        self.service = await self._below.enter_async_context(self._open(kind))
        self.bot = self._client(
            self.service, self.config.discord, Alerts(), edit_every_s=self.edit_every_s, shard_count=1
        )
        self.bot.cdn = frozenset({urlsplit(CDN_BASE).hostname or ""})
        if self._env is None:
            self._env = simcord.Env(self.bot, settle_timeout=PATIENCE_S)
            await self._env.start()
            self._interactions: list[dict[str, Any]] = []
            self._emit = self._env.backend.emit
            self._env.backend.emit = self._record
            self.guild = self._env.create_guild()
            self.channel = self.guild.create_text_channel("pictures")
            self.anna = self.guild.add_member(self._env.create_user("anna"))
            self.bob = self.guild.add_member(self._env.create_user("bob"))
        else:
            await self._env.restart_bot(self.bot)

    async def stop(self, *, killed: bool = False) -> None:
        """Stop the bot; `killed` lets it say nothing."""
        if killed:
            await self.bot.delivery.close(farewell_s=0)
        with self.env.time_context():
            await self.bot.close()
        self.model.gate.set()
        await self._below.aclose()

    def _record(self, event: str, payload: Any, *more: Any, **options: Any) -> Any:
        if event == "INTERACTION_CREATE":
            self._interactions.append(payload)
            if self._held is not None:
                self._held.append(payload)
                return None
        return self._emit(event, payload, *more, **options)

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Whatever members do in here reaches the bot at one moment, at its end."""
        self._held = held = []
        yield
        self._held = None
        for payload in held:
            self._emit("INTERACTION_CREATE", payload)

    async def redeliver(self) -> None:
        """The gateway brings the newest interaction once more."""
        self._emit("INTERACTION_CREATE", self._interactions[-1])
        await self.env.settle()

    async def shutdown(self) -> None:
        await self.env.shutdown()
        check_bodies(self.env.http_requests)
        self.env.raise_errors()

    async def settled(self) -> None:
        """Wait until everything asked for is drawn and answered."""
        while lives := self.lives():
            await asyncio.gather(*(live.outcome() for live in lives))
            await self.env.settle()
            if self.lives() == lives:
                return  # delivery waits for something else than the drawing

    def lives(self) -> list[LiveRequest]:
        """What is on its way."""
        return list(self.bot.delivery.following)

    def asker(self, who: Any = None) -> Asker:
        return Asker("discord", str((who or self.anna).id), locale="en-US")

    async def used(self, who: Any = None) -> tuple[int, int]:
        quota = await self.service.members.quota(self.asker(who))
        return quota.used, quota.reserved

    async def begin(self, prompt: str = "a cat", *, who: Any = None, **options: Any) -> InteractionResult:
        """Ask, and come back while it is still being drawn."""
        channel = options.pop("channel", self.channel)
        result: InteractionResult = await (who or self.anna).slash(
            channel, "imagine", prompt=prompt, **options
        )
        return result

    async def imagine(self, prompt: str = "a cat", *, who: Any = None, **options: Any) -> Any:
        """Ask, and wait for the answer: the message with the picture, or what was whispered instead."""
        result = await self.begin(prompt, who=who, **options)
        await self.settled()
        return answer(result)

    async def click(self, message: Any, label: str, *, who: Any = None) -> InteractionResult:
        result: InteractionResult = await (who or self.anna).click(message, label=label)
        await self.settled()
        return result

    async def ask(self, command: str, *, who: Any = None, **options: Any) -> str:
        """Use a command; what its answer says."""
        result = await (who or self.anna).slash(self.channel, command, **options)
        await self.settled()
        return words(result.response)

    def file(self, message: Any) -> bytes:
        """The one file of a message, as it was uploaded."""
        (attachment,) = message.attachments
        return self.env.backend.cdn.get(attachment.url)

    def sent(self, method: str, path: str) -> list[Any]:
        """What the bot sent to paths that match."""
        return [
            entry
            for entry in self.env.http_requests
            if entry.method == method and re.fullmatch(path, entry.path)
        ]


def answer(result: InteractionResult) -> Any:
    """The message that answers; where that was taken away, what its asker alone reads instead."""
    return result.followups[0] if result.response is None else result.response


def words(message: Any) -> str:
    """Everything a reader sees of a message."""
    said = [message.content, *texts(message)]
    for embed in message.embeds:
        said += [embed.title or "", embed.description or ""]
        said += [f"{field.name}: {field.value}" for field in embed.fields]
    return unescaped("\n".join(said))


def parts(message: Any) -> list[dict[str, Any]]:
    """A message's components as Discord keeps them, from top to bottom."""
    return [part if isinstance(part, dict) else part.to_dict() for part in message.components]


def texts(message: Any) -> list[str]:
    """What is written between picture and buttons."""
    return [part["content"] for part in parts(message) if part["type"] == 10]


def rows(message: Any) -> list[list[str]]:
    """What stands on a message's buttons, row by row."""
    return [
        [button["label"] for button in part["components"]] for part in parts(message) if part["type"] == 1
    ]


def labels(message: Any) -> list[str]:
    """What stands on a message's buttons."""
    return [label for row in rows(message) for label in row]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_in(tmp_path, http={"enabled": True})


Opened = Callable[..., contextlib.AbstractAsyncContextManager[World]]


def opener(config: Config, model: FieldModel) -> Opened:
    """What opens a world."""

    @contextlib.asynccontextmanager
    async def open_(
        settings: Config = config,
        drawing: FieldModel = model,
        below: Callable[[], AbstractAsyncContextManager[Service]] | None = None,
        edit_every_s: float = 0.001,
        client: type[EaselClient] = EaselClient,
    ) -> AsyncIterator[World]:
        world = World(settings, drawing, below, edit_every_s, client)
        await world.start()
        try:
            yield world
        finally:
            await world.stop()
            await world.shutdown()

    return open_


@pytest.fixture
def opened(config: Config, model: FieldModel) -> Opened:
    return opener(config, model)


@pytest.fixture
async def world(opened: Opened) -> AsyncIterator[World]:
    async with opened() as made:
        yield made
