"""Delivery follows requests to their end on any platform."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.faces.delivery import AT_ONCE, Delivery
from bot.faces.screen import Screen
from bot.imagine.asker import Asker
from bot.imagine.options import Options
from tests.easel import config_in, easel
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from bot.imagine.events import Done, Event, Failed


class Away(Screen):
    """A platform that does not answer for now."""

    def __init__(self) -> None:
        self.back = asyncio.Event()
        self.full = asyncio.Event()
        self.in_memory = self.most = 0

    async def show(self, event: Event) -> None: ...

    async def hand_over(self, done: Done) -> str:
        assert all(picture.png for picture in done.pictures)
        self.in_memory += 1
        self.most = max(self.most, self.in_memory)
        if self.in_memory == AT_ONCE:
            self.full.set()
        await self.back.wait()
        self.in_memory -= 1
        return "m"

    async def tell(self, failed: Failed) -> None: ...


async def test_while_a_platform_is_away_few_pictures_are_in_memory(tmp_path: Path) -> None:
    screen = Away()
    async with easel(config_in(tmp_path)) as service:
        delivery = Delivery(service, "console", lambda live, t: screen)
        lives = [
            await service.imagine(Asker("console", str(n)), Options("a cat"), key=str(n), address={})
            for n in range(AT_ONCE + 3)
        ]
        for live in lives:
            delivery.follow(live)
            await live.outcome()
        async with asyncio.timeout(PATIENCE_S):
            await screen.full.wait()
        screen.back.set()
        await delivery.settled()
        assert screen.most == AT_ONCE
        used = [(await service.members.quota(Asker("console", str(n)))).used for n in range(len(lives))]
        assert used == [1] * len(lives)
        await delivery.close()
