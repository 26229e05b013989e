"""The buttons under a picture and the menus on a message, now and after a restart."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.bot.discord.conftest import labels, rows, words

if TYPE_CHECKING:
    from tests.bot.discord.conftest import World

pytestmark = pytest.mark.e2e


def parameters(world: World, message: Any) -> str:
    return str(Image.open(io.BytesIO(world.file(message))).info["parameters"])


async def test_again_draws_the_same_words_from_a_new_seed(world: World) -> None:
    message = await world.imagine("an orange cat", seed="7")
    again = (await world.click(message, "Again")).response
    assert "an orange cat" in parameters(world, again)
    assert "Seed: 7," not in parameters(world, again)
    assert await world.used() == (2, 0)


async def test_vary_asks_for_words_at_once_and_keeps_the_seed(world: World) -> None:
    prompt = "an *orange* cat_on a mat"
    message = await world.imagine(prompt, seed="7")
    store, world.service.store = world.service.store, None  # a modal must be the first answer: no store
    shown = await world.anna.click(message, label="Vary")
    world.service.store = store
    assert shown.modal is not None
    assert prompt in str(shown.modal)
    sent = await world.anna.submit_modal(shown, {"prompt": "a blue cat"})
    await world.settled()
    text = parameters(world, sent.response)
    assert text.startswith("a blue cat")
    assert "Seed: 7" in text


async def test_larger_keeps_the_seed_and_ends_at_the_largest(world: World) -> None:
    message = await world.imagine(seed="7")
    larger = (await world.click(message, "Larger")).response
    assert "Size: 256x256" in parameters(world, larger)
    assert "Seed: 7" in parameters(world, larger)
    largest = (await world.click(larger, "Larger")).response
    assert "Size: 512x512" in parameters(world, largest)
    assert "Larger" not in labels(largest)
    assert "Redraw larger" not in labels(larger)
    redrawn = (await world.click(message, "Redraw larger")).response
    assert "Size: 192x192" in parameters(world, redrawn)


async def test_the_single_file_of_a_grid_grows_by_itself(world: World) -> None:
    message = await world.imagine(images=2, seed="7")
    single = (await world.click(message, "2")).response
    larger = (await world.click(single, "Larger")).response
    assert "Seed: 8" in parameters(world, larger)
    assert larger.ephemeral


async def test_details_are_for_whoever_asks(world: World) -> None:
    message = await world.imagine("an orange cat", seed="7")
    shown = (await world.click(message, "Details", who=world.bob)).response
    assert shown is not None
    assert shown.ephemeral
    for told in ("an orange cat", "Seed: 7", "Guidance: 0"):
        assert told in words(shown)


async def test_delete_is_the_owners_and_takes_the_file_too(world: World) -> None:
    message = await world.imagine()
    refused = await world.click(message, "Delete", who=world.bob)
    assert "Only the person who asked" in words(refused.followups[0])
    await world.click(message, "Delete")
    assert world.channel.history() == []
    member = await world.service.members.of(world.asker())
    (record,) = await world.service.store.requests.history(member.key, 5)
    assert [job.image for job in record.jobs] == [None]


async def test_buttons_work_after_a_restart(world: World) -> None:
    message = await world.imagine("an orange cat", images=2, seed="7")
    await world.stop()
    await world.start()
    single = (await world.click(message, "1")).response
    assert "Seed: 7" in parameters(world, single)
    again = (await world.click(message, "Again")).response
    assert "an orange cat" in words(again)
    shown = await world.anna.click(message, label="V2")
    assert "an orange cat" in str(shown.modal)


async def test_each_picture_of_a_grid_is_enlarged_and_varied_at_once(world: World) -> None:
    message = await world.imagine("an orange cat", images=4, seed="7")
    larger = (await world.click(message, "U2")).response
    assert "Seed: 8" in parameters(world, larger)
    assert "Size: 256x256" in parameters(world, larger)
    shown = await world.anna.click(message, label="V4")
    sent = await world.anna.submit_modal(shown, {"prompt": "a blue cat"})
    await world.settled()
    assert parameters(world, sent.response).startswith("a blue cat")
    assert "Seed: 10" in parameters(world, sent.response)
    assert await world.used() == (6, 0)


async def test_where_nothing_larger_may_be_drawn_anew_it_is_enlarged_once(world: World) -> None:
    message = await world.imagine(images=2, size="256x256")
    assert rows(message) == [["U1", "U2"], ["V1", "V2"], ["1", "2"], ["Again", "Details", "Delete"]]
    larger = (await world.click(message, "U1")).response
    assert rows(larger) == [
        ["Again", "Vary"],
        ["Vary a little", "Vary a lot", "Area", "Zoom out"],
        ["Details", "Delete"],
    ]


async def test_a_part_is_chosen_by_its_number_and_drawn_anew_where_everybody_sees_it(world: World) -> None:
    message = await world.imagine("an orange cat", seed="7")
    chooser = (await world.click(message, "Area")).response
    assert chooser.ephemeral
    assert labels(chooser) == [str(n) for n in range(1, 10)]
    shown = await world.anna.click(chooser, label="5")
    assert "an orange cat" in str(shown.modal)
    sent = await world.anna.submit_modal(shown, {"prompt": "a blue cat"})
    await world.settled()
    text = parameters(world, sent.response)
    assert text.startswith("a blue cat")
    assert "Inpaint area: 5" in text
    assert not sent.response.ephemeral


async def test_a_part_of_a_private_picture_stays_private(world: World) -> None:
    message = (await world.begin("a secret", private=True)).response
    await world.settled()
    chooser = (await world.click(message, "Area")).response
    shown = await world.anna.click(chooser, label="1")
    sent = await world.anna.submit_modal(shown, {"prompt": "another secret"})
    await world.settled()
    assert sent.response.ephemeral


@pytest.mark.parametrize("label", ["Vary a little", "Vary a lot", "Zoom out"])
async def test_a_result_is_drawn_from_without_a_download(world: World, label: str) -> None:
    message = await world.imagine("an orange cat", seed="7")
    drawn = (await world.click(message, label, who=world.bob)).response
    assert "Denoising strength" in parameters(world, drawn)
    assert await world.used(world.bob) == (1, 0)


async def test_imagine_again_from_a_messages_menu(world: World) -> None:
    await world.imagine("an orange cat")
    message = world.channel.last_message
    result = await world.bob.context_menu(world.channel, "Imagine again", message)
    await world.settled()
    assert "an orange cat" in parameters(world, result.response)
    assert await world.used(world.bob) == (1, 0)


async def test_show_parameters_from_a_messages_menu(world: World) -> None:
    await world.imagine("an orange cat", images=4, seed="7")
    result = await world.bob.context_menu(world.channel, "Show parameters", world.channel.last_message)
    assert "Seed: 7, 8, 9, 10" in words(result.response)


async def test_a_menu_on_anything_else_says_so(world: World) -> None:
    message = await world.anna.send(world.channel, "hello")
    result = await world.bob.context_menu(world.channel, "Imagine again", message)
    assert "no picture of mine" in words(result.response)
    assert result.response.ephemeral
