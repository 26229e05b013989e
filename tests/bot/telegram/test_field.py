"""Small things people do in a chat: each gets an answer, and the one they expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.imagine.service import Asker
from tests.bot.telegram.conftest import ANNA, GROUP
from tests.bot.telegram.standin import FLOOD, Fault

if TYPE_CHECKING:
    from tests.bot.telegram.conftest import Bot

PLACE = {"latitude": 1.0, "longitude": 2.0}


@pytest.mark.parametrize("line", ["/imagine“福”", "/imagine，一只猫", "/imagine-a cat", "/IMAGINE a cat"])
async def test_a_prompt_joined_to_the_command_is_drawn(bot: Bot, line: str) -> None:
    await bot.telegram.say(ANNA, line)
    await bot.settled()
    assert len(bot.telegram.photos(ANNA)) == 1


async def test_what_is_no_text_is_answered_in_private(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "", location=PLACE)
    await bot.settled()
    (told,) = bot.telegram.messages(ANNA)
    assert "/imagine" in told.plain


async def test_what_is_no_text_is_left_alone_in_a_group(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "", chat=GROUP, location=PLACE)
    await bot.settled()
    assert bot.telegram.messages(GROUP) == []


async def test_a_forwarded_message_is_not_drawn(bot: Bot) -> None:
    origin = {"type": "hidden_user", "date": 1, "sender_user_name": "Somebody"}
    await bot.telegram.say(ANNA, "a joke", forward_origin=origin)
    await bot.settled()
    assert bot.telegram.photos(ANNA) == []
    assert bot.telegram.messages(ANNA)


@pytest.mark.parametrize("button", ["again:", "larger:", "single:", "details:"])
async def test_a_button_of_a_forgotten_request_says_so(bot: Bot, button: str) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    anna = await bot.service.member(Asker("telegram", str(ANNA)))
    await bot.service.store.members.forget(anna.key)
    await bot.telegram.press(ANNA, shown, button)
    await bot.settled()
    assert len(bot.telegram.alerts) == 1


async def test_two_quick_taps_on_again_draw_once(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    for _ in range(3):
        await bot.telegram.press(ANNA, shown, "again:")
    await bot.settled()
    assert await bot.used() == (2, 0)


async def test_a_message_too_old_to_remove_says_that_the_picture_is_gone(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    bot.telegram.fail("deleteMessage", Fault(400, "Bad Request: message can't be deleted"))
    await bot.telegram.press(ANNA, shown, "delete:")
    await bot.settled()
    assert "Deleted" in shown.plain
    assert shown.buttons == []


async def test_an_answer_outlasts_flood_control(bot: Bot) -> None:
    bot.telegram.fail("sendMessage", FLOOD)
    await bot.telegram.say(ANNA, "/quota")
    await bot.settled()
    (told,) = bot.telegram.messages(ANNA)
    assert "99" in told.plain or "100" in told.plain
