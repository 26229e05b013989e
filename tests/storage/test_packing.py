"""Packed texts come back as they were, and small ones small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.packing import pack, unpack
from tests.storage.fixtures.make import build


@given(st.text())
def test_there_and_back(text: str) -> None:
    assert unpack(pack(text)) == text


def test_a_requests_parameters_shrink_to_a_third() -> None:
    text = json.dumps(
        {
            "prompt": "",
            "width": 1024,
            "height": 1024,
            "steps": 8,
            "seed": 123456789,
            "images": 1,
            "guidance": 0.0,
            "negative_prompt": "",
            "quality": "standard",
            "style": None,
            "private": False,
        },
        separators=(",", ":"),
    )
    assert len(pack(text)) < len(text) / 3


def test_what_was_packed_by_the_first_dictionary_can_always_be_read() -> None:
    kept = bytes.fromhex(Path(__file__).with_name("fixtures").joinpath("packed-1.hex").read_text("utf-8"))
    assert unpack(kept) == '{"prompt":"an orange cat, 一只橘猫","width":768,"height":512,"steps":8,"seed":7}'


def test_texts_from_before_are_themselves() -> None:
    [(payload,)] = build(1).execute("SELECT payload FROM request WHERE id = 1").fetchall()
    assert unpack(payload) == '{"prompt": "an orange cat"}'


def test_an_unknown_packing_is_told() -> None:
    with pytest.raises(ValueError, match="does not know"):
        unpack(b"\x09abc")
