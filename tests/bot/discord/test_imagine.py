"""/imagine in Discord: acknowledged at once, one message edited, a picture in the end, charged once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, cast

import discord
import pytest
from PIL import Image

from bot.discord.pages import escaped, prompt_of
from bot.discord.screen import EDIT_EVERY_S
from tests.bot.discord.conftest import answer, labels, parts, rows, texts, words

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from bot.config.schema import Config
    from tests.bot.discord.conftest import World

pytestmark = pytest.mark.e2e

ORIGINAL = r"/webhooks/\d+/[^/]+/messages/\d+"


async def test_a_prompt_becomes_a_picture_in_the_message_that_was_promised(world: World) -> None:
    result = await world.begin("an orange cat", seed="7")
    assert result.acknowledged
    await world.settled()
    message = result.response
    assert message is not None
    assert result.followups == []
    image = Image.open(io.BytesIO(world.file(message)))
    assert image.info["parameters"].startswith("an orange cat\nSteps: ")
    assert "Seed: 7" in image.info["parameters"]
    said = words(message)
    for told in ("an orange cat", f"<@{world.anna.id}>", "Seed 7", "128x128", "99 of 100 left"):
        assert told in said
    for untold in ("Steps", "GPU", "CN¥"):
        assert untold not in said
    assert await world.used() == (1, 0)


async def test_the_first_thing_sent_is_the_acknowledgement(world: World) -> None:
    before = len(world.env.http_requests)
    await world.imagine()
    first = world.env.http_requests[before]
    assert first.path.endswith("/callback")
    assert first.json["type"] == 5


async def test_nothing_is_read_before_the_acknowledgement(world: World) -> None:
    await world.service.store.close()
    before = len(world.env.http_requests)
    result = await world.begin()
    first = world.env.http_requests[before]
    assert first.path.endswith("/callback")
    assert first.json["type"] == 5
    assert "could not be saved" in words(answer(result))


async def test_one_message_tells_the_progress_and_ends_as_the_result(world: World) -> None:
    world.model.gate.clear()
    result = await world.begin()
    assert result.response is not None
    assert "step 0 of 8" in words(result.response)
    assert labels(result.response) == ["Cancel"]
    world.model.gate.set()
    await world.settled()
    assert result.followups == []
    assert "step" not in words(result.response)
    assert rows(result.response) == [
        ["Again", "Vary", "Larger", "Redraw larger"],
        ["Vary a little", "Vary a lot", "Area", "Zoom out"],
        ["Details", "Delete"],
    ]
    assert len(world.channel.history()) == 1


async def test_a_preview_is_shown_while_it_is_drawn(world: World) -> None:
    world.model.gate.clear()
    await world.begin()
    world.model.gate.set()
    await world.settled()
    names = [
        attachment["filename"]
        for entry in world.sent("PATCH", ORIGINAL)
        for attachment in entry.json["attachments"]
    ]
    assert names[-1].startswith("easel-")
    assert set(names[:-1]) <= {"preview.jpg"}


async def test_the_picture_comes_first_as_the_messages_own_file_at_full_width(world: World) -> None:
    message = await world.imagine("an orange cat", seed="7")
    gallery, prompt, line, *_ = parts(message)
    (item,) = gallery["items"]
    assert item["media"]["url"] == message.attachments[0].url
    assert item["description"] == "an orange cat"
    assert prompt["content"] == "an orange cat"
    assert line["content"].startswith(f"-# <@{world.anna.id}> · 128x128 · Seed 7 · ")
    assert "\n" not in line["content"]
    assert message.embeds == []


async def test_what_it_cost_is_told_where_the_tier_says_so(world: World) -> None:
    tiers = world.service.config.tiers
    told = {**tiers, "free": tiers["free"].model_copy(update={"show_cost": True})}
    world.service.config = world.service.config.model_copy(update={"tiers": told})
    (_, line) = texts(await world.imagine())
    assert "GPU time" in line
    assert "CN¥" in line


async def test_a_picture_of_an_earlier_version_is_varied_by_the_words_in_its_embed() -> None:
    class Earlier:
        components: tuple[()] = ()
        embeds = (discord.Embed(description=escaped("an *orange* cat")),)

    assert prompt_of(cast("discord.Message", Earlier())) == "an *orange* cat"


async def test_a_long_prompt_is_shown_in_part_and_varied_whole(world: World) -> None:
    prompt = "a cat, " * 250 + "and a dog"
    message = await world.imagine(prompt)
    assert texts(message)[0].endswith("…")
    shown = await world.anna.click(message, label="Vary")
    assert prompt in str(shown.modal)


async def test_four_pictures_are_a_grid_and_single_files(world: World) -> None:
    message = await world.imagine(images=4, seed="7")
    grid = Image.open(io.BytesIO(world.file(message)))
    assert grid.size == (256, 256)
    assert "Seed: 7" in grid.info["parameters"]
    assert rows(message) == [
        ["U1", "U2", "U3", "U4"],
        ["V1", "V2", "V3", "V4"],
        ["1", "2", "3", "4"],
        ["Again", "Details", "Delete"],
    ]
    shown = (await world.click(message, "3")).response
    assert shown is not None
    assert shown.ephemeral
    third = Image.open(io.BytesIO(world.file(shown)))
    assert "Seed: 9" in third.info["parameters"]
    assert shown.attachments[0].filename.endswith("-3.png")
    assert await world.used() == (4, 0)


async def test_nothing_typed_is_markup_or_a_mention(world: World) -> None:
    prompt = "**bold** @everyone <@1> [x](http://evil.example) `code` \\"
    message = await world.imagine(prompt)
    assert prompt in words(message)
    assert r"\@everyone" in texts(message)[0]
    for entry in world.env.http_requests:
        if isinstance(entry.json, dict) and "content" in entry.json:
            assert entry.json["allowed_mentions"] == {"parse": []}


async def test_the_language_is_the_readers(world: World) -> None:
    await world.ask("language", language="zh-CN")
    message = await world.imagine()
    assert "种子" in words(message)


async def test_commands_have_chinese_names(world: World) -> None:
    (entry,) = world.sent("PUT", r"/applications/\d+/commands")
    imagine = next(command for command in entry.json if command["name"] == "imagine")
    assert imagine["name_localizations"]["zh-CN"] == "画图"
    assert imagine["integration_types"] == [0, 1]
    assert imagine["contexts"] == [0, 1, 2]
    assert all(option["description_localizations"]["zh-CN"] for option in imagine["options"])


async def test_autocomplete_offers_styles_sizes_and_recent_prompts_from_memory(world: World) -> None:
    await world.imagine("an orange cat")
    await world.imagine("a blue boat")
    await world.service.store.close()
    anna, channel = world.anna, world.channel

    async def offered(option: str, typed: str) -> list[str]:
        choices = await anna.autocomplete(channel, "imagine", option, typed)
        return [choice["value"] for choice in choices]

    assert await offered("prompt", "") == ["a blue boat", "an orange cat"]
    assert await offered("prompt", "CAT") == ["an orange cat"]
    assert await offered("size", "por") == ["portrait"]
    assert (await offered("size", "160x128"))[0] == "160x128"
    assert await offered("lora", "IN") == ["ink:1"]
    assert await offered("lora", "ink:0.5, se") == ["ink:0.5, sepia:1"]


async def test_no_two_edits_are_the_same(
    opened: Callable[..., AbstractAsyncContextManager[World]],
) -> None:
    async with opened(edit_every_s=EDIT_EVERY_S) as world:
        await world.imagine()
        bodies = [str(entry.json) for entry in world.sent("PATCH", ORIGINAL)]
        assert len(bodies) == len(set(bodies))


async def test_a_direct_message_is_served_as_well(world: World) -> None:
    result = await world.anna.user.slash("imagine", prompt="a cat")
    await world.settled()
    assert result.response is not None
    assert result.response.attachments
    assert await world.used() == (1, 0)


async def test_the_attachment_limit_of_the_place_is_kept(config: Config, tmp_path: Path) -> None:
    from bot.discord.files import Upload, fit
    from engine.png import encode_png
    from engine.request import PngFile

    noise = Image.effect_noise((512, 512), 80).convert("RGB")
    png = encode_png(noise, PngFile((("parameters", "a cat\nSteps: 8, Seed: 7"),)))
    assert fit(Upload("easel-1", png), 10 << 20).content == png
    small = fit(Upload("easel-1", png), 200_000)
    assert small.name == "easel-1.webp"
    assert len(small.content) <= 200_000
    comment = Image.open(io.BytesIO(small.content)).getexif().get_ifd(0x8769)[0x9286]
    assert comment.removeprefix(b"UNICODE\0").decode("utf-16-be").endswith("Seed: 7")


async def test_a_deleted_channel_is_no_longer_one_of_the_allowed_ones(world: World) -> None:
    role = world.guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    boss = world.guild.add_member(world.env.create_user("boss"), roles=[role])
    other = world.guild.create_text_channel("elsewhere")
    assert "#elsewhere" in await world.ask("settings channel", who=boss, channel=other)
    world.env.backend.delete_channel(other.id)
    await world.env.settle()
    assert (await world.imagine()).attachments
    assert str(other.id) not in await world.ask("settings show", who=boss)
