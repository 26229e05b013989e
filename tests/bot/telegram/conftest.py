"""A bot on a stand-in for Telegram: real service, library and HTTP; only the GPU and Telegram are not."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from bot.alerts import Alerts
from bot.imagine.asker import Asker
from bot.imagine.service import Service
from bot.telegram import Client, Timing
from bot.telegram.pace import Pace
from tests.bot.telegram.standin import TOKEN, StandIn
from tests.easel import FieldModel, config_in, easel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.config.schema import Config

FAST = Timing(
    pace=Pace(private_s=0.01, group_s=0.01, edits_a_second=100_000, messages_a_second=0, retry_s=0.05),
    poll_s=5,
    again_s=0.01,
)
IMPATIENT = replace(FAST, read_s=0.5)
"""Gives up soon, for tests in which an answer never comes."""

ANNA, BOB, OWNER = 11, 12, 99
GROUP, SUPERGROUP = -500, -1_000_000_000_500


@dataclass
class Bot:
    """A running bot, and what there is to look at."""

    service: Service
    client: Client
    telegram: StandIn
    config: Config
    alerts: Alerts
    running: asyncio.Task[None]

    async def used(self, user: int = ANNA) -> tuple[int, int]:
        quota = await self.service.members.quota(Asker("telegram", str(user)))
        return quota.used, quota.reserved

    @property
    def waiting(self) -> int:
        """Updates that are not confirmed yet."""
        return self.telegram.unconfirmed

    async def taken(self) -> None:
        """Every update dealt with, and every press answered."""
        await self.telegram.until(lambda: not self.waiting)
        await self.client.face.tasks.settled()

    async def settled(self) -> None:
        """Every update dealt with, every answer given, every request delivered."""
        await self.telegram.until(lambda: not self.waiting)
        await self.client.face.settled()


@dataclass
class Stage:
    """Opens bots on one stand-in and one database, so that a test can stop one and start the next."""

    telegram: StandIn
    config: Config
    model: FieldModel = field(default_factory=FieldModel)

    @contextlib.asynccontextmanager
    async def bot(
        self, timing: Timing = FAST, *, model: FieldModel | None = None, kind: type[Service] = Service
    ) -> AsyncIterator[Bot]:
        async with easel(self.config, model or self.model, kind=kind) as service:
            alerts = Alerts()
            client = Client(service, TOKEN, self.config, alerts, timing)
            running = asyncio.create_task(client.run("a-webhook-secret"))
            try:
                await self.telegram.until(lambda: client.started.is_set() or running.done())
                yield Bot(service, client, self.telegram, self.config, alerts, running)
            finally:
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running


@contextlib.asynccontextmanager
async def stand_in() -> AsyncIterator[StandIn]:
    """Telegram on a free port; whatever it was asked amiss fails at the end."""
    standin = StandIn()
    runner = web.AppRunner(standin.app(), access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    standin.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield standin
    await runner.cleanup()
    assert standin.complaints == []


@pytest.fixture
async def telegram() -> AsyncIterator[StandIn]:
    async with stand_in() as standin:
        yield standin


def config_for(folder: Path, url: str, **more: Any) -> Config:
    """Settings of a bot whose data is below `folder`, on the stand-in at `url`."""
    return config_in(
        folder,
        telegram={"base_url": f"{url}/bot", "base_file_url": f"{url}/file/bot"},
        owners={"telegram": [OWNER]},
        http={"enabled": True},
        styles={"ink": {"prompt": "{prompt}, ink"}},
        **more,
    )


@pytest.fixture
def config(tmp_path: Path, telegram: StandIn) -> Config:
    return config_for(tmp_path, telegram.url)


@pytest.fixture
def stage(telegram: StandIn, config: Config) -> Stage:
    return Stage(telegram, config)


@pytest.fixture
async def bot(stage: Stage) -> AsyncIterator[Bot]:
    async with stage.bot() as opened:
        yield opened
