"""Asking for a picture, in words and options, and what is told of it."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.bot.faces.driver import Can, Face, says, used
from tests.bot.faces.suite.base import Base, only, several_models


class Asking(Base):
    """A prompt becomes a picture, or one sentence that says why not."""

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
