"""Pictures that people send: what is drawn from them, and what is answered where nothing can be."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from structlog.testing import capture_logs

from bot.imagine.asker import Asker
from bot.imagine.capabilities import Workflow
from bot.imagine.request import ImageRequest
from engine.request import ControlKind
from tests.bot.telegram.conftest import ANNA, BOB, GROUP
from tests.bot.telegram.standin import BROKEN, TOKEN, Fault

if TYPE_CHECKING:
    from tests.bot.telegram.conftest import Bot

pytestmark = pytest.mark.e2e

ASKS = "Tell me what to make of this picture"


def picture(size: tuple[int, int] = (192, 128), kind: str = "JPEG", sign: str = "orange") -> bytes:
    """An orange field, with a sign on it."""
    image = Image.new("RGB", size, "orange")
    image.paste(sign, (64, 32, 128, 96))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


async def drawn(bot: Bot, user: int = ANNA) -> list[ImageRequest]:
    """What somebody had drawn, the newest first."""
    member = await bot.service.members.of(Asker("telegram", str(user)))
    records = await bot.service.store.requests.history(member.key, 10)
    return [ImageRequest.from_json(record.payload) for record in records]


async def test_a_photo_with_a_caption_is_drawn_from(bot: Bot) -> None:
    await bot.telegram.send(ANNA, picture(), "a watercolour of this --strength 0.5 --seed 7")
    await bot.settled()
    [request] = await drawn(bot)
    assert (request.prompt, request.workflow, request.strength) == (
        "a watercolour of this",
        Workflow.VARY,
        0.5,
    )
    assert request.width > request.height
    assert [call.fields["file_id"] for call in bot.telegram.calls if call.method == "getFile"] == ["large-1"]
    assert await bot.used() == (1, 0)


@pytest.mark.parametrize("kind", ["image/png", "image/webp"])
async def test_a_file_that_is_a_picture_is_one_too(bot: Bot, kind: str) -> None:
    content = picture(kind=kind.partition("/")[2])
    await bot.telegram.send(ANNA, content, "/imagine a dog --area left", as_file=kind)
    await bot.settled()
    assert [request.workflow for request in await drawn(bot)] == [Workflow.INPAINT]


async def test_in_a_group_only_a_command_is_meant_for_the_bot(bot: Bot) -> None:
    await bot.telegram.send(ANNA, picture(), "look at this", chat=GROUP)
    await bot.telegram.send(ANNA, picture(), chat=GROUP)
    await bot.telegram.send(ANNA, picture(), "/imagine@another_bot a dog", chat=GROUP)
    await bot.telegram.send(ANNA, picture(), "/imagine@easel_bot a dog", chat=GROUP)
    await bot.settled()
    assert [request.prompt for request in await drawn(bot)] == ["a dog"]
    assert len(bot.telegram.messages(GROUP)) == 1


async def test_a_reply_to_anybodys_photo_is_drawn_from_that(bot: Bot) -> None:
    sent = await bot.telegram.send(BOB, picture(), "our house", chat=GROUP)
    await bot.telegram.say(ANNA, "/imagine in snow", chat=GROUP, reply_to_message=sent["message"])
    own = await bot.telegram.send(ANNA, picture())
    await bot.telegram.say(ANNA, "at night", reply_to_message=own["message"])
    await bot.settled()
    found = {request.prompt: request.workflow for request in await drawn(bot)}
    assert found == {"in snow": Workflow.VARY, "at night": Workflow.VARY}


async def test_a_photo_is_followed_by_its_caption_or_a_reply(bot: Bot) -> None:
    await bot.telegram.send(ANNA, picture(sign="blue"), "a lighthouse --control edges --lora ink:0.5")
    own = await bot.telegram.send(ANNA, picture(sign="blue"), "in snow --strength 0.5")
    words = "/imagine a tower —构图 轮廓 —构图强度 0.5"
    await bot.telegram.say(ANNA, words, reply_to_message=own["message"])
    await bot.settled()
    found = {one.prompt: (one.control, one.control_strength, one.loras) for one in await drawn(bot)}
    assert found == {
        "a lighthouse": (ControlKind.EDGES, 0.75, {"ink": 0.5}),
        "in snow": (None, None, {}),
        "a tower": (ControlKind.EDGES, 0.5, {}),
    }
    assert await bot.used() == (3, 0)


async def test_a_reply_to_a_photo_of_another_chat_is_drawn_from_that(bot: Bot) -> None:
    bot.telegram.assets["elsewhere"] = {"type": "photo", "data": picture()}
    photo = {"file_id": "elsewhere", "file_unique_id": "u", "width": 192, "height": 128}
    await bot.telegram.say(ANNA, "in snow", external_reply={"origin": FORWARDED, "photo": [photo]})
    await bot.settled()
    assert [request.workflow for request in await drawn(bot)] == [Workflow.VARY]


FILE = {"file_id": "f", "file_unique_id": "u"}
STICKER = {**FILE, "width": 9, "height": 9, "type": "regular", "is_animated": False, "is_video": False}
GIF = {**FILE, "width": 9, "height": 9, "duration": 1, "mime_type": "video/mp4"}


@pytest.mark.parametrize("replied", [{"sticker": STICKER}, {"animation": GIF, "document": FILE}])
@pytest.mark.parametrize("text", ["/imagine make it red", "make it red", "/imagine"])
async def test_a_reply_to_what_is_no_picture_says_so(bot: Bot, replied: dict[str, object], text: str) -> None:
    sent = await bot.telegram.say(BOB, "", chat=GROUP, **replied)
    await bot.telegram.say(ANNA, text, reply_to_message=sent["message"])
    await bot.settled()
    [told] = bot.telegram.messages(ANNA)
    assert "cannot draw from" in told.plain
    assert await bot.used() == (0, 0)


async def test_a_picture_without_words_gets_one_sentence(bot: Bot) -> None:
    await bot.telegram.send(ANNA, picture(), "hi 👍")
    await bot.telegram.send(BOB, picture(), "sent on", forward_origin=FORWARDED)
    await bot.settled()
    for person in (ANNA, BOB):
        [told] = bot.telegram.messages(person)
        assert ASKS in told.plain
        assert await bot.used(person) == (0, 0)
    assert not bot.telegram.count("getFile")


FORWARDED = {"type": "hidden_user", "date": 1, "sender_user_name": "Carl"}


async def test_of_an_album_the_picture_with_the_caption_is_used_once(bot: Bot) -> None:
    for caption in ("", "in oil", "in chalk"):
        await bot.telegram.send(ANNA, picture(), caption, media_group_id="1")
    await bot.settled()
    assert [request.prompt for request in await drawn(bot)] == ["in oil"]
    assert not any(ASKS in message.plain for message in bot.telegram.messages(ANNA))


async def test_an_album_without_words_is_asked_about_once(bot: Bot) -> None:
    for _ in range(3):
        await bot.telegram.send(ANNA, picture(), media_group_id="2")
    await bot.settled()
    assert [ASKS in message.plain for message in bot.telegram.messages(ANNA)] == [True]


async def test_what_cannot_be_used_is_told_in_a_sentence_and_costs_nothing(bot: Bot) -> None:
    await bot.telegram.send(ANNA, b"a letter", "a dog", as_file="image/png")
    await bot.telegram.send(ANNA, picture(), "a dog", file_bytes=11 << 20)
    await bot.settled()
    told = " ".join(message.plain for message in bot.telegram.messages(ANNA))
    assert "That file is not a picture." in told
    assert "larger than 10 MB" in told
    assert bot.telegram.count("getFile") == 1
    assert await bot.used() == (0, 0)
    assert await drawn(bot) == []


async def test_a_download_is_tried_again_and_its_address_is_never_told(
    bot: Bot, capfd: pytest.CaptureFixture[str]
) -> None:
    bot.telegram.fail("getFile", BROKEN, Fault(400, "Bad Request: wrong file_id specified", only="large-2"))
    with capture_logs() as lines:
        await bot.telegram.send(ANNA, picture(), "a dog")
        await bot.telegram.send(BOB, picture(), "a dog")
        await bot.settled()
    assert len(await drawn(bot)) == 1
    [told] = bot.telegram.messages(BOB)
    assert "did not give me that picture" in told.plain
    assert TOKEN not in str(lines)


async def test_the_same_photo_redelivered_is_drawn_once(bot: Bot) -> None:
    update = await bot.telegram.send(ANNA, picture(), "a dog")
    await bot.settled()
    bot.telegram.redeliver(update)
    await bot.settled()
    assert len(await drawn(bot)) == 1
    assert await bot.used() == (1, 0)


async def test_a_reply_to_a_result_is_drawn_from_the_result(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat --seed 7")
    await bot.settled()
    [shown] = bot.telegram.photos(ANNA)
    await bot.telegram.say(ANNA, "/imagine a dog", reply_to=shown)
    await bot.telegram.say(ANNA, "a red hat --area top", reply_to=shown)
    await bot.telegram.say(ANNA, "a bird", reply_to=shown)
    await bot.settled()
    found = {request.prompt: request.workflow for request in await drawn(bot)}
    assert found == {
        "a cat": Workflow.TEXT,
        "a dog": Workflow.VARY,
        "a red hat": Workflow.INPAINT,
        "a bird": Workflow.TEXT,
    }
    assert not bot.telegram.count("getFile")


async def test_a_part_is_chosen_below_a_numbered_picture(bot: Bot) -> None:
    await bot.telegram.say(ANNA, "/imagine a cat --seed 7")
    await bot.settled()
    [shown] = bot.telegram.photos(ANNA)
    await bot.telegram.press(ANNA, shown, "more")
    await bot.settled()
    await bot.telegram.press(ANNA, shown, "area")
    await bot.settled()
    chooser = next(message for message in bot.telegram.messages(ANNA) if message.buttons == ["area"] * 9)
    assert Image.open(io.BytesIO(chooser.photo or b"")).format == "JPEG"
    await bot.telegram.press(ANNA, chooser, chooser.data("area:")[:-1] + "5")
    await bot.settled()
    [latest, _] = await drawn(bot)
    assert (latest.workflow, latest.area) == (Workflow.INPAINT, "5")
