"""Pictures that come with a request."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from bot.imagine.source import png
from bot.messages import say
from tests.bot.faces.driver import Can, Face, says, used
from tests.bot.faces.suite.base import Base, only, two_families


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


class Pictures(Base):
    """They are varied, edited and followed, or refused in one sentence."""

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
