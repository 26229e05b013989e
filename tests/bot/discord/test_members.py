"""The commands beside /imagine: members', owners', server admins'."""

from __future__ import annotations

import datetime as dt
import io
import re
from functools import partial
from typing import TYPE_CHECKING

import discord
import pytest
import simcord
from PIL import Image

from bot.alerts import Alerts
from bot.discord.pages import sentence
from bot.faces.alarm import Alarm
from bot.imagine import refusals
from bot.messages import say, translator
from tests.bot.discord.conftest import labels, words

if TYPE_CHECKING:
    from simcord.actors import MemberActor

    from bot.config.schema import Config
    from tests.bot.discord.conftest import World

pytestmark = pytest.mark.e2e


def manager(world: World) -> MemberActor:
    """Somebody who may manage the server."""
    role = world.guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    return world.guild.add_member(world.env.create_user("manager"), roles=[role])


def owned_by(config: Config, who: MemberActor) -> Config:
    return config.model_copy(update={"owners": config.owners.model_copy(update={"discord": (who.id,)})})


@pytest.fixture
def owner(world: World) -> MemberActor:
    """The manager of the server, who owns the bot as well."""
    who = manager(world)
    world.service.config = owned_by(world.service.config, who)
    return who


# members


async def test_quota_shows_plan_and_what_is_left_to_its_asker_alone(world: World) -> None:
    await world.imagine()
    result = await world.anna.slash(world.channel, "quota")
    assert result.response is not None
    assert result.response.ephemeral
    assert "99 of 100" in words(result.response)


async def test_queue_and_cancel_are_about_ones_own(world: World) -> None:
    world.model.gate.clear()
    await world.begin("a slow cat")
    assert "a slow cat" in words((await world.anna.slash(world.channel, "queue")).response)
    assert "a slow cat" not in words((await world.bob.slash(world.channel, "queue")).response)
    assert "nothing waiting" in words((await world.bob.slash(world.channel, "cancel")).response)
    assert "Cancelling" in words((await world.anna.slash(world.channel, "cancel")).response)
    world.model.gate.set()
    await world.settled()
    assert await world.used() == (0, 0)


async def test_history_has_pages_and_files(world: World) -> None:
    for n in range(6):
        await world.imagine(f"cat {n}", seed="7")
    shown = (await world.anna.slash(world.channel, "history")).response
    assert "cat 5" in words(shown)
    assert "cat 0" not in words(shown)
    await world.click(shown, "Older ›")
    assert "cat 0" in words(shown)
    file = await world.click(shown, "1")
    assert world.file(file.response)


async def test_history_shows_how_pictures_look_and_when_they_were_in_the_readers_zone(world: World) -> None:
    await world.imagine("a cat")
    await world.imagine("a dog", images=2)
    shown = (await world.anna.slash(world.channel, "history")).response
    dog, cat = shown.embeds
    files = {one.filename: world.env.backend.cdn.get(one.url) for one in shown.attachments}
    looks = [files[embed.thumbnail.url.rpartition("/")[2]] for embed in (dog, cat)]
    assert [Image.open(io.BytesIO(look)).size for look in looks] == [(256, 128), (256, 256)]
    assert re.fullmatch(r"<t:\d+:f>", cat.fields[0].value)


async def test_when_new_images_come_is_told_in_the_readers_zone(world: World) -> None:
    quota = await world.anna.slash(world.channel, "quota")
    assert any(re.fullmatch(r"<t:\d+:f>", field.value) for field in quota.response.embeds[0].fields)
    resets = refusals.day(dt.datetime(2026, 12, 1, tzinfo=dt.UTC), "en")
    told = sentence(say("error-quota-used", resets=resets), translator("en"))
    assert "New ones come on" in told
    assert "<t:1796083200:f>" in told


async def test_help_can_be_clicked_in_chinese_too(world: World) -> None:
    await world.ask("language", language="zh-CN")
    told = await world.ask("help")
    assert f":{world.bot.command_ids['imagine']}>" in told


async def test_help_names_what_members_may_use(world: World) -> None:
    told = await world.ask("help")
    commands = world.bot.tree.get_commands(type=discord.AppCommandType.chat_input)
    ids = world.bot.command_ids
    named = {command.name for command in commands if f"</{command.name}:{ids[command.name]}>" in told}
    assert named >= {"imagine", "quota", "queue", "cancel", "history", "help", "link", "forget", "language"}
    assert not named & {"stats", "tier", "grant", "ban", "unban", "pause", "resume", "settings"}


async def test_link_makes_two_accounts_one_member(world: World) -> None:
    await world.imagine()
    text = await world.ask("link")
    code = text.split("/link ")[1].split()[0]
    asked = await world.bob.slash(world.channel, "link", code=code)
    await world.click(asked.response, "Yes, join", who=world.bob)
    other = (await world.anna.slash(world.channel, "link")).response
    await world.click(other, "Yes, join")
    assert "one member" in words(other)
    assert await world.used(world.bob) == (1, 0)


async def test_forget_asks_first_and_then_erases(world: World) -> None:
    await world.imagine("a secret cat")
    kept = (await world.anna.slash(world.channel, "forget")).response
    await world.click(kept, "Keep it")
    assert "Nothing was deleted" in words(kept)
    asked = (await world.anna.slash(world.channel, "forget")).response
    await world.click(asked, "Delete everything")
    assert "1 requests and 1 pictures" in words(asked)
    assert labels(asked) == []
    assert "not asked for anything" in await world.ask("history")
    assert await world.anna.autocomplete(world.channel, "imagine", "prompt", "") == []


# owners


async def test_owners_commands_are_hidden_and_refused(world: World) -> None:
    for command in ("stats cost", "pause", "settings show"):
        with pytest.raises(simcord.SetupError, match="not visible"):
            await world.anna.slash(world.channel, command)
    told = await world.ask("stats cost", who=manager(world))
    assert "Only the owner" in told


async def test_stats_tell_cost_queue_and_gpu(world: World, owner: MemberActor) -> None:
    await world.imagine()
    assert "Images: 1" in await world.ask("stats cost", who=owner, period="today")
    assert "Waiting: 0" in await world.ask("stats queue", who=owner)
    assert "Model: embedded" in await world.ask("stats gpu", who=owner)
    assert "never" in await world.ask("stats cost", who=owner, period="never")


async def test_the_link_to_the_owners_page_is_for_the_owners_eyes(world: World, owner: MemberActor) -> None:
    assert "Only the owner" in await world.ask("stats page", who=manager(world))
    told = await owner.slash(world.channel, "stats page")
    assert told.response.ephemeral
    link = words(told.response).partition("/admin/enter?link=")[2].split()[0]
    assert await world.service.store.sessions.begin(link) is not None


async def test_tier_grant_ban_and_unban(world: World, owner: MemberActor) -> None:
    assert "premium" in await world.ask("tier set", who=owner, member=world.anna, tier="premium", why="gift")
    assert "2,000" in await world.ask("quota")
    assert "5 extra images" in await world.ask("grant", who=owner, member=world.anna, count=5)
    await world.ask("ban", who=owner, member=world.anna, why="spam")
    assert "spam" in words(await world.imagine())
    await world.ask("unban", who=owner, member=world.anna)
    assert (await world.imagine()).attachments
    audit = await world.service.store.audit.rows()
    assert {row.action for row in audit} >= {"set_tier", "grant", "ban", "unban"}


async def test_pause_lets_requests_wait_and_resume_draws_them(world: World, owner: MemberActor) -> None:
    await world.ask("pause", who=owner)
    result = await world.begin()
    assert "drawing is paused" in words(result.response)
    await owner.slash(world.channel, "resume")
    await world.settled()
    assert world.file(result.response)


# a server's rules


async def test_only_allowed_channels_draw(world: World) -> None:
    boss, other = manager(world), world.guild.create_text_channel("elsewhere")
    await world.ask("settings channel", who=boss, channel=other)
    assert "does not allow" in words(await world.imagine())
    assert (await world.imagine(channel=other)).attachments
    await world.ask("settings channel", who=boss, channel=other, allowed=False)
    assert (await world.imagine()).attachments


async def test_a_role_stands_for_a_tier_at_each_request(world: World, owner: MemberActor) -> None:
    role = world.guild.create_role("patrons")
    await world.ask("settings role", who=owner, role=role, tier="premium")
    patron = world.guild.add_member(world.env.create_user("patron"), roles=[role])
    shown = await world.imagine(who=patron)
    assert "1,999 of 2,000" in words(shown)
    assert "99 of 100" in words(await world.imagine())


async def test_preview_and_language_of_a_server(world: World) -> None:
    boss = manager(world)
    await world.ask("settings set", who=boss, setting="preview", value="off")
    await world.ask("settings set", who=boss, setting="language", value="zh-CN")
    assert "种子" in words(await world.imagine())
    names = [
        attachment["filename"]
        for entry in world.sent("PATCH", r"/webhooks/\d+/[^/]+/messages/\d+")
        for attachment in entry.json["attachments"]
    ]
    assert "preview.jpg" not in names


async def test_a_server_blocks_words_and_patterns(world: World) -> None:
    boss = manager(world)
    await world.ask("settings block", who=boss, word="kitten")
    assert "(" in await world.ask("settings block", who=boss, pattern="(")
    assert "kitten" in await world.ask("settings block", who=boss, pattern=r"c[a4]t\b")
    for prompt in ("a ＫＩＴＴＥＮ", "a c4t"):
        assert "blocked some of those words" in words(await world.imagine(prompt))
    assert (await world.imagine("a kittenish caterpillar")).attachments
    await world.ask("settings block", who=boss, word="kitten", blocked=False)
    assert (await world.imagine("a kitten")).attachments


# alerts


async def test_alerts_reach_the_admin_channel(world: World) -> None:
    admins = world.guild.create_text_channel("admins")
    alerts = Alerts()
    alarm = Alarm(alerts, "en", world.bot.tasks, partial(world.bot.alert, admins.id))
    alarm.start()
    full = say("alert-store", reason="disk_full", detail="*no space*")
    with world.env.time_context():
        alerts.tell("store:disk_full", full)
        alerts.tell("store:disk_full", full)
    await world.env.settle()
    (message,) = admins.history()
    assert "The disk is full" in message.content
    assert "*no space*" in words(message)
    alarm.stop()


async def test_a_members_data_comes_as_a_file_for_their_eyes(world: World) -> None:
    await world.imagine()
    shown = (await world.anna.slash(world.channel, "mydata")).response
    assert shown.ephemeral
    assert [attachment.filename for attachment in shown.attachments] == ["easel-my-data.zip"]
