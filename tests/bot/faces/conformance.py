"""What every face must do, written once: a face's tests subclass `FaceConformance` and give it a driver, a
`tests.bot.faces.driver.Face`. What a platform has no notion of stands in `CANNOT` and in docs/commands.md.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any, ClassVar

import pytest
from PIL import Image

from bot.commands.button_ids import Action
from bot.imagine.loras import SHIPPED
from bot.imagine.source import png
from bot.messages import say
from tests.bot.faces.driver import Can, Face, Who, files, says, used

INK = SHIPPED["ink"].file
SETTINGS: dict[str, Any] = {
    "moderation": {"blocked_words": ["kitten"]},
    "loras": {"ink": {"file": INK}, "line": {"file": INK}},
}
"""What the suite needs in bot.toml."""
MODELS: dict[str, Any] = {
    "plain": {"path": "embedded", "default": True},
    "careful": {"path": "embedded", "price_factor": 3, "about": {"en": "For posters", "zh-CN": "适合海报"}},
    "studio": {"path": "embedded", "tiers": ["premium"]},
}
several_models = pytest.mark.parametrize("settings", [SETTINGS | {"models": MODELS}], ids=[""])
TWO_FAMILIES = "two families"
"""For the fixture `settings`: a model that varies pictures, and one that edits them, drawn with for real."""
two_families = pytest.mark.parametrize("settings", [TWO_FAMILIES], ids=[""], indirect=True)


def only(can: Can) -> pytest.MarkDecorator:
    """Marks a test of something that a platform may not have."""
    return pytest.mark.parametrize("notion", [can], ids=[can.name.lower()])


def _photo() -> bytes:
    """A blue sign on orange."""
    image = Image.new("RGB", (160, 128), "orange")
    image.paste("blue", (40, 32, 120, 96))
    return png(image)


PHOTO = _photo()


def _bomb() -> bytes:
    """A picture of 400 million pixels in a few hundred kilobytes."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1 << 20))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


UNUSABLE = {
    "a text": (b"Dear Anna,", "not a picture"),
    "cut off": (PHOTO[:100], "damaged"),
    "a bomb": (_bomb(), "million pixels"),
    "one pixel": (png(Image.new("RGB", (1, 1))), "1x1"),
    "a strip": (png(Image.new("RGB", (2_000, 40))), "2000x40"),
}
"""Files that nothing can be drawn from, and what is said to each in English."""


def mask(size: tuple[int, int], *, white: bool = True) -> bytes:
    """The left half white, or nothing of it."""
    image = Image.new("L", size)
    image.paste(255 * white, (0, 0, size[0] // 2, size[1]))
    return png(image)


UNFIT = {
    "of another shape": ("", mask((64, 128)), "same proportions"),
    "all black": ("", mask((160, 128), white=False), "marks nothing"),
    "a text": ("", b"Dear Anna,", "not a picture"),
    "and an area": ("--area left", mask((160, 128)), "Use only one of these"),
}
"""Masks for PHOTO that nothing can be drawn with, what is typed with them, and what is said in English."""


class FaceConformance:
    """Subclasses provide the fixture `face`, of a bot with `settings`."""

    HELP: ClassVar[tuple[str, ...]] = ("/imagine", "portrait", "final", "--steps", "/quota", "/cancel")
    """What the help of a face names; here, of one where options are typed."""
    KEPT: ClassVar[str] = "error-draining-kept"
    """What a stopping bot says of a request that the next process finishes."""
    ANSWERS_AGAIN: ClassVar[bool] = False
    """Whether an event that is delivered twice has its answer twice: there a client waits for each."""
    CANNOT: ClassVar[dict[Can, str]] = {}
    """Why this platform has no notion of something, as docs/commands.md says it."""

    @pytest.fixture(autouse=True)
    def _possible(self, request: pytest.FixtureRequest) -> None:
        callspec = getattr(request.node, "callspec", None)
        if callspec is not None and (why := self.CANNOT.get(callspec.params.get("notion"))):
            pytest.skip(why)

    # asking

    async def test_a_prompt_becomes_a_picture_with_its_parameters_charged_once(self, face: Face) -> None:
        await face.type("/imagine an orange cat --seed 7 --size square")
        await face.settled()
        (picture,) = face.pictures()
        image = Image.open(io.BytesIO(picture))
        assert image.size == (128, 128)
        assert "an orange cat" in image.info.get("parameters", "")
        assert await used(face) == (1, 0)

    @pytest.mark.parametrize("typed", ["ink:0.5", "ink:0.5, line:1"])
    async def test_a_picture_is_drawn_with_the_loras_that_were_named(self, face: Face, typed: str) -> None:
        await face.type(f'/imagine a cat --lora "{typed}"')
        await face.settled()
        (picture,) = face.pictures()
        told = Image.open(io.BytesIO(picture)).info.get("parameters", "")
        assert f'Lora: "{typed}"' in told
        assert "Lora hashes:" in told
        assert await used(face) == (1, 0)

    async def test_two_images_are_two_pictures_and_two_charges(self, face: Face) -> None:
        await face.type("/imagine a cat --images 2")
        await face.settled()
        assert len(face.pictures()) == 2
        assert await used(face) == (2, 0)

    async def test_a_result_tells_size_and_seeds(self, face: Face) -> None:
        await face.type("/imagine a cat --seed 4242 --images 2 --size square")
        await face.settled()
        for fact in ("128x128", "4242", "4243"):
            assert fact in face.words()

    @only(Can.LEFT)
    async def test_a_result_tells_what_is_left(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a cat --images 2 --seed 1")
        await face.settled()
        assert "98" in face.words()

    @only(Can.COST)
    async def test_a_result_tells_no_cost_unless_the_tier_says_so(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a cat")
        await face.settled()
        assert "CN¥" not in face.words()

    async def test_a_bad_value_gets_one_sentence_and_costs_nothing(self, face: Face) -> None:
        await face.type("/imagine a cat --seed seven")
        await face.settled()
        assert "seven" in face.words()
        assert face.pictures() == []
        assert await used(face) == (0, 0)

    async def test_a_blocked_word_is_refused_in_one_sentence_and_costs_nothing(self, face: Face) -> None:
        await face.type("/imagine a ＫＩＴＴＥＮ")
        await face.settled()
        assert says(face.words(), "moderation-blocked")
        assert face.model.drawn == []
        assert await used(face) == (0, 0)

    async def test_a_failure_is_told_and_costs_nothing(self, face: Face) -> None:
        face.model.fail = [RuntimeError("boom")] * 8
        await face.type("/imagine a cat")
        await face.settled()
        assert says(face.words(), "error-draw")
        assert await used(face) == (0, 0)

    # choosing a model

    @several_models
    async def test_a_model_is_chosen_by_its_name_and_counts_as_its_price_factor_says(
        self, face: Face
    ) -> None:
        await face.type("/imagine a cat --model careful")
        await face.settled()
        (picture,) = face.pictures()
        assert "Model: careful" in Image.open(io.BytesIO(picture)).info["parameters"]
        assert await used(face) == (3, 0)
        await face.type("/imagine a dog")
        await face.settled()
        told = [Image.open(io.BytesIO(shown)).info["parameters"] for shown in face.pictures()]
        assert any("Model: plain" in parameters for parameters in told)
        assert await used(face) == (4, 0)
        assert [row.model for row in await face.service.store.ledger.rows()] == ["careful", "plain"]

    @several_models
    async def test_an_unknown_model_gets_one_sentence_with_the_nearest(self, face: Face) -> None:
        await face.type("/imagine a cat --model carefull")
        await face.settled()
        assert "Did you mean careful?" in face.words()
        assert face.pictures() == []
        assert await used(face) == (0, 0)

    @several_models
    async def test_a_model_of_other_tiers_is_refused_with_those_that_may_be_used(self, face: Face) -> None:
        await face.type("/imagine a cat --model studio")
        await face.settled()
        assert "Your free tier may not use studio. It may use: plain, careful." in face.words()
        assert face.pictures() == []
        assert await used(face) == (0, 0)

    @several_models
    async def test_models_are_listed_with_what_they_can_do(self, face: Face) -> None:
        await face.type("/models")
        await face.settled()
        for word in ("plain", "careful", "studio", "256x256"):
            assert word in face.words()

    async def test_quota_tells_the_tier_and_what_is_left(self, face: Face) -> None:
        await face.type("/imagine a cat")
        await face.settled()
        await face.type("/quota")
        await face.settled()
        assert "free" in face.words()
        assert "99" in face.words()

    async def test_cancel_gives_the_image_back(self, face: Face) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat --steps 20")
        await face.type("/cancel")
        face.model.gate.set()
        await face.settled()
        assert face.pictures() == []
        assert await used(face) == (0, 0)

    async def test_help_tells_how_to_ask(self, face: Face) -> None:
        await face.type("/help")
        await face.settled()
        for word in self.HELP:
            assert word in face.words()

    # what is accepted is not lost, and drawn, shown and charged once

    @pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
    async def test_a_request_outlives_the_process(self, face: Face, killed: bool) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat", event="e1")
        await face.begun()
        await face.stop(killed=killed)
        if not killed:
            assert says(face.words(), self.KEPT)
        face.model.gate.set()
        await face.start()
        await face.settled()
        assert len(face.pictures()) == 1
        assert await used(face) == (1, 0)

    async def test_a_picture_whose_delivery_was_lost_is_delivered_by_the_next_process(
        self, face: Face
    ) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat", event="e1")
        await face.begun()
        (live,) = face.service.requests.unfinished()
        await face.lose()
        face.model.gate.set()
        await live.outcome()
        assert await used(face) == (0, 1)
        await face.stop(killed=True)
        assert face.pictures() == []
        await face.start()
        await face.settled()
        assert len(face.pictures()) == 1
        assert len(face.model.drawn) == 1
        assert await used(face) == (1, 0)

    @only(Can.REDELIVER)
    async def test_the_same_event_again_is_the_same_request(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a cat", event="e1")
        await face.settled()
        said, shown = face.words(), len(face.pictures())
        for restarts in (False, True):
            if restarts:
                await face.stop()
                await face.start()
            await face.redeliver("e1")
            await face.settled()
            assert self.ANSWERS_AGAIN or (face.words(), len(face.pictures())) == (said, shown)
            assert len(face.model.drawn) == 1
            assert await used(face) == (1, 0)

    @only(Can.FETCH)
    async def test_pictures_that_cannot_be_shown_wait_uncharged_until_fetched(
        self, face: Face, notion: Can
    ) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat", shared=True, event="e1")
        await face.begun()
        await face.shut()
        face.model.gate.set()
        await face.settled()
        assert await used(face) == (0, 1)
        await face.fetch()
        await face.settled()
        assert len(face.pictures()) == 1
        assert await used(face) == (1, 0)

    # pictures of one's own

    @pytest.mark.parametrize(
        ("options", "kind"),
        [("--strength 0.4", "vary"), ("--area left", "inpaint"), ("--expand all", "inpaint")],
    )
    async def test_a_picture_of_ones_own_is_drawn_from(self, face: Face, options: str, kind: str) -> None:
        await face.bring(f"/imagine a blue cat {options}", PHOTO)
        await face.settled()
        assert len(face.pictures()) == 1
        assert await used(face) == (1, 0)
        (row,) = await face.service.store.ledger.rows()
        assert row.kind == kind

    async def test_a_picture_of_ones_own_is_followed_together_with_loras(self, face: Face) -> None:
        options = '--control edges --control-strength 0.5 --lora "ink:0.5, line:1"'
        await face.bring(f"/imagine a blue cat {options}", PHOTO)
        await face.settled()
        (picture,) = face.pictures()
        told = Image.open(io.BytesIO(picture)).info["parameters"]
        for said in ("Control: edges", "Control strength: 0.5", 'Lora: "ink:0.5, line:1"'):
            assert said in told
        assert await used(face) == (1, 0)
        (row,) = await face.service.store.ledger.rows()
        assert row.kind == "control"

    async def test_what_cannot_be_followed_gets_one_sentence_and_costs_nothing(self, face: Face) -> None:
        await face.bring("/imagine a blue cat --control depth", PHOTO)
        await face.settled()
        assert says(face.words(), "error-control-map-depth")
        assert face.model.drawn == []
        assert await used(face) == (0, 0)

    @pytest.mark.model
    @two_families
    async def test_words_on_a_picture_edit_it_where_the_model_can_and_vary_it_elsewhere(
        self, face: Face
    ) -> None:
        for model in ("editor", "plain"):
            await face.bring(f"/imagine make the cat black --model {model}", PHOTO)
            await face.settled()
        assert says(face.words(), say("note-edited"))
        assert says(face.words(), say("note-varied", model="plain"))
        told = [Image.open(io.BytesIO(picture)).info["parameters"] for picture in face.pictures()]
        assert {name for name in ("editor", "plain") if any(f"Model: {name}" in text for text in told)} == {
            "editor",
            "plain",
        }
        rows = await face.service.store.ledger.rows()
        assert {row.model: row.kind for row in rows} == {"editor": "edit", "plain": "vary"}
        assert await used(face) == (2, 0)

    @only(Can.MASK)
    async def test_a_mask_says_what_is_drawn_anew(self, face: Face, notion: Can) -> None:
        await face.bring("/imagine a blue cat", PHOTO, mask((80, 64)))
        await face.settled()
        assert len(face.pictures()) == 1
        (row,) = await face.service.store.ledger.rows()
        assert row.kind == "inpaint"

    @only(Can.MASK)
    @pytest.mark.parametrize("name", UNFIT)
    async def test_a_mask_that_does_not_fit_is_refused_in_one_sentence_and_costs_nothing(
        self, face: Face, notion: Can, name: str
    ) -> None:
        options, content, why = UNFIT[name]
        await face.bring(f"/imagine a blue cat {options}", PHOTO, content)
        await face.settled()
        assert why in face.words()
        assert face.model.drawn == []
        assert await used(face) == (0, 0)

    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ("--strength 0", "0.01"),
            ("--strength 1.5", "0.01"),
            ("--strength abc", "abc"),
            ("--area lefft", "Did you mean left"),
            ("--area left --expand all", "a side to expand"),
        ],
    )
    async def test_what_cannot_be_done_to_a_picture_is_refused_in_one_sentence(
        self, face: Face, options: str, why: str
    ) -> None:
        await face.bring(f"/imagine a blue cat {options}", PHOTO)
        await face.settled()
        assert why in face.words()
        assert face.model.drawn == []
        assert await used(face) == (0, 0)

    @pytest.mark.parametrize("name", UNUSABLE)
    async def test_what_is_no_picture_is_refused_in_one_sentence_and_costs_nothing(
        self, face: Face, name: str
    ) -> None:
        content, why = UNUSABLE[name]
        await face.bring("/imagine a blue cat", content)
        await face.settled()
        assert why in face.words()
        assert face.model.drawn == []
        assert await used(face) == (0, 0)

    # who may do what, and who reads it

    @only(Can.PRESS)
    async def test_a_request_is_cancelled_by_its_button(self, face: Face, notion: Can) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat", shared=True)
        await face.begun()
        await face.press(Action.CANCEL)
        face.model.gate.set()
        await face.settled()
        assert says(face.words(), "cancelled-refunded")
        assert face.pictures() == []
        assert await used(face) == (0, 0)

    @only(Can.PRESS)
    async def test_nobody_cancels_anothers_but_a_moderator_may(self, face: Face, notion: Can) -> None:
        face.model.gate.clear()
        await face.type("/imagine a cat", shared=True)
        await face.begun()
        (live,) = face.service.requests.unfinished()
        await face.press(Action.CANCEL, Who.BOB)
        face.model.gate.allow(1)
        assert not live.finished
        await face.press(Action.CANCEL, Who.MODERATOR)
        face.model.gate.set()
        await face.settled()
        assert face.pictures() == []
        assert await used(face) == (0, 0)

    @only(Can.PRESS)
    async def test_anybody_draws_a_picture_again_and_pays_for_it(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a cat", shared=True)
        await face.settled()
        await face.press(Action.AGAIN, Who.BOB)
        await face.settled()
        assert len(face.pictures()) == 2
        assert (await used(face), await used(face, Who.BOB)) == ((1, 0), (1, 0))

    @only(Can.PRESS)
    async def test_a_result_is_drawn_from_by_its_buttons(self, face: Face, notion: Can) -> None:
        kinds = {
            Action.REDRAW: "text",
            Action.SUBTLE: "vary",
            Action.STRONG: "vary",
            Action.WIDER: "inpaint",
            Action.LARGER: "enlarge",
        }
        await face.type("/imagine a cat", shared=True)
        await face.settled()
        for action in kinds:
            await face.press(action)
            await face.settled()
        await face.repaint("5")
        await face.settled()
        told = [row.kind for row in await face.service.store.ledger.rows()]
        assert told == ["text", *kinds.values(), "inpaint"]
        assert len(face.pictures()) == len(told)
        assert await used(face) == (len(told), 0)

    @only(Can.PRESS)
    @pytest.mark.parametrize("who", [Who.ANNA, Who.MODERATOR])
    async def test_a_picture_is_deleted_by_who_asked_or_a_moderator(
        self, face: Face, notion: Can, who: Who
    ) -> None:
        await face.type("/imagine a cat", shared=True)
        await face.settled()
        (kept,) = await files(face)
        await face.press(Action.DELETE, Who.BOB)
        await face.settled()
        assert await files(face) == [kept]
        await face.press(Action.DELETE, who)
        await face.settled()
        assert await files(face) == [None]

    @only(Can.PRESS)
    async def test_buttons_work_after_a_restart(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a cat", shared=True)
        await face.settled()
        await face.stop()
        await face.start()
        await face.press(Action.AGAIN)
        await face.settled()
        assert len(face.pictures()) == 2
        assert await used(face) == (2, 0)

    @only(Can.PRIVATE)
    async def test_what_is_asked_for_privately_is_its_askers_alone(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a secret --private", shared=True)
        await face.settled()
        assert len(face.pictures()) == 1
        assert "a secret" in face.words()
        assert "a secret" not in face.overheard()

    @only(Can.WHISPER)
    async def test_a_refusal_is_read_by_its_asker_alone(self, face: Face, notion: Can) -> None:
        await face.type("/imagine a ＫＩＴＴＥＮ", shared=True)
        await face.settled()
        assert says(face.words(), "moderation-blocked")
        assert face.overheard() == ""
