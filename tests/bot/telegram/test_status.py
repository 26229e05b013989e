"""The one message that is edited: what it shows, and how seldom."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from storage.settings import Scope
from tests.bot.telegram.conftest import ANNA, BOB, FAST, GROUP, Stage
from tests.bot.telegram.standin import Fault
from tests.easel import DiesAtDelivery, FieldModel

if TYPE_CHECKING:
    from tests.bot.telegram.conftest import Bot
    from tests.bot.telegram.standin import StandIn

pytestmark = pytest.mark.e2e

EDITS = ("editMessageText", "editMessageCaption", "editMessageMedia")


async def test_position_progress_and_preview_are_shown_one_after_the_other(bot: Bot, stage: Stage) -> None:
    gate = stage.model.gate
    gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat --steps 20")
    (status,) = await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    gate.allow(1)
    await bot.telegram.until(lambda: "step 1 of 20" in status.plain)
    assert status.photo is None
    assert status.buttons == ["cancel"]
    gate.allow(1)
    preview = await bot.telegram.until(lambda: status.photo)
    assert Image.open(io.BytesIO(preview)).format == "JPEG"
    assert "step 2 of 20" in status.plain
    gate.allow(1)
    await bot.telegram.until(lambda: "step 3 of 20" in status.plain)
    gate.set()
    await bot.settled()
    assert bot.telegram.messages(ANNA) == [status]
    assert status.buttons[0] == "again"


async def test_who_waits_is_told_the_position(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    for _ in range(3):
        await bot.telegram.say(12, "/imagine a dog")
    await bot.telegram.until(lambda: len(bot.telegram.messages(12)) == 3)
    await bot.telegram.say(ANNA, "/imagine a cat")
    (status,) = await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    await bot.telegram.until(lambda: "next" in status.plain or "before you" in status.plain)
    stage.model.gate.set()
    await bot.settled()


async def test_a_group_without_previews_sees_text_only(bot: Bot, stage: Stage) -> None:
    await bot.service.store.settings.set(Scope.server("telegram", str(GROUP)), "preview", False, by="test")
    gate = stage.model.gate
    gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat", chat=GROUP)
    (status,) = await bot.telegram.until(lambda: bot.telegram.messages(GROUP))
    gate.allow(4)
    await bot.telegram.until(lambda: "step 4" in status.plain)
    assert status.photo is None
    gate.set()
    await bot.settled()


async def test_what_follows_a_first_message_waits_for_the_turn_of_its_chat(stage: Stage) -> None:
    stage.model.gate.clear()
    async with stage.bot(replace(FAST, pace=replace(FAST.pace, private_s=3600.0))) as bot:
        await bot.telegram.say(ANNA, "/imagine a cat")
        await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
        await bot.telegram.say(BOB, "/imagine a cat", chat=GROUP)
        stage.model.gate.set()
        await bot.telegram.until(lambda: bot.telegram.photos(GROUP))
        written = [call for call in bot.telegram.calls if call.method in EDITS and call.chat == ANNA]
        assert written == [], "an hour from now"


async def test_the_notes_of_a_request_are_told(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat --size 100x100 --no blur")
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    assert "100x100 became" in shown.plain
    assert "guidance 2" in shown.plain


async def test_no_prompt_breaks_a_message(bot: Bot) -> None:
    nasty = '<b>bold</i> & <a href="https://evil.example">click</a> @everyone /quota ' + "😀" * 900
    await bot.telegram.say(ANNA, f"/imagine {nasty}")
    await bot.telegram.say(ANNA, '/imagine a cat --size "<b>&"')
    await bot.telegram.say(ANNA, "/imagine a cat --size " + "&" * 4000)
    await bot.settled()
    assert [m for m in bot.telegram.messages(ANNA) if m.photo]


async def test_dashes_of_phones_quotes_and_line_breaks(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat\non the moon —size portrait\n—seed：７ —no text， watermark")
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    assert shown.plain.startswith("a cat on the moon")
    assert "128x192" in shown.plain
    assert "Seed 7" in shown.plain


# a picture that took long


def silently(telegram: StandIn) -> list[bool]:
    """Of each message that was sent to Anna, whether it made no sound."""
    return [
        bool(call.fields.get("disable_notification"))
        for call in telegram.calls
        if call.method.startswith("send") and call.chat == ANNA
    ]


@pytest.fixture
def hasty(stage: Stage) -> Stage:
    """Any picture takes long."""
    section = stage.config.telegram.model_copy(update={"ping_after": dt.timedelta()})
    return Stage(stage.telegram, stage.config.model_copy(update={"telegram": section}), stage.model)


async def test_a_quick_picture_takes_the_place_of_the_status(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.settled()
    assert silently(bot.telegram) == [True]


async def test_a_picture_that_took_long_comes_anew_and_rings_once(hasty: Stage) -> None:
    async with hasty.bot() as bot:
        await bot.telegram.say(ANNA, "/imagine a cat")
        await bot.settled()
        (shown,) = bot.telegram.messages(ANNA)
        assert shown.photo
        assert shown.reply_to is not None
        assert silently(bot.telegram) == [True, False]
        assert await bot.used() == (1, 0)


async def test_a_failure_that_took_long_rings_and_a_cancel_does_not(hasty: Stage) -> None:
    async with hasty.bot() as bot:
        hasty.model.fail = [RuntimeError("boom")]
        await bot.telegram.say(ANNA, "/imagine a cat")
        await bot.settled()
        (told,) = bot.telegram.messages(ANNA)
        assert "Drawing failed" in told.plain
        assert silently(bot.telegram) == [True, False]
        hasty.model.gate.clear()
        await bot.telegram.say(ANNA, "/imagine a cat")
        await bot.telegram.until(lambda: "cancel" in bot.telegram.messages(ANNA)[-1].buttons)
        await bot.telegram.press(ANNA, bot.telegram.messages(ANNA)[-1], "cancel")
        await bot.telegram.until(lambda: bot.telegram.alerts)
        hasty.model.gate.set()
        await bot.settled()
        assert "Cancelled" in bot.telegram.messages(ANNA)[-1].plain
        assert silently(bot.telegram) == [True, False, True]


async def test_an_album_rings_once_and_its_buttons_stand_below_it(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat --images 2")
    await bot.settled()
    assert [bool(m.album) for m in bot.telegram.messages(ANNA)] == [True, True, False]
    assert silently(bot.telegram) == [True, False, True]


async def test_a_status_that_cannot_be_deleted_loses_its_button(hasty: Stage) -> None:
    async with hasty.bot() as bot:
        bot.telegram.fail("deleteMessage", Fault(400, "Bad Request: message can't be deleted"))
        await bot.telegram.say(ANNA, "/imagine a cat")
        await bot.settled()
        status, shown = bot.telegram.messages(ANNA)
        assert status.buttons == []
        assert status.plain == "See below."
        assert "again" in shown.buttons


async def test_a_new_message_is_not_sent_again_by_the_next_process(hasty: Stage) -> None:
    async with hasty.bot(kind=DiesAtDelivery) as bot:
        await bot.telegram.say(ANNA, "/imagine a cat")
        await bot.telegram.until(lambda: bot.telegram.photos(ANNA))
    async with hasty.bot(model=FieldModel()) as bot:
        await bot.settled()
        assert len(bot.telegram.photos(ANNA)) == 1
        assert await bot.used() == (1, 0)
