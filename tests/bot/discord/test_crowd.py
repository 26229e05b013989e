"""Two hundred members at once: all acknowledged in time, every job delivered, everything charged once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock

import pytest

from bot.config.money import Tier
from bot.discord.client import EaselClient
from tests.bot.discord.conftest import answer, words
from tests.easel import config_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.bot.discord.conftest import World

MEMBERS, CHANNELS = 200, 20
GREEDY_EVERY = 4
ACKNOWLEDGED_S = 3.0


@pytest.mark.e2e
async def test_two_hundred_members_in_twenty_channels(
    opened: Callable[..., AbstractAsyncContextManager[World]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each may have one image this month; every fourth asks for two at the same moment."""
    config = config_in(tmp_path, tiers={"free": Tier(images_a_month=1, watermark=True)})
    waits_s: list[float] = []
    everybody = asyncio.Event()
    acknowledge, ask = EaselClient.acknowledge, EaselClient.ask
    asked: list[None] = []

    async def timed(client: EaselClient, interaction: Any, *, private: bool) -> int | None:
        message_id = await acknowledge(client, interaction, private=private)
        waits_s.append(time.perf_counter() - began)
        return message_id

    async def counted(client: EaselClient, *args: Any, **kwargs: Any) -> None:
        await ask(client, *args, **kwargs)
        asked.append(None)
        if len(asked) == MEMBERS + MEMBERS // GREEDY_EVERY:
            everybody.set()

    monkeypatch.setattr(EaselClient, "acknowledge", timed)
    monkeypatch.setattr(EaselClient, "ask", counted)
    async with opened(config, edit_every_s=3600.0) as world:  # simcord's timers cost n squared
        channels = [world.guild.create_text_channel(f"channel-{n}") for n in range(CHANNELS)]
        members = [world.guild.add_member(world.env.create_user(f"member-{n}")) for n in range(MEMBERS)]
        asking = [*members, *members[::GREEDY_EVERY]]
        began = time.perf_counter()
        with monkeypatch.context() as at_once:
            at_once.setattr(world.env, "_settle_internal", AsyncMock())
            results = [
                await member.slash(channels[n % CHANNELS], "imagine", prompt=f"cat {n}", seed=str(n))
                for n, member in enumerate(asking)
            ]
        await everybody.wait()
        await world.bot.delivery.settled()
        await world.env.settle()

        assert len(waits_s) == len(asking)
        assert max(waits_s) < ACKNOWLEDGED_S
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
