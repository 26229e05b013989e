"""What is asked of a picture that comes with a request: which part, how strongly, the size of the result."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.imagine.capabilities import Size, Workflow
from bot.imagine.control import control_of
from bot.imagine.options import OPTIONS, Options
from bot.imagine.region import AREAS, expanded
from bot.imagine.sizes import resolve_size, size_aliases
from bot.imagine.values import choice
from bot.messages import Names, UserError, say

if TYPE_CHECKING:
    from bot.config.money import Tier
    from bot.imagine.capabilities import Capabilities
    from bot.imagine.models import Model, Models
    from bot.messages import Message
    from engine.request import ControlKind

ROOM_STRENGTH = 0.9
AREA_NAMES = {
    "center": "centre",
    "middle": "centre",
    "左": "left",
    "右": "right",
    "上": "top",
    "下": "bottom",
}
SIDE_NAMES = {
    "top": "up",
    "bottom": "down",
    "out": "all",
    "左": "left",
    "右": "right",
    "上": "up",
    "下": "down",
}


@dataclass(frozen=True, slots=True)
class Given:
    """The picture that comes with a request, as far as the request depends on it."""

    size: Size
    masked: bool = False
    used: bool = False
    """It comes from an earlier request, so that it has its room and area already."""
    larger: Size | None = None
    """Draw it at this size, and change nothing else."""
    followed: ControlKind | None = None
    """It is a map of this kind already, from an earlier request."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What to do with the picture."""

    workflow: Workflow
    area: str | None = None
    expand: str | None = None
    control: ControlKind | None = None


def edit_of(options: Options, picture: Given | None, chosen: Model) -> Edit:
    """What is asked for, if the model can do it. Words alone change a picture where it edits by instruction,
    and vary it elsewhere.
    """
    model = chosen.capabilities
    if picture is None:
        for option in OPTIONS:
            if option.needs_picture and getattr(options, option.name):
                raise UserError(say("error-picture-needed", option=Names("opt", option.shown)))
        return Edit(Workflow.TEXT)
    control = control_of(options, chosen, masked=picture.masked, followed=picture.followed)
    if control is not None:
        return Edit(Workflow.CONTROL, control=control)
    areas = [
        choice("area", word, model, {}, AREA_NAMES) for word in re.split(r"[,，、+]", options.area or "")
    ]
    area = ",".join(name for name in AREAS if name in areas) or None
    expand = choice("expand", options.expand, model, {}, SIDE_NAMES)
    masked = picture.masked and not picture.used
    if (area and expand) or (masked and (area or expand)):
        raise UserError(say("error-mask-area"))
    workflow = Workflow.INPAINT if picture.masked or area or expand else Workflow.VARY
    if picture.larger is not None:
        workflow, area, expand = Workflow.ENLARGE, None, None
    may_vary = Workflow.VARY in model.strength
    if workflow is Workflow.VARY and model.edits and not (options.strength and may_vary):
        return Edit(Workflow.EDIT)
    if workflow not in model.strength:
        raise UserError(say(f"error-workflow-{workflow}", model=chosen.name))
    return Edit(workflow, area, expand)


def notes_on_edit(options: Options, edit: Edit, chosen: Model, models: Models) -> list[Message]:
    """Which of the two became of words and a picture, where another model might have done the other."""
    if edit.workflow is Workflow.EDIT:
        unused = [say("note-strength-unread", model=chosen.name)] if options.strength else []
        return [say("note-edited"), *unused]
    if edit.workflow is Workflow.VARY and len(models.names) > 1:
        return [say("note-varied", model=chosen.name)]
    return []


def strength_of(said: float | None, edit: Edit, model: Capabilities) -> float | None:
    """What was said; else the usual. Of room that is added a little stays: it has the colours beside it."""
    if edit.workflow in (Workflow.EDIT, Workflow.CONTROL):
        return None
    if said:
        return said
    strength = model.strength[edit.workflow]
    return min(strength, ROOM_STRENGTH) if edit.expand else strength


def size_of(
    options: Options, picture: Given | None, edit: Edit, model: Capabilities, tier: Tier
) -> tuple[Size, Message | None]:
    """What was said; else the picture's own shape, with the room that is added to it."""
    if picture is not None and picture.larger is not None:
        if why := why_not_enlarged(picture.larger, model, tier):
            raise UserError(why)
        return picture.larger, None
    if picture is not None and not (options.size or "").strip():
        width, height = expanded((picture.size.width, picture.size.height), edit.expand or "")
        return model.shaped(width / height, min(model.default_size.pixels, tier.default_pixels)), None
    return resolve_size(
        options.size, model, tier, lambda word: choice("size", word, model, {}, size_aliases(model)) or word
    )


def why_not_enlarged(size: Size, model: Capabilities, tier: Tier) -> Message | None:
    """Why a picture cannot be enlarged to a size: it may be twice as wide and high as what is drawn anew."""
    if max(size.width, size.height) > 2 * model.max_px:
        return say("action-largest")
    return say("action-largest-tier", tier=tier.name) if size.pixels > 4 * tier.max_pixels else None
