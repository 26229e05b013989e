"""The bot in a process of its own, killed without warning: one picture, one charge."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bot.folders import open_store
from tests.bot.telegram.conftest import ANNA
from tests.bot.telegram.standin import HANGS_AFTER, Shown, StandIn
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.config.schema import Config

pytestmark = pytest.mark.e2e


@dataclass
class Processes:
    """Starts bots, one after the other, on one database."""

    folder: Path
    telegram: StandIn

    @contextlib.asynccontextmanager
    async def bot(self, gate: str = "open") -> AsyncIterator[None]:
        """A running bot, killed at the end."""
        module = ("-m", "tests.bot.telegram.child")
        process = await asyncio.create_subprocess_exec(
            sys.executable, *module, str(self.folder), self.telegram.url, gate,
            stderr=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:
            process.kill()
            await process.wait()

    def results(self) -> list[Shown]:
        return [shown for shown in self.telegram.messages(ANNA) if "again" in shown.buttons]


@pytest.fixture
def processes(tmp_path: Path, telegram: StandIn) -> Processes:
    return Processes(tmp_path, telegram)


async def charged(config: Config) -> tuple[int, int]:
    async with open_store(config, serving=False) as store:
        quota = await store.members.quota((await store.members.of("telegram", str(ANNA))).key)
        assert [finding for finding in await store.check() if finding.severity == "error"] == []
        return quota.used, quota.reserved


async def test_killed_while_drawing(processes: Processes, config: Config) -> None:
    telegram = processes.telegram
    await telegram.say(ANNA, "/imagine a cat")
    async with processes.bot("closed"):
        await telegram.until(lambda: telegram.messages(ANNA), 60)
    async with processes.bot():
        await telegram.until(processes.results, 60)
        await until_charged(config)
    assert len(processes.results()) == 1
    assert await charged(config) == (1, 0)


async def test_killed_after_telegram_took_the_picture_and_before_its_answer(
    processes: Processes, config: Config
) -> None:
    telegram = processes.telegram
    telegram.fail("sendMediaGroup", HANGS_AFTER)
    await telegram.say(ANNA, "/imagine a cat --images 2")
    async with processes.bot():
        await telegram.until(lambda: telegram.count("sendMediaGroup"), 60)
    async with processes.bot():
        await telegram.until(processes.results, 60)
        await until_charged(config)
    albums = {shown.album for shown in telegram.messages(ANNA) if shown.album}
    assert len(albums) == 2  # shown twice: the server acted and its answer was lost
    assert await charged(config) == (2, 0)


async def test_killed_before_the_result_was_acknowledged(processes: Processes, config: Config) -> None:
    telegram = processes.telegram
    telegram.fail("editMessageMedia", *[HANGS_AFTER] * 9)
    await telegram.say(ANNA, "/imagine a cat")
    async with processes.bot():
        await telegram.until(lambda: telegram.count("editMessageMedia") or processes.results(), 60)
    telegram.faults.clear()
    async with processes.bot():
        await telegram.until(processes.results, 60)
        await until_charged(config)
    assert len(processes.results()) == 1
    assert await charged(config) == (1, 0)


async def until_charged(config: Config) -> None:
    """The bot writes its ledger shortly after Telegram's answer."""
    async with asyncio.timeout(PATIENCE_S):
        while (await charged(config))[0] == 0:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.1)
