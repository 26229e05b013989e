"""Pictures that are followed: which of its features a new picture keeps to, and how closely."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.imagine.options import OPTIONS, Options
from bot.imagine.values import choice
from bot.messages import Names, UserError, say
from engine.request import ControlKind

if TYPE_CHECKING:
    from bot.imagine.models import Model

KINDS = tuple(kind.value for kind in ControlKind)
USUAL_STRENGTH = 0.75
NAMES = {
    "canny": "edges",
    "edge": "edges",
    "lines": "edges",
    "outlines": "edges",
    "轮廓": "edges",
    "边缘": "edges",
    "线稿": "edges",
    "深度": "depth",
    "openpose": "pose",
    "姿势": "pose",
    "姿态": "pose",
}


def control_of(
    options: Options, chosen: Model, *, masked: bool, followed: ControlKind | None
) -> ControlKind | None:
    """What of the picture is followed; None where it is drawn from in another way. `masked`: it has a mask;
    `followed`: it is such a map, from an earlier request.

    Raises UserError where the model does not follow it, or something else is asked of the picture too.
    """
    if len([word for word in re.split(r"[\s,，、+]+", options.control or "") if word]) > 1:
        raise UserError(say("error-control-two"))
    word = choice("control", options.control, chosen.capabilities, {"control": KINDS}, NAMES)
    if word is None:
        if options.control_strength:
            raise UserError(say("error-control-missing"))
        if followed is not None:
            raise UserError(say("error-control-again"))
        return None
    kind, follows = ControlKind(word), chosen.capabilities.controls
    if not follows:
        raise UserError(say("error-control-none", model=chosen.name))
    if kind not in follows:
        allowed = Names("control", *(one for one in KINDS if ControlKind(one) in follows))
        raise UserError(
            say("error-control-kind", model=chosen.name, found=Names("control", word), allowed=allowed)
        )
    others = [one for one in OPTIONS if one.needs_picture and not one.name.startswith("control")]
    if other := next((one.name for one in others if getattr(options, one.name)), None):
        raise UserError(say("error-control-alone", option=Names("opt", other)))
    if masked:
        raise UserError(say("error-control-alone", option=Names("opt", "mask")))
    if followed not in (None, kind):
        raise UserError(say("error-control-again"))
    return kind


def control_strength(said: float | None, kind: ControlKind | None) -> float | None:
    """How closely it is followed; None where nothing is."""
    if kind is None:
        return None
    return USUAL_STRENGTH if said is None else said
