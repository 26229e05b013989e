"""Commands of members, of group admins and of owners; the menu; what Telegram offers when `/` is typed."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bot.imagine.asker import Asker
from storage.settings import Scope
from tests.bot.telegram.conftest import ANNA, BOB, GROUP, OWNER, SUPERGROUP
from tests.bot.telegram.standin import Fault
from tests.bot.telegram.test_pictures import picture

if TYPE_CHECKING:
    from tests.bot.telegram.conftest import Bot, Stage

pytestmark = pytest.mark.e2e


async def said(bot: Bot, user: int, text: str, **more: object) -> str:
    """What the bot answers to a command."""
    await bot.telegram.say(user, text, **more)
    await bot.settled()
    chat = more.get("chat", user)
    assert isinstance(chat, int)
    return bot.telegram.messages(chat)[-1].plain


async def test_quota_and_help(bot: Bot) -> None:
    assert "100 of 100" in await said(bot, ANNA, "/quota")
    assert "--size" in await said(bot, ANNA, "/help")
    assert "an orange cat" in await said(bot, ANNA, "/start")
    assert "/nonsense" in await said(bot, ANNA, "/nonsense")


async def test_commands_speak_the_readers_language(bot: Bot) -> None:
    assert "本月" in await said(bot, ANNA, "/quota", language="zh-hans")
    await bot.telegram.say(ANNA, "/language")
    await bot.settled()
    await bot.telegram.press(ANNA, bot.telegram.messages(ANNA)[-1], "language:zh-CN")
    await bot.settled()
    assert "简体中文" in bot.telegram.messages(ANNA)[-1].plain
    assert "本月" in await said(bot, ANNA, "/quota", language="en")
    assert "English" in await said(bot, ANNA, "/language English")


async def test_queue_and_cancel(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat on the moon")
    await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    await bot.telegram.say(ANNA, "/queue")
    await bot.telegram.until(lambda: "a cat on the moon" in bot.telegram.messages(ANNA)[-1].plain)
    await bot.telegram.say(ANNA, "/cancel")
    await bot.telegram.until(lambda: "Cancelling" in bot.telegram.messages(ANNA)[-1].plain)
    stage.model.gate.set()
    await bot.settled()
    assert await bot.used() == (0, 0)


async def test_history_has_pages_and_hands_out_files(bot: Bot) -> None:
    for n in range(7):
        await bot.telegram.say(ANNA, f"/imagine cat {n} --seed {n}")
        await bot.settled()
    await bot.telegram.say(ANNA, "/history")
    await bot.settled()
    page = bot.telegram.messages(ANNA)[-1]
    assert "cat 6" in page.plain
    assert "cat 1" not in page.plain
    await bot.telegram.press(ANNA, page, "single:")
    await bot.settled()
    assert bot.telegram.messages(ANNA)[-1].filename == "easel-6.png"
    await bot.telegram.press(ANNA, page, "older:")
    await bot.settled()
    assert "cat 0" in bot.telegram.messages(ANNA)[-1].plain


async def test_history_in_a_group_keeps_private_pictures_private(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine my secret --private", chat=GROUP)
    await bot.settled()
    assert len(bot.telegram.photos(ANNA)) == 1
    assert bot.telegram.photos(GROUP) == []
    assert "secret" not in await said(bot, ANNA, "/history", chat=GROUP)
    assert "secret" in await said(bot, ANNA, "/history")


async def test_link_joins_two_accounts_after_both_said_yes(bot: Bot) -> None:
    code = await bot.service.store.links.code((await bot.service.members.of(Asker("discord", "5"))).key)
    await bot.telegram.say(ANNA, f"/link {code}")
    await bot.settled()
    question = bot.telegram.messages(ANNA)[-1]
    assert "Discord 5" in question.plain
    await bot.telegram.press(ANNA, question, "link:")
    await bot.settled()
    assert "other side" in question.plain
    discord = await bot.service.members.of(Asker("discord", "5"))
    (offer,) = await bot.service.store.links.offers(discord.key)
    assert (await bot.service.store.links.confirm(discord.key, offer.offer_id)).linked


async def test_link_shows_no_code_in_a_group(bot: Bot) -> None:
    assert "private chat" in await said(bot, ANNA, "/link", chat=GROUP)
    assert "/link " in await said(bot, ANNA, "/link")


async def test_forget_asks_first_and_then_erases(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.settled()
    before = (await bot.service.members.of(Asker("telegram", str(ANNA)))).key
    await bot.telegram.say(ANNA, "/forget")
    await bot.settled()
    question = bot.telegram.messages(ANNA)[-1]
    await bot.telegram.press(ANNA, question, "keep:")
    await bot.settled()
    assert "Nothing was deleted" in question.plain
    await bot.telegram.say(ANNA, "/forget")
    await bot.settled()
    question = bot.telegram.messages(ANNA)[-1]
    await bot.telegram.press(ANNA, question, "forget:")
    await bot.settled()
    assert "1 requests and 1 pictures" in question.plain
    assert (await bot.service.members.of(Asker("telegram", str(ANNA)))).key != before


async def test_forget_while_drawing_leaves_nothing_on_the_way(bot: Bot, stage: Stage) -> None:
    stage.model.gate.clear()
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    await bot.telegram.say(ANNA, "/forget")
    question = await bot.telegram.until(lambda: bot.telegram.messages(ANNA)[1:])
    await bot.telegram.press(ANNA, question[0], "forget:")
    await bot.telegram.until(lambda: "Deleted" in question[0].plain)
    stage.model.gate.set()
    await bot.settled()
    assert bot.telegram.photos(ANNA) == []
    assert await bot.used() == (0, 0)


async def test_the_menu_is_chosen_from_and_counts_once(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine")
    await bot.settled()
    (menu,) = bot.telegram.messages(ANNA)
    await bot.telegram.press(ANNA, menu, "menu:portrait:")
    await bot.settled()
    await bot.telegram.press(ANNA, menu, "menu:portrait:sketch:")
    await bot.settled()
    await bot.telegram.say(ANNA, "a cat")
    await bot.settled()
    shown = bot.telegram.photos(ANNA)[-1]
    assert "128x192" in shown.plain
    await bot.telegram.press(ANNA, shown, "details:")
    await bot.settled()
    assert "Steps: 4" in bot.telegram.messages(ANNA)[-1].plain
    await bot.telegram.say(ANNA, "a cat")
    await bot.settled()
    assert "128x128" in bot.telegram.photos(ANNA)[-1].plain


async def test_a_reply_to_a_menu_works_after_a_restart_and_in_a_group(stage: Stage) -> None:
    async with stage.bot() as bot:
        await bot.telegram.say(ANNA, "/imagine", chat=GROUP)
        await bot.settled()
        (menu,) = bot.telegram.messages(GROUP)
        await bot.telegram.press(ANNA, menu, "menu:::2:")
        await bot.settled()
    async with stage.bot() as bot:
        await bot.telegram.say(ANNA, "a cat", chat=GROUP, reply_to=menu)
        await bot.settled()
        assert len([m for m in bot.telegram.messages(GROUP) if m.album]) == 2


async def test_a_reply_to_a_menu_takes_what_was_chosen(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine", chat=GROUP)
    await bot.settled()
    (menu,) = bot.telegram.messages(GROUP)
    await bot.telegram.press(ANNA, menu, "menu:landscape:")
    await bot.settled()
    for words in ("a cat", "/imagine a cat"):
        await bot.telegram.say(ANNA, words, chat=GROUP, reply_to=menu)
        await bot.settled()
        assert "192x128" in bot.telegram.photos(GROUP)[-1].plain
    await bot.telegram.send(ANNA, picture((128, 128)), "make it night", chat=GROUP, reply_to=menu)
    await bot.settled()
    assert "192x128" in bot.telegram.photos(GROUP)[-1].plain


@pytest.mark.parametrize("how", ["reply", "command", "photo"])
async def test_an_open_menu_counts_once_however_one_goes_on(bot: Bot, how: str) -> None:
    await bot.telegram.say(ANNA, "/imagine")
    await bot.settled()
    (menu,) = bot.telegram.messages(ANNA)
    bot.telegram.fail("answerCallbackQuery", Fault(400, "Bad Request: query is too old"))
    await bot.telegram.press(ANNA, menu, "menu:landscape:")
    await bot.settled()
    if how == "photo":
        await bot.telegram.send(ANNA, picture((128, 128)), "make it night")
    else:
        await bot.telegram.say(ANNA, "/imagine a cat", reply_to=menu if how == "reply" else None)
    await bot.telegram.say(ANNA, "a dog")
    await bot.settled()
    assert sorted("192x128" in shown.plain for shown in bot.telegram.photos(ANNA)) == [False, True]


async def test_a_topic_is_answered_in_the_topic(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine@easel_bot a cat", chat=SUPERGROUP, thread=42)
    await bot.telegram.say(ANNA, "/imagine@other_bot a dog", chat=SUPERGROUP, thread=42)
    await bot.settled()
    (shown,) = bot.telegram.messages(SUPERGROUP)
    assert shown.thread == 42
    assert shown.photo


async def test_group_settings_are_for_admins_and_are_kept(bot: Bot) -> None:
    assert "Only admins" in await said(bot, ANNA, "/settings", chat=GROUP)
    bot.telegram.admins.add((GROUP, ANNA))
    await bot.telegram.say(ANNA, "/settings", chat=GROUP)
    await bot.settled()
    card = bot.telegram.messages(GROUP)[-1]
    await bot.telegram.press(ANNA, card, "set:preview=off")
    await bot.settled()
    assert "Preview: off" in card.plain
    assert "简体中文" not in card.plain
    await said(bot, ANNA, "/settings language zh-cn", chat=GROUP)
    assert "本月" in await said(bot, BOB, "/quota", chat=GROUP)
    assert "inside a server or group" in await said(bot, ANNA, "/settings")


async def test_a_group_can_keep_the_bot_to_one_topic(bot: Bot) -> None:
    bot.telegram.admins.add((SUPERGROUP, ANNA))
    await bot.telegram.say(ANNA, "/settings", chat=SUPERGROUP, thread=42)
    await bot.settled()
    await bot.telegram.press(ANNA, bot.telegram.messages(SUPERGROUP)[-1], "set:here=on")
    await bot.settled()
    assert "other topics" in await said(bot, ANNA, "/imagine a cat", chat=SUPERGROUP, thread=7)
    await bot.telegram.say(ANNA, "/imagine a cat", chat=SUPERGROUP, thread=42)
    await bot.settled()
    assert len(bot.telegram.photos(SUPERGROUP)) == 1


async def test_settings_move_with_the_group(bot: Bot) -> None:
    scope = Scope.server("telegram", str(GROUP))
    await bot.service.store.settings.set(scope, "preview", False, by="test")
    await bot.telegram.say(ANNA, "", chat=GROUP, migrate_to_chat_id=SUPERGROUP)
    await bot.settled()
    assert await bot.service.store.settings.of(Scope.server("telegram", str(SUPERGROUP))) == {
        "preview": False
    }


async def test_owners_see_costs_queue_and_gpu_and_others_do_not(bot: Bot) -> None:
    for command in ("/stats cost today", "/stats queue", "/stats gpu", "/pause", "/ban 5"):
        assert "Only the owner" in await said(bot, ANNA, command)
    await said(bot, OWNER, "/stats cost today")
    report, chart = bot.telegram.messages(OWNER)
    assert "today" in report.plain
    assert chart.photo
    assert "Waiting: 0" in await said(bot, OWNER, "/stats queue")
    assert "embedded" in await said(bot, OWNER, "/stats gpu")


async def test_the_link_to_the_owners_page_is_given_in_private_and_to_owners(bot: Bot) -> None:
    assert "private chat" in await said(bot, OWNER, "/stats page", chat=GROUP)
    assert "Only the owner" in await said(bot, ANNA, "/stats page")
    link = (await said(bot, OWNER, "/stats page")).partition("/admin/enter?link=")[2]
    session = await bot.service.store.sessions.begin(link.strip())
    assert session is not None
    whose = await bot.service.store.sessions.member(session)
    assert whose == await bot.service.members.of(Asker("telegram", str(OWNER)))


async def test_owners_change_members_by_number_and_by_reply(bot: Bot) -> None:
    assert "premium" in await said(bot, OWNER, f"/tier {ANNA} premium 2099-12-31 a friend")
    member = await bot.service.members.of(Asker("telegram", str(ANNA)))
    assert member.tier == "premium"
    assert member.tier_until is not None
    assert member.tier_until.year == 2099
    update = await bot.telegram.say(OWNER, f"/grant {ANNA} 25 sorry")
    await bot.settled()
    bot.telegram.redeliver(update)
    await bot.settled()
    assert (await bot.service.store.members.quota(member.key)).topup == 25
    rows = await bot.service.store.audit.rows(subject=member.key)
    assert [(row.action, row.why) for row in rows] == [("grant", "sorry"), ("set_tier", "a friend")]
    theirs = {"message_id": 1, "date": 1, "chat": {"id": GROUP, "type": "group"}, "text": "hi"}
    theirs["from"] = {"id": BOB, "is_bot": False, "first_name": "Bob"}
    await said(bot, OWNER, "/ban spam", chat=GROUP, reply_to_message=theirs)
    bob = await bot.service.members.of(Asker("telegram", str(BOB)))
    assert bob.banned
    assert bob.ban_reason == "spam"
    assert "spam" in await said(bot, BOB, "/imagine a cat")
    await said(bot, OWNER, f"/unban {BOB}")
    assert not (await bot.service.members.of(Asker("telegram", str(BOB)))).banned
    assert "Say who" in await said(bot, OWNER, "/ban")


async def test_pause_keeps_requests_waiting_until_resume(bot: Bot) -> None:
    assert "Paused" in await said(bot, OWNER, "/pause")
    await bot.telegram.say(ANNA, "/imagine a cat")
    await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
    assert bot.telegram.photos(ANNA) == []
    await bot.telegram.say(OWNER, "/resume")
    await bot.settled()
    assert len(bot.telegram.photos(ANNA)) == 1


async def test_commands_are_announced_for_each_scope_and_language(bot: Bot) -> None:
    await bot.client.face.settled()
    told = {}
    for call in bot.telegram.calls:
        if call.method == "setMyCommands":
            scope = json.loads(call.fields["scope"])["type"]
            names = [entry["command"] for entry in json.loads(call.fields["commands"])]
            told[scope, call.fields.get("language_code")] = names
    assert {scope for scope, _ in told} == {
        "all_private_chats", "all_group_chats", "all_chat_administrators", "chat",
    }  # fmt: skip
    assert {language for _, language in told} == {None, "zh"}
    assert "settings" in told["all_chat_administrators", "zh"]
    assert "ban" in told["chat", None]
    assert "ban" not in told["all_private_chats", None]


async def test_history_shows_how_the_pictures_look(bot: Bot) -> None:
    for words in ("a cat", "a dog --images 2"):
        await bot.telegram.say(ANNA, f"/imagine {words}")
        await bot.settled()
    before = len(bot.telegram.messages(ANNA))
    await bot.telegram.say(ANNA, "/history")
    await bot.settled()
    looks, listed = bot.telegram.messages(ANNA)[before:]
    assert Image.open(io.BytesIO(looks.photo or b"")).size == (512, 256)
    assert "1. a dog" in listed.plain
    assert "<tg-time unix=" in listed.text  # in the reader's own zone
