"""Whatever Telegram or the network does: a picture and one charge, or a refund and a sentence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.bot.telegram.conftest import ANNA, GROUP, IMPATIENT, SUPERGROUP
from tests.bot.telegram.standin import (
    BAD_GATEWAY,
    BROKEN,
    CUT_AFTER,
    CUT_BEFORE,
    EDIT_GONE,
    FLOOD,
    HANGS_AFTER,
    HANGS_BEFORE,
    Fault,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.bot.telegram.conftest import Bot, Stage

pytestmark = pytest.mark.e2e

TRANSIENT = {
    "flood": FLOOD,
    "500": BROKEN,
    "502": BAD_GATEWAY,
    "cut before": CUT_BEFORE,
    "cut after": CUT_AFTER,
    "time-out before": HANGS_BEFORE,
    "time-out after": HANGS_AFTER,
}


@pytest.fixture
async def impatient(stage: Stage) -> AsyncIterator[Bot]:
    async with stage.bot(IMPATIENT) as opened:
        yield opened


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT.keys())
async def test_the_result_survives_a_fault_and_is_charged_once(
    impatient: Bot, stage: Stage, fault: Fault
) -> None:
    bot = impatient
    bot.telegram.fail("editMessageMedia", fault)
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    stage.model.gate.set()
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    assert shown.buttons[0] == "again"
    assert await bot.used() == (1, 0)


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT.keys())
async def test_an_album_survives_a_fault_and_is_charged_once(impatient: Bot, fault: Fault) -> None:
    bot = impatient
    bot.telegram.fail("sendMediaGroup", fault)
    await bot.telegram.say(ANNA, "/imagine a cat --images 2")
    await bot.settled()
    twice = 2 if fault.acts else 1  # the server acted and its answer was lost
    assert len([m for m in bot.telegram.messages(ANNA) if m.album]) == 2 * twice
    assert await bot.used() == (2, 0)


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT.keys())
async def test_a_status_that_cannot_be_sent_costs_no_picture(impatient: Bot, fault: Fault) -> None:
    bot = impatient
    bot.telegram.fail("sendMessage", fault)
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.settled()
    assert len(bot.telegram.photos(ANNA)) == 1
    assert await bot.used() == (1, 0)


async def test_a_deleted_status_is_followed_by_a_new_message(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    bot.telegram.chats[ANNA].clear()
    stage.model.gate.set()
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    assert shown.buttons[0] == "again"
    assert await bot.used() == (1, 0)


async def test_message_to_edit_not_found_at_the_very_end(bot: Bot) -> None:
    bot.telegram.fail("editMessageMedia", *[EDIT_GONE] * 9)
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.settled()
    assert len(bot.telegram.photos(ANNA)) == 1
    assert await bot.used() == (1, 0)


async def test_a_flood_wait_is_honoured_and_other_chats_do_not_wait_for_it(bot: Bot) -> None:
    bot.telegram.fail("sendMediaGroup", Fault(429, "Too Many Requests", {"retry_after": 1}))
    await bot.telegram.say(ANNA, "/imagine a cat --images 2")
    await bot.telegram.until(lambda: bot.telegram.count("sendMediaGroup") == 1)
    await bot.telegram.say(12, "/imagine a dog")
    await bot.telegram.until(lambda: bot.telegram.photos(12))
    assert bot.telegram.count("sendMediaGroup") == 1
    await bot.settled()
    first, second = [call.at_s for call in bot.telegram.calls if call.method == "sendMediaGroup"]
    assert second - first >= 1
    assert await bot.used() == (2, 0)


async def test_the_network_is_gone_during_a_job(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    bot.telegram.offline = True
    stage.model.gate.set()
    await bot.telegram.until(lambda: stage.model.drawn)
    await asyncio.sleep(0.3)  # real time: what is shown is that nothing gives up
    bot.telegram.offline = False
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    assert shown.buttons[0] == "again"
    assert await bot.used() == (1, 0)


async def test_a_member_who_blocked_the_bot_before_drawing_gets_no_picture_and_pays_nothing(
    bot: Bot, stage: Stage
) -> None:
    stage.model.gate.clear()
    bot.telegram.block(ANNA)
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.telegram.until(lambda: bot.telegram.count("sendMessage"))
    stage.model.gate.set()
    await bot.settled()
    assert await bot.used() == (0, 0)


async def test_a_member_who_blocked_the_bot_at_the_end_pays(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat --images 2")
    await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    bot.telegram.fail("sendMediaGroup", Fault(403, "Forbidden: bot was blocked by the user"))
    stage.model.gate.set()
    await bot.settled()
    assert await bot.used() == (2, 0)


async def test_a_group_that_became_a_supergroup_gets_its_picture_there(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat", chat=GROUP)
    await bot.telegram.until(lambda: bot.telegram.messages(GROUP))
    bot.telegram.moved[GROUP] = SUPERGROUP
    stage.model.gate.set()
    await bot.settled()
    assert len(bot.telegram.photos(SUPERGROUP)) == 1
    assert await bot.used() == (1, 0)


async def test_a_photo_telegram_does_not_take_goes_as_a_file(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    refused = Fault(400, "Bad Request: PHOTO_INVALID_DIMENSIONS", only='"photo"')
    bot.telegram.fail("editMessageMedia", *[refused] * 99)  # previews as well
    stage.model.gate.set()
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    assert shown.document
    assert shown.buttons[0] == "again"
    assert await bot.used() == (1, 0)


async def test_a_private_request_of_somebody_the_bot_cannot_write_to(bot: Bot) -> None:
    bot.telegram.block(ANNA, "Forbidden: bot can't initiate conversation with a user")
    await bot.telegram.say(ANNA, "/imagine a cat --private", chat=GROUP)
    await bot.settled()
    (told,) = bot.telegram.messages(GROUP)
    assert "@easel_bot" in told.plain
    assert await bot.used() == (0, 0)


async def test_a_group_that_takes_no_photos_is_told_where_the_picture_is(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat", chat=GROUP)
    await bot.telegram.until(lambda: bot.telegram.messages(GROUP))
    for kind in ("photo", "document"):
        refused = Fault(400, f"Bad Request: not enough rights to send {kind}s to the chat", only=f'"{kind}"')
        bot.telegram.fail("editMessageMedia", *[refused] * 99)
    stage.model.gate.set()
    await bot.settled()
    (shown,) = bot.telegram.messages(GROUP)
    assert "/history" in shown.plain
    assert shown.buttons == []
    assert (await bot.used())[0] == 0
