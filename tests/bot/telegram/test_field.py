"""Small things people do in a chat: each gets an answer, and the one they expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.config.faces import Access, AccessMode
from bot.imagine.asker import Asker
from tests.bot.telegram.conftest import ANNA, BOB, GROUP, OWNER, SUPERGROUP, Stage
from tests.bot.telegram.standin import BOT_ID, BROKEN, CUT_BEFORE, FLOOD, Fault

if TYPE_CHECKING:
    from tests.bot.telegram.conftest import Bot

pytestmark = pytest.mark.e2e


def changed(stage: Stage, **telegram: object) -> Stage:
    """The same with another [telegram]."""
    section = stage.config.telegram.model_copy(update=telegram)
    return Stage(stage.telegram, stage.config.model_copy(update={"telegram": section}))


PLACE = {"latitude": 1.0, "longitude": 2.0}


@pytest.mark.parametrize("line", ["/imagine“福”", "/imagine，一只猫", "/imagine-a cat", "/IMAGINE a cat"])
async def test_a_prompt_joined_to_the_command_is_drawn(bot: Bot, line: str) -> None:
    await bot.telegram.say(ANNA, line)
    await bot.settled()
    assert len(bot.telegram.photos(ANNA)) == 1


async def test_the_bots_name_is_no_part_of_a_prompt(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "@Easel_bot, a red cat")
    await bot.settled()
    (photo,) = bot.telegram.photos(ANNA)
    assert photo.plain.startswith("a red cat")


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


async def test_a_press_on_an_inline_message_is_answered(bot: Bot) -> None:
    press = {"id": "1", "from": {"id": ANNA, "is_bot": False, "first_name": "Anna"}, "chat_instance": "1"}
    await bot.telegram.deliver({"callback_query": press | {"inline_message_id": "x", "data": "again:1"}})
    await bot.taken()
    assert bot.telegram.count("answerCallbackQuery") == 1


@pytest.mark.parametrize("button", ["again:", "larger:", "single:", "details:"])
async def test_a_button_of_a_forgotten_request_says_so(bot: Bot, button: str) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.settled()
    (shown,) = bot.telegram.messages(ANNA)
    anna = await bot.service.members.of(Asker("telegram", str(ANNA)))
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


async def test_a_picture_that_somebody_took_out_of_an_album_is_not_told_to_be_left(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat --images 2")
    await bot.settled()
    first, _, summary = bot.telegram.messages(ANNA)
    del bot.telegram.chats[ANNA][first.id]
    await bot.telegram.press(ANNA, summary, "delete:")
    await bot.settled()
    assert bot.telegram.messages(ANNA) == []
    assert "two days" not in bot.telegram.alerts[0]


async def test_an_answer_outlasts_flood_control(bot: Bot) -> None:
    bot.telegram.fail("sendMessage", FLOOD)
    await bot.telegram.say(ANNA, "/quota")
    await bot.settled()
    (told,) = bot.telegram.messages(ANNA)
    assert "99" in told.plain or "100" in told.plain


async def test_an_answer_follows_a_group_that_has_moved(bot: Bot) -> None:
    bot.telegram.moved[GROUP] = SUPERGROUP
    await bot.telegram.say(ANNA, "/quota", chat=GROUP)
    await bot.telegram.say(ANNA, "/imagine a cat --size large", chat=GROUP)
    await bot.settled()
    assert len(bot.telegram.messages(SUPERGROUP)) == 2


async def test_the_toast_of_a_press_outlasts_flood_control_and_a_fault(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat", chat=GROUP)
    await bot.settled()
    (shown,) = bot.telegram.messages(GROUP)
    bot.telegram.fail("answerCallbackQuery", BROKEN, CUT_BEFORE)
    for _ in range(9):
        await bot.telegram.press(BOB, shown, "delete:")
    await bot.settled()
    assert "Only the person" in bot.telegram.alerts[0]
    assert bot.telegram.count("answerCallbackQuery") == 9 + 2


async def test_many_presses_on_details_show_them_once_at_a_time(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat", chat=GROUP)
    await bot.settled()
    (shown,) = bot.telegram.messages(GROUP)
    bot.telegram.fail("sendMessage", FLOOD)  # until it is over, the first card waits
    for _ in range(9):
        await bot.telegram.press(BOB, shown, "details:")
    await bot.settled()
    assert len(bot.telegram.messages(GROUP)) == 2
    assert bot.telegram.count("answerCallbackQuery") == 9


SMALL_TALK = [
    "hi",
    "Thanks!",
    "thank you so much 🙏",
    "你好！",
    "ok.",
    "谢谢～",
    "hi bot",
    "好的，谢谢",
    "👍🏽",
    "❤️",
    "?",
]


@pytest.mark.parametrize("text", SMALL_TALK)
async def test_small_talk_is_answered_and_not_drawn(bot: Bot, text: str) -> None:
    await bot.telegram.say(ANNA, text)
    await bot.settled()
    (told,) = bot.telegram.messages(ANNA)
    assert "orange cat" in told.plain
    assert await bot.used() == (0, 0)


async def test_thanks_for_a_picture_draw_nothing(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat", chat=GROUP)
    await bot.settled()
    [shown] = bot.telegram.photos(GROUP)
    for text in ("wow, thanks!", "😍"):
        await bot.telegram.say(ANNA, text, chat=GROUP, reply_to=shown)
    await bot.settled()
    assert len(bot.telegram.messages(GROUP)) == 1
    assert await bot.used() == (1, 0)


@pytest.mark.parametrize("text", ["hi, a cat", "a thank you card", "night", "🐱"])
async def test_what_only_begins_like_small_talk_is_drawn(bot: Bot, text: str) -> None:
    await bot.telegram.say(ANNA, text)
    await bot.settled()
    assert await bot.used() == (1, 0)


async def test_an_owner_may_turn_off_drawing_from_plain_text(stage: Stage) -> None:
    async with changed(stage, plain_text=False).bot() as bot:
        await bot.telegram.say(ANNA, "a cat")
        await bot.settled()
        assert "/imagine" in bot.telegram.messages(ANNA)[0].plain
        assert await bot.used() == (0, 0)
        await bot.telegram.say(ANNA, "/imagine a cat")
        await bot.settled()
        assert await bot.used() == (1, 0)


async def test_start_says_hello_with_buttons_that_work(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/start")
    await bot.settled()
    (hello,) = bot.telegram.messages(ANNA)
    assert "orange cat" in hello.plain
    assert "  " not in hello.plain  # no columns, which would be crooked
    for button, told in (("command:quota", "100"), ("command:help", "--size")):
        await bot.telegram.press(ANNA, hello, button)
        await bot.settled()
        assert told in bot.telegram.messages(ANNA)[-1].plain
    await bot.telegram.press(ANNA, hello, "menu:")
    await bot.settled()
    assert "menu" in hello.buttons[0]
    assert await bot.used() == (0, 0)


async def test_a_link_with_the_invitation_lets_in_and_without_it_says_how(stage: Stage) -> None:
    access = Access(mode=AccessMode.CODE, code="ABCD-EFGH-JKLM")
    stage.config = stage.config.model_copy(update={"access": access})
    async with stage.bot() as bot:
        for line in ("/start", "a cat"):
            await bot.telegram.say(ANNA, line)
            await bot.settled()
            assert "/join" in bot.telegram.messages(ANNA)[-1].plain
        await bot.telegram.say(ANNA, "/start ABCD-EFGH-JKLM")
        await bot.settled()
        assert "Welcome" in bot.telegram.messages(ANNA)[-1].plain
        await bot.telegram.say(ANNA, "a cat")
        await bot.settled()
        assert await bot.used() == (1, 0)


async def test_a_group_that_the_bot_comes_to_reads_how_to_ask(bot: Bot) -> None:
    us = {"id": BOT_ID, "is_bot": True, "first_name": "Easel", "username": "easel_bot"}
    somebody = {"id": 13, "is_bot": False, "first_name": "Bob"}
    await bot.telegram.say(ANNA, "", chat=GROUP, new_chat_members=[somebody])
    await bot.telegram.say(ANNA, "", chat=GROUP, new_chat_members=[us])
    await bot.settled()
    (told,) = bot.telegram.messages(GROUP)
    assert "/imagine@easel_bot" in told.plain


CHANNEL = {"id": -1_000_000_000_777, "type": "channel", "title": "Pictures"}
AS_CHANNEL = {"sender_chat": CHANNEL}


async def test_who_writes_as_a_channel_counts_as_its_owner(bot: Bot) -> None:
    bot.telegram.channel_owners[CHANNEL["id"]] = ANNA
    await bot.telegram.say(136817688, "/imagine a cat", chat=GROUP, **AS_CHANNEL)
    await bot.settled()
    assert await bot.used() == (1, 0)


async def test_a_channel_of_nobody_knows_whom_is_refused_or_as_the_owner_says(stage: Stage) -> None:
    async with stage.bot() as bot:
        await bot.telegram.say(136817688, "/imagine a cat", chat=GROUP, **AS_CHANNEL)
        await bot.telegram.say(136817688, "just talking", chat=GROUP, **AS_CHANNEL)
        await bot.settled()
        (told,) = bot.telegram.messages(GROUP)
        assert "as yourself" in told.plain
    async with changed(stage, unknown_channels="allow").bot() as bot:
        await bot.telegram.say(136817688, "/imagine a cat", chat=GROUP, **AS_CHANNEL)
        await bot.settled()
        assert await bot.used(int(CHANNEL["id"])) == (1, 0)


async def test_a_ban_by_reply_reaches_the_channels_owner(bot: Bot) -> None:
    bot.telegram.channel_owners[CHANNEL["id"]] = ANNA
    said = await bot.telegram.say(136817688, "hello", chat=GROUP, **AS_CHANNEL)
    await bot.telegram.say(OWNER, "/ban spam", chat=GROUP, reply_to_message=said["message"])
    await bot.settled()
    assert (await bot.service.members.of(Asker("telegram", str(ANNA)))).banned


async def test_an_anonymous_admin_cannot_ask_privately(bot: Bot) -> None:
    group = {"id": GROUP, "type": "group", "title": "Group"}
    await bot.telegram.say(1087968824, "/imagine a cat --private", chat=GROUP, sender_chat=group)
    await bot.settled()
    (told,) = bot.telegram.messages(GROUP)
    assert "as yourself" in told.plain
    assert await bot.used(GROUP) == (0, 0)


async def test_a_members_data_comes_as_a_file(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/mydata")
    await bot.settled()
    (sent,) = [message for message in bot.telegram.messages(ANNA) if message.document]
    assert sent.filename == "easel-my-data.zip"
