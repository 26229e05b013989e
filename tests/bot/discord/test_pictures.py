"""Pictures that members bring to Discord: attached to the command, or on any message by its menu."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import discord
import pytest
from PIL import Image

from bot.imagine.source import png
from tests.bot.discord.conftest import words

if TYPE_CHECKING:
    from tests.bot.discord.conftest import World


def photo(colour: str = "orange", size: tuple[int, int] = (160, 160)) -> tuple[str, bytes]:
    return "photo.png", png(Image.new("RGB", size, colour))


def half(size: tuple[int, int] = (160, 160)) -> tuple[str, bytes]:
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return "mask.png", png(mask)


def parameters(world: World, message: Any) -> str:
    return str(Image.open(io.BytesIO(world.file(message))).info["parameters"])


async def edited(world: World, shown: Any, who: Any = None, **said: Any) -> Any:
    """The modal sent off with these fields, whatever else their ids hold."""
    ids = {field["custom_id"].partition("|")[0]: field["custom_id"] for field in fields(shown.modal)}
    sent = await (who or world.anna).submit_modal(shown, {ids[name]: value for name, value in said.items()})
    await world.settled()
    return sent


def fields(modal: Any) -> list[dict[str, Any]]:
    return [label["component"] for label in modal["components"]]


async def test_an_attached_picture_is_varied(world: World) -> None:
    message = await world.imagine("a watercolour of this", picture=photo(), strength="0.4")
    assert "Denoising strength: 0.4" in parameters(world, message)
    assert await world.used() == (1, 0)
    (row,) = await world.service.store.ledger.rows()
    assert row.kind == "vary"


async def test_a_mask_an_area_and_room_make_it_an_inpainting(world: World) -> None:
    for options in ({"mask": half()}, {"area": "left"}, {"expand": "all"}):
        await world.imagine("a blue cat", picture=photo(), **options)
    assert {row.kind for row in await world.service.store.ledger.rows()} == {"inpaint"}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("photo.png", b"a text", "not a picture"),
        ("notes.txt", b"a text", "not a picture"),
        ("photo.png", photo()[1][:100], "damaged"),
        ("film.gif", b"GIF89a", "this file is GIF"),
        ("photo.png", bytes(11 << 20), "larger than 10 MB"),
    ],
)
async def test_what_is_no_picture_is_refused_in_a_sentence(
    world: World, name: str, content: bytes, why: str
) -> None:
    result = await world.begin(picture=(name, content))
    assert why in words(result.followups[0])
    assert (await world.used(), world.model.drawn) == ((0, 0), [])


async def test_nothing_is_downloaded_that_is_too_large_or_elsewhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(attachment: discord.Attachment, **_: Any) -> bytes:
        raise AssertionError("downloaded")

    monkeypatch.setattr(discord.Attachment, "read", read)
    await world.begin(picture=("photo.png", bytes(11 << 20)))
    world.bot.cdn = frozenset({"cdn.discordapp.com"})
    result = await world.begin(picture=photo())
    assert "not a picture" in words(result.followups[0])
    assert await world.used() == (0, 0)


async def test_any_messages_picture_is_edited_by_its_menu(world: World) -> None:
    message = await world.bob.send(world.channel, "look", attachments=[photo()])
    shown = await world.anna.context_menu(world.channel, "Edit picture", message)
    sent = await edited(world, shown, prompt="a blue cat", strength="0.5", mask=half())
    await world.settled()
    text = parameters(world, sent.response)
    assert text.startswith("a blue cat")
    assert "Denoising strength: 0.5" in text
    assert await world.used() == (1, 0)


async def test_any_messages_picture_is_followed_by_its_menu(world: World) -> None:
    sign = Image.new("RGB", (160, 128), "orange")
    sign.paste("blue", (40, 32, 120, 96))
    message = await world.bob.send(world.channel, "look", attachments=[("sign.png", png(sign))])
    shown = await world.anna.context_menu(world.channel, "Edit picture", message)
    sent = await world.anna.submit_modal(shown, {"prompt": "a blue cat", "control": "edges"})
    await world.settled()
    assert "Control: edges" in parameters(world, sent.response)
    assert await world.used() == (1, 0)


async def test_a_picture_of_ours_is_edited_without_a_download(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.imagine("an orange cat", seed="7", size="96x160")

    async def read(attachment: discord.Attachment, **_: Any) -> bytes:
        raise AssertionError("downloaded")

    monkeypatch.setattr(discord.Attachment, "read", read)
    shown = await world.bob.context_menu(world.channel, "Edit picture", world.channel.last_message)
    sent = await world.bob.submit_modal(shown, {"prompt": "a blue cat", "area": "top"})
    await world.settled()
    text = parameters(world, sent.response)
    assert "Size: 96x160" in text
    assert "Inpaint area: top" in text
    assert await world.used(world.bob) == (1, 0)


async def test_a_message_without_a_picture_says_so(world: World) -> None:
    message = await world.anna.send(world.channel, "hello")
    result = await world.anna.context_menu(world.channel, "Edit picture", message)
    assert "no picture in that message" in words(result.response)


@pytest.mark.parametrize("ours", [False, True])
async def test_a_modal_outlives_its_process(world: World, ours: bool) -> None:
    if ours:
        await world.imagine("an orange cat")
        message = world.channel.last_message
    else:
        message = await world.bob.send(world.channel, "look", attachments=[photo()])
    shown = await world.bob.context_menu(world.channel, "Edit picture", message)
    await world.stop()
    await world.start()
    sent = await edited(world, shown, world.bob, prompt="a blue cat", strength="0.5", mask=half())
    text = parameters(world, sent.response)
    assert text.startswith("a blue cat")
    assert "Denoising strength: 0.5" in text
    assert await world.used(world.bob) == (1, 0)


async def test_a_picture_of_a_very_long_name_is_known_to_the_process_that_asked(world: World) -> None:
    message = await world.bob.send(world.channel, "look", attachments=[(f"{'x' * 250}.png", photo()[1])])
    shown = await world.anna.context_menu(world.channel, "Edit picture", message)
    sent = await edited(world, shown, prompt="a blue cat")
    assert parameters(world, sent.response).startswith("a blue cat")
    shown = await world.anna.context_menu(world.channel, "Edit picture", message)
    await world.stop()
    await world.start()
    sent = await edited(world, shown, prompt="a blue cat")
    assert "no longer kept" in "".join(words(one) for one in (sent.response, *sent.followups) if one)
    assert await world.used() == (1, 0)


async def test_admins_turn_members_pictures_off_and_results_stay_usable(world: World) -> None:
    message = await world.imagine("an orange cat")
    role = world.guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    boss = world.guild.add_member(world.env.create_user("boss"), roles=[role])
    await world.ask("settings set", who=boss, setting="pictures", value="off")
    result = await world.begin(picture=photo())
    assert "do not allow pictures of your own" in words(result.followups[0])
    varied = (await world.click(message, "Vary a little")).response
    assert "Denoising strength" in parameters(world, varied)
