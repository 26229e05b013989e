"""What is to be drawn is one value, and the result cache goes by all of it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from engine.cache import picture_key
from engine.request import Adapter, ControlKind, DrawRequest, Input, Picture, PngFile, Role

PLAIN = DrawRequest("a cat", 64, 64, steps=4, seed=1, guidance=2.0, job_id="a")
ANOTHER: dict[str, Any] = {
    "prompt": "a dog",
    "width": 128,
    "height": 128,
    "steps": 5,
    "seed": 2,
    "guidance": 3.0,
    "negative_prompt": "grey",
    "extra": (("shift", 2.0),),
    "inputs": (Input(Role.INIT, "0" * 64, 0.6),),
    "model": "other",
    "adapters": (Adapter("ink", 0.8),),
}
OF_THE_FILE: dict[str, Any] = {"png": PngFile((("parameters", "a cat"),), "easel")}
OF_THE_QUEUE = {"job_id", "tier", "flow", "preview_every", "waited_s"}
"""What a request carries beside: none of it changes the picture."""


def test_each_field_is_the_pictures_or_the_queues() -> None:
    assert {part.name for part in fields(DrawRequest)} == {*ANOTHER, *OF_THE_FILE, *OF_THE_QUEUE}
    assert {part.name for part in fields(Picture)} == set(ANOTHER)


@pytest.mark.parametrize(("name", "value"), [*ANOTHER.items(), *OF_THE_FILE.items()])
def test_whatever_a_picture_or_its_file_depends_on_makes_another_of_it(name: str, value: object) -> None:
    other = replace(PLAIN, **{name: value})
    assert picture_key(other) != picture_key(PLAIN)
    assert picture_key(replace(other, job_id="b", waited_s=9.0)) == picture_key(other)


def test_another_source_mask_strength_or_kind_makes_another_picture() -> None:
    control = Input(Role.CONTROL, "0" * 64, 0.6, ControlKind.EDGES)
    mask = Input(Role.MASK, "1" * 64)
    came_with = [
        (Input(Role.INIT, "0" * 64, 0.6),),
        (Input(Role.INIT, "2" * 64, 0.6),),
        (Input(Role.INIT, "0" * 64, 0.5),),
        (Input(Role.INIT, "0" * 64, 0.6), mask),
        (Input(Role.INIT, "0" * 64, 0.6), replace(mask, digest="3" * 64)),
        (control,),
        (replace(control, kind=ControlKind.POSE),),
    ]
    assert len({picture_key(replace(PLAIN, inputs=inputs)) for inputs in came_with}) == len(came_with)
