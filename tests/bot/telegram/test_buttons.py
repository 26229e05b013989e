"""Buttons under a picture: they work from ids alone, after a restart, and for those who may press them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.bot.telegram.conftest import ANNA, BOB, GROUP, OWNER
from tests.easel import FieldModel

if TYPE_CHECKING:
    from tests.bot.telegram.conftest import Bot, Stage
    from tests.bot.telegram.standin import Shown

pytestmark = pytest.mark.e2e


async def drawn(bot: Bot, words: str = "a cat --seed 7", *, chat: int = ANNA) -> Shown:
    """A finished picture of Anna's."""
    await bot.telegram.say(ANNA, f"/imagine {words}", chat=chat)
    await bot.settled()
    return bot.telegram.messages(chat)[-1]


async def test_again_draws_the_same_words_from_another_seed(bot: Bot) -> None:
    first = await drawn(bot)
    await bot.telegram.press(ANNA, first, "again:")
    await bot.settled()
    _, second = bot.telegram.photos(ANNA)
    assert "a cat" in second.plain
    assert second.reply_to == first.id
    assert second.photo != first.photo
    assert await bot.used() == (2, 0)


async def test_larger_is_twice_the_size(bot: Bot) -> None:
    first = await drawn(bot)
    await bot.telegram.press(ANNA, first, "larger:")
    await bot.settled()
    second = bot.telegram.photos(ANNA)[-1]
    assert Image.open(io.BytesIO(second.photo or b"")).size == (256, 256)
    assert "7" in second.plain


async def test_a_reply_to_a_picture_varies_it_with_the_same_seed(bot: Bot) -> None:
    first = await drawn(bot)
    await bot.telegram.press(ANNA, first, "vary:")
    await bot.telegram.say(ANNA, "a dog", reply_to=first)
    await bot.settled()
    second = bot.telegram.photos(ANNA)[-1]
    assert second.plain.startswith("a dog")
    assert "Seed 7" in second.plain
    assert bot.telegram.alerts


async def test_a_reply_to_one_picture_of_an_album_varies_that_one(bot: Bot) -> None:
    await drawn(bot, "a cat --images 3 --seed 7")
    middle = [m for m in bot.telegram.messages(ANNA) if m.album][1]
    await bot.telegram.say(ANNA, "a dog --quality sketch", reply_to=middle)
    await bot.settled()
    last = bot.telegram.messages(ANNA)[-1]
    assert last.plain.startswith("a dog")
    assert "Seed 8" in last.plain
    await bot.telegram.press(ANNA, last, "details:")
    await bot.settled()
    assert "Steps: 4" in bot.telegram.messages(ANNA)[-1].plain


async def test_one_picture_of_several_is_enlarged_or_varied_by_its_own_button(stage: Stage) -> None:
    async with stage.bot() as bot:
        await drawn(bot, "a cat --images 3 --seed 7")
        summary = next(shown for shown in bot.telegram.messages(ANNA) if shown.buttons)
        await bot.telegram.press(ANNA, summary, f"larger:{summary.data('vary:').split(':')[1]}")
        await bot.settled()
        assert "256x256 · Seed 7" in bot.telegram.photos(ANNA)[-1].plain
        second = summary.keyboard[1][1]
        assert second["text"] == "✏️ V2"
        await bot.telegram.press(ANNA, summary, second["callback_data"])
        await bot.settled()
        question = bot.telegram.messages(ANNA)[-1]
        assert "picture 2" in question.plain
    async with stage.bot(model=FieldModel()) as bot:
        await bot.telegram.say(ANNA, "a dog", reply_to=question)
        await bot.settled()
        last = bot.telegram.photos(ANNA)[-1]
        assert last.plain.startswith("a dog")
        assert "Seed 8" in last.plain


async def test_a_reply_in_a_group_varies_too(bot: Bot) -> None:
    first = await drawn(bot, chat=GROUP)
    await bot.telegram.say(ANNA, "a dog", chat=GROUP, reply_to=first)
    await bot.settled()
    assert len(bot.telegram.photos(GROUP)) == 2


async def test_the_file_is_lossless_and_carries_its_parameters(bot: Bot) -> None:
    first = await drawn(bot)
    await bot.telegram.press(ANNA, first, "single:")
    await bot.settled()
    file = bot.telegram.messages(ANNA)[-1]
    assert file.filename == "easel-7.png"
    image = Image.open(io.BytesIO(file.document or b""))
    assert image.format == "PNG"
    assert "Seed: 7" in image.info["parameters"]


async def test_details_tell_all_parameters(bot: Bot) -> None:
    first = await drawn(bot)
    await bot.telegram.press(ANNA, first, "details:")
    await bot.settled()
    card = bot.telegram.messages(ANNA)[-1].plain
    assert "a cat" in card
    assert "128x128" in card
    assert "GPU" not in card
    assert "CN¥" not in first.plain


async def test_delete_takes_the_picture_and_its_message_away(bot: Bot) -> None:
    first = await drawn(bot)
    await bot.telegram.press(ANNA, first, "delete:")
    await bot.settled()
    assert bot.telegram.messages(ANNA) == []
    await bot.telegram.press(ANNA, first, "single:")
    await bot.settled()
    assert bot.telegram.messages(ANNA) == []


async def test_delete_takes_a_whole_album_away(bot: Bot) -> None:
    summary = next(
        m for m in [await drawn(bot, "a cat --images 2"), *bot.telegram.messages(ANNA)] if m.buttons
    )
    await bot.telegram.press(ANNA, summary, "delete:")
    await bot.settled()
    assert bot.telegram.messages(ANNA) == []


@pytest.mark.parametrize("action", ["delete:"])
async def test_others_get_an_alert_and_nothing_happens(bot: Bot, action: str) -> None:
    first = await drawn(bot, chat=GROUP)
    before = len(bot.telegram.messages(GROUP))
    await bot.telegram.press(BOB, first, action)
    await bot.settled()
    assert bot.telegram.alerts == ["Only the person who asked for that picture can do this."]
    assert len(bot.telegram.messages(GROUP)) == before
    assert await bot.used(BOB) == (0, 0)


async def test_an_owner_may_cancel_anybodys(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat", chat=GROUP)
    (status,) = await bot.telegram.until(lambda: bot.telegram.messages(GROUP))
    await bot.telegram.press(OWNER, status, "cancel:")
    await bot.telegram.until(lambda: bot.telegram.alerts)
    stage.model.gate.set()
    await bot.settled()
    assert "nothing was charged" in status.plain


async def test_a_redelivered_press_draws_once(bot: Bot) -> None:
    first = await drawn(bot)
    update = await bot.telegram.press(ANNA, first, "again:")
    await bot.settled()
    bot.telegram.redeliver(update)
    await bot.settled()
    assert len(bot.telegram.photos(ANNA)) == 2
    assert await bot.used() == (2, 0)


async def test_a_picture_has_two_rows_of_buttons_and_more_where_somebody_asks(stage: Stage) -> None:
    async with stage.bot() as bot:
        shown = await drawn(bot)
        first = shown.buttons
        assert [len(row) for row in shown.keyboard] == [3, 4]
    async with stage.bot() as bot:
        await bot.telegram.press(BOB, shown, "more:", language="zh-CN")
        await bot.telegram.until(lambda: "subtle" in shown.buttons)
        assert {"redraw", "subtle", "strong", "area", "wider", "less"} == set(shown.buttons)
        assert shown.keyboard[-1][-1]["text"] == "‹ 返回"
        await bot.telegram.press(BOB, shown, "less:")
        await bot.telegram.until(lambda: "more" in shown.buttons)
        assert shown.buttons == first
        assert bot.telegram.alerts == []


async def test_every_button_fits_into_64_bytes(bot: Bot) -> None:
    shown = [await drawn(bot), await drawn(bot, "a cat --images 4")]
    for message in shown:
        for row in message.keyboard:
            assert all(len(button["callback_data"].encode()) <= 64 for button in row)
