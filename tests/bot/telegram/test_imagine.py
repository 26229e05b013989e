"""From a message to a picture in a chat: followed in one message, delivered, then charged."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.bot.telegram.conftest import ANNA, GROUP

if TYPE_CHECKING:
    from tests.bot.telegram.conftest import Bot, Stage

pytestmark = pytest.mark.e2e


async def test_a_prompt_becomes_a_picture_in_the_message_that_was_edited(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat on the moon --seed 7")
    (status,) = await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    assert await bot.used() == (0, 1)
    assert status.buttons == ["cancel"]
    stage.model.gate.set()
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    assert shown is status
    assert shown.photo
    assert Image.open(io.BytesIO(shown.photo)).size == (128, 128)
    assert "a cat on the moon" in shown.plain
    assert "7" in shown.plain
    assert shown.buttons[:3] == ["again", "vary", "larger"]
    assert {"more", "single", "details", "delete"} < set(shown.buttons)
    assert await bot.used() == (1, 0)


async def test_several_images_come_as_an_album_with_a_summary(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine two cats --images 3 --seed 5")
    await bot.settled()
    photos = [m for m in bot.telegram.messages(ANNA) if m.album]
    assert len(photos) == 3
    assert photos[0].plain == "two cats"
    (summary,) = [m for m in bot.telegram.messages(ANNA) if not m.album]
    each = [["larger"] * 3, ["vary"] * 3, ["single"] * 3, ["again", "details", "delete"]]
    assert summary.buttons == [button for row in each for button in row]
    assert [button["text"] for button in summary.keyboard[0]] == ["⤢ U1", "⤢ U2", "⤢ U3"]
    assert await bot.used() == (3, 0)


async def test_the_preview_of_several_is_their_grid(bot: Bot, stage: Stage) -> None:
    gate = stage.model.gate
    gate.clear()
    await bot.telegram.say(ANNA, "/imagine two cats --images 2")
    (status,) = await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    gate.allow(4)
    preview = await bot.telegram.until(lambda: status.photo)
    shown = Image.open(io.BytesIO(preview))
    assert shown.width == 2 * shown.height
    gate.set()
    await bot.settled()


async def test_plain_text_is_a_prompt_in_private_and_nothing_in_a_group(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "a cat")
    await bot.telegram.say(ANNA, "what a day", chat=GROUP)
    await bot.settled()
    assert len(bot.telegram.photos(ANNA)) == 1
    assert bot.telegram.messages(GROUP) == []
