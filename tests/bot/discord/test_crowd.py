"""Two hundred members at once: all acknowledged in time, every job delivered, everything charged once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from bot.config.money import Tier
from bot.discord.client import EaselClient
from tests.bot.discord.conftest import answer, words
from tests.easel import config_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bot.discord.conftest import Opened

MEMBERS, CHANNELS = 200, 20
GREEDY_EVERY = 4
ACKNOWLEDGED_S = 3.0
"""Of this process's own time: what else runs on the machine takes none of it."""


class Timed(EaselClient):
    """Notes when each was acknowledged, and when everybody has been answered."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.acknowledged_s: list[float] = []
        self.answered = asyncio.Semaphore(0)

    async def acknowledge(self, interaction: Any, *, private: bool) -> int | None:
        message_id = await super().acknowledge(interaction, private=private)
        self.acknowledged_s.append(time.process_time())
        return message_id

    async def ask(self, *args: Any, **options: Any) -> None:
        await super().ask(*args, **options)
        self.answered.release()


@pytest.mark.e2e
async def test_two_hundred_members_in_twenty_channels(opened: Opened, tmp_path: Path) -> None:
    """Each may have one image this month; every fourth asks for two at the same moment."""
    config = config_in(tmp_path, tiers={"free": Tier(images_a_month=1, watermark=True)})
    async with opened(config, edit_every_s=3600.0, client=Timed) as world:  # simcord's timers cost n squared
        channels = [world.guild.create_text_channel(f"channel-{n}") for n in range(CHANNELS)]
        members = [world.guild.add_member(world.env.create_user(f"member-{n}")) for n in range(MEMBERS)]
        asking = [*members, *members[::GREEDY_EVERY]]
        with world.at_once():
            results = [
                await member.slash(channels[n % CHANNELS], "imagine", prompt=f"cat {n}", seed=str(n))
                for n, member in enumerate(asking)
            ]
            began_s = time.process_time()
        bot = world.bot
        assert isinstance(bot, Timed)
        for _ in asking:
            await bot.answered.acquire()
        await bot.delivery.settled()
        await world.env.settle()

        assert len(bot.acknowledged_s) == len(asking)
        assert max(bot.acknowledged_s) - began_s < ACKNOWLEDGED_S
        answers = [answer(result) for result in results]
        refusals = [message for message in answers if not message.attachments]
        assert len(refusals) == MEMBERS // GREEDY_EVERY
        assert all(
            message.ephemeral and "All your images for this month are used" in words(message)
            for message in refusals
        )
        assert await asyncio.gather(*(world.used(member) for member in members)) == [(1, 0)] * MEMBERS
        assert sorted(Counter(world.model.drawn).values()) == [1] * MEMBERS
        rows = await world.service.store.ledger.rows()
        assert len(rows) == MEMBERS
        assert await world.service.store.check() == []
