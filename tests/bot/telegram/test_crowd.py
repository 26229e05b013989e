"""Two hundred people at once: each gets a picture, each is charged once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.imagine.asker import Asker
from bot.telegram.pace import Pace
from tests.bot.telegram.conftest import FAST

if TYPE_CHECKING:
    from tests.bot.telegram.conftest import Stage

PEOPLE = range(1000, 1200)


@pytest.mark.e2e
async def test_two_hundred_people_at_once(stage: Stage) -> None:
    async with stage.bot(replace(FAST, pace=Pace())) as bot:
        for person in PEOPLE:
            await bot.telegram.say(person, f"/imagine cat {person} --steps 2 --size 64x64")
        await bot.telegram.until(lambda: not bot.waiting)
        await bot.settled()
        for person in PEOPLE:
            assert len(bot.telegram.photos(person)) == 1
            quota = await bot.service.members.quota(Asker("telegram", str(person)))
            assert (quota.used, quota.reserved) == (1, 0)
