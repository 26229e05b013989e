"""What every face must do, written once: a face's tests subclass `FaceConformance` and give it a driver.

The driver is a person at that face: types a line, reads every word that came back, looks at the pictures.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, ClassVar, Protocol

from PIL import Image

from bot.messages import LANGUAGES, translator

if TYPE_CHECKING:
    from bot.imagine.service import Asker, Service
    from tests.easel import FieldModel


class Face(Protocol):
    """A person using a face."""

    service: Service
    model: FieldModel
    asker: Asker

    async def type(self, line: str) -> None:
        """Type a line such as `/imagine a cat --seed 7`; returns when the face has taken it."""

    async def settled(self) -> None:
        """Wait until everything asked for has been answered."""

    def words(self) -> str:
        """Everything the face has said so far."""

    def pictures(self) -> list[bytes]:
        """Every finished picture the face has shown so far, as files."""


class FaceConformance:
    """Subclasses provide the fixture `face`."""

    HELP: ClassVar[tuple[str, ...]] = ("/imagine", "portrait", "final", "--steps", "/quota", "/cancel")
    """What the help of a face names; here, of one where options are typed."""

    async def test_a_prompt_becomes_a_picture_with_its_parameters_charged_once(self, face: Face) -> None:
        await face.type("/imagine an orange cat --seed 7 --size square")
        await face.settled()
        (picture,) = face.pictures()
        image = Image.open(io.BytesIO(picture))
        assert image.size == (128, 128)
        assert "an orange cat" in image.info.get("parameters", "")
        quota = await face.service.quota(face.asker)
        assert (quota.used, quota.reserved) == (1, 0)
        assert "7" in face.words()

    async def test_two_images_are_two_pictures_and_two_charges(self, face: Face) -> None:
        await face.type("/imagine a cat --images 2")
        await face.settled()
        assert len(face.pictures()) == 2
        assert (await face.service.quota(face.asker)).used == 2

    async def test_a_bad_value_gets_one_sentence_and_costs_nothing(self, face: Face) -> None:
        await face.type("/imagine a cat --seed seven")
        await face.settled()
        assert "seven" in face.words()
        assert face.pictures() == []
        quota = await face.service.quota(face.asker)
        assert (quota.used, quota.reserved) == (0, 0)

    async def test_a_failure_is_told_and_costs_nothing(self, face: Face) -> None:
        face.model.fail = [RuntimeError("boom")] * 8
        await face.type("/imagine a cat")
        await face.settled()
        assert any(translator(language)("error-draw") in face.words() for language in LANGUAGES)
        quota = await face.service.quota(face.asker)
        assert (quota.used, quota.reserved) == (0, 0)

    async def test_quota_tells_the_plan_and_what_is_left(self, face: Face) -> None:
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
        quota = await face.service.quota(face.asker)
        assert (quota.used, quota.reserved) == (0, 0)

    async def test_help_tells_how_to_ask(self, face: Face) -> None:
        await face.type("/help")
        await face.settled()
        for word in self.HELP:
            assert word in face.words()
