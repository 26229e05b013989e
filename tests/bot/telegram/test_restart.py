"""The process dies anywhere on a request's way: it is drawn once, shown, and charged once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.imagine.service import Service
from tests.bot.telegram.conftest import ANNA
from tests.bot.telegram.standin import Fault
from tests.easel import FieldModel

if TYPE_CHECKING:
    from bot.imagine.live import LiveRequest
    from tests.bot.telegram.conftest import Stage

pytestmark = pytest.mark.e2e


async def test_a_request_goes_on_in_its_message_after_a_restart(stage: Stage) -> None:
    stage.model.gate.clear()
    async with stage.bot() as bot:
        await bot.telegram.say(ANNA, "/imagine a cat")
        await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    async with stage.bot(model=FieldModel()) as bot:
        await bot.settled()
        (shown,) = bot.telegram.messages(ANNA)
        assert shown.buttons[0] == "again"
        assert await bot.used() == (1, 0)


async def test_an_update_is_confirmed_only_once_it_is_written_down(stage: Stage) -> None:
    pending = []

    class Watched(Service):
        async def imagine(self, *args: Any, **options: Any) -> LiveRequest:
            live = await super().imagine(*args, **options)
            pending.append(stage.telegram.unconfirmed)
            return live

    async with stage.bot(kind=Watched) as bot:
        await bot.telegram.say(ANNA, "/imagine a cat")
        await bot.settled()
        assert pending == [1]


async def test_an_album_that_was_shown_is_not_shown_again_after_a_restart(stage: Stage) -> None:
    async with stage.bot() as bot:
        stage.model.gate.clear()
        await bot.telegram.say(ANNA, "/imagine a cat --images 2")
        await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
        bot.telegram.fail("sendMessage", Fault(429, "Flood", {"retry_after": 60}, only="again:"))
        stage.model.gate.set()
        await bot.telegram.until(lambda: not bot.telegram.faults["sendMessage"])
    bot.telegram.faults.clear()
    async with stage.bot() as bot:
        await bot.settled()
        assert len([m for m in bot.telegram.messages(ANNA) if m.album]) == 2
        assert await bot.used() == (2, 0)
