"""From what somebody asked for to what will be drawn: options in, one checked `ImageRequest` out.

Every face collects `Options` its own way (slash options, flags in a text) and resolves them here, so that the
rules, and the sentences that explain them, exist once.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from bot.imagine.loras import chosen as chosen_loras
from bot.imagine.loras import written
from bot.imagine.models import Size, Workflow
from bot.imagine.notation import foreign_notation
from bot.imagine.options import (
    BY_NAME,
    MAX_PROMPT_CHARS,
    OPTIONS,
    Kind,
    Named,
    Option,
    Options,
    choices,
    number_text,
    shown_values,
)
from bot.imagine.region import AREAS, expanded
from bot.imagine.sizes import resolve_size, size_aliases
from bot.imagine.text import clean_prompt, is_blank
from bot.messages import Message, Reason, UserError, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.config.loras import Lora
    from bot.config.money import Tier
    from bot.config.schema import Style
    from bot.imagine.models import Capabilities, Model, Models

DRAWN_SEEDS = 2**32
"""Seeds we draw ourselves stay short enough to be read out and typed."""
ROOM_STRENGTH = 0.9
QUALITY_NAMES = {"最终": "final", "auto": "standard", "自动": "standard"}
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
class ImageRequest:
    """A request that can be drawn as it stands: `images` pictures, seeds `seed` .. `seed + images - 1`."""

    prompt: str
    width: int
    height: int
    steps: int
    seed: int
    images: int = 1
    guidance: float = 0.0
    negative_prompt: str = ""
    quality: str = "standard"
    style: str | None = None
    loras: dict[str, float] = field(default_factory=dict)
    """Their strengths, by name."""
    private: bool = False
    model: str = ""
    """The name of the model it is drawn with; empty in requests from before there was a choice."""
    extra: dict[str, float] = field(default_factory=dict)
    """Numbers that only the model reads, by the name of their option."""
    workflow: Workflow = Workflow.TEXT
    strength: float | None = None
    """How much noise is put over the picture; None where there is none."""
    area: str | None = None
    """What is drawn anew, of `bot.imagine.region.AREAS`, with commas between."""
    expand: str | None = None
    """Where room was added, one of `bot.imagine.region.SIDES`."""
    init: str = ""
    """The digest of the picture it is drawn from; empty: of none."""
    mask: str = ""
    """And of the mask; empty: the whole picture is drawn anew."""

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)

    @property
    def files(self) -> dict[str, str]:
        """The digests of the pictures that it is drawn from, by what they are for."""
        return {role: digest for role, digest in (("init", self.init), ("mask", self.mask)) if digest}

    def value(self, option: Option) -> str | int | float | bool | None:
        """What was resolved for an option; None where the request has none."""
        match option.name:
            case "negative":
                return self.negative_prompt or None
            case "size":
                return str(self.size)
            case "lora":
                return written(self.loras)
            case name if name in CORE:
                value: str | int | float | bool | None = getattr(self, name)
                return value
            case name:
                return self.extra.get(name)

    def to_json(self) -> str:
        return _JSON.dump_json(self).decode()

    @staticmethod
    def from_json(text: str) -> ImageRequest:
        return _JSON.validate_json(text)


CORE = frozenset(field.name for field in fields(ImageRequest))
_JSON = TypeAdapter(ImageRequest)


@dataclass(frozen=True, slots=True)
class Given:
    """The picture that comes with a request, as far as the request depends on it."""

    size: Size
    masked: bool = False
    used: bool = False
    """It comes from an earlier request, whose room and area it has already."""
    larger: Size | None = None
    """Draw it at this size, and change nothing else."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A checked request, and what its author should be told about it (snapped size, useless options)."""

    request: ImageRequest
    notes: tuple[Message, ...]


def resolve(
    options: Options,
    *,
    models: Models,
    tier: Tier,
    styles: Mapping[str, Style],
    loras: Callable[[str], Mapping[str, Lora]] = lambda model: {},
    picture: Given | None = None,
) -> Resolved:
    """Check `options` against model and tier. Raises `UserError` with one sentence; changes nothing.

    `loras` gives those that may be used with a model; `picture` is what came with the options: the digests of
    what is drawn from are the caller's to fill in.
    """
    chosen = models.chosen(options.model, tier)
    model = chosen.capabilities
    notes: list[Message] = []
    prompt = clean_prompt(options.prompt)
    if is_blank(prompt):
        raise UserError(say("error-prompt-empty", option="prompt"))
    negative = clean_prompt(options.negative or "")
    for option, text in (("prompt", prompt), ("negative", negative)):
        if len(text) > MAX_PROMPT_CHARS:
            message = say("error-prompt-long", option=option, length=len(text), limit=MAX_PROMPT_CHARS)
            raise UserError(message.because(Reason.TOO_LONG))
    numbers = {
        option.name: _number(option, getattr(options, option.name), model, tier)
        for option in OPTIONS
        if option.limits
    }
    quality = _choice("quality", options.quality, model, {}, QUALITY_NAMES) or "standard"
    edit = _edit(options, picture, chosen)
    notes += _notes_on_edit(options, edit, chosen, models)
    size, told = _size(options, picture, edit.expand, model, tier)
    notes += [told] if told else []
    if options.style and not styles:
        raise UserError(say("error-no-styles"))
    style = _choice("style", options.style, model, {"style": styles}, _style_names(styles))
    steps, guidance, seed = numbers.pop("steps"), numbers.pop("guidance"), numbers.pop("seed")
    strength = numbers.pop("strength")
    if steps is None:
        steps = min(model.steps[quality], tier.max_steps)
    guidance, told = _guidance(guidance, chosen, negative=bool(negative))
    notes += [told] if told else []
    if steps > model.useful_steps:
        notes.append(say("note-steps-many", useful=model.useful_steps))
    notes += _notes_on_words(prompt, model)
    request = ImageRequest(
        prompt=prompt,
        width=size.width,
        height=size.height,
        steps=int(steps),
        seed=secrets.randbelow(DRAWN_SEEDS) if seed is None else int(seed),
        images=int(numbers.pop("images") or 1),
        guidance=guidance,
        negative_prompt=negative,
        quality=quality,
        style=style,
        loras=chosen_loras(options.lora, loras(chosen.name)),
        private=options.private,
        model=chosen.name,
        extra={name: value for name, value in numbers.items() if value is not None},
        workflow=edit.workflow,
        strength=_strength(strength, edit, model) if picture else None,
        area=edit.area,
        expand=edit.expand,
    )
    return Resolved(request, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Edit:
    """What to do with the picture."""

    workflow: Workflow
    area: str | None = None
    expand: str | None = None


def _edit(options: Options, picture: Given | None, chosen: Model) -> _Edit:
    """What is asked for, if the model can do it. Words alone change a picture where it edits by instruction,
    and vary it elsewhere.
    """
    model = chosen.capabilities
    if picture is None:
        for option in OPTIONS:
            if option.needs_picture and getattr(options, option.name):
                raise UserError(say("error-picture-needed", option=option.name))
        return _Edit(Workflow.TEXT)
    areas = [
        _choice("area", word, model, {}, AREA_NAMES) for word in re.split(r"[,，、+]", options.area or "")
    ]
    area = ",".join(name for name in AREAS if name in areas) or None
    expand = _choice("expand", options.expand, model, {}, SIDE_NAMES)
    if area and expand:
        raise UserError(say("error-area-expand"))
    if picture.masked and not picture.used and (area or expand):
        raise UserError(say("error-mask-area"))
    workflow = Workflow.INPAINT if picture.masked or area or expand else Workflow.VARY
    if picture.larger is not None:
        workflow, area, expand = Workflow.ENLARGE, None, None
    may_vary = Workflow.VARY in model.strength
    if workflow is Workflow.VARY and model.edits and not (options.strength and may_vary):
        return _Edit(Workflow.EDIT)
    if workflow not in model.strength:
        raise UserError(say(f"error-workflow-{workflow}", model=chosen.name))
    return _Edit(workflow, area, expand)


def _notes_on_edit(options: Options, edit: _Edit, chosen: Model, models: Models) -> list[Message]:
    """Which of the two became of words and a picture, where another model might have done the other."""
    if edit.workflow is Workflow.EDIT:
        unused = [say("note-strength-unread", model=chosen.name)] if options.strength else []
        return [say("note-edited"), *unused]
    if edit.workflow is Workflow.VARY and len(models.names) > 1:
        return [say("note-varied", model=chosen.name)]
    return []


def _strength(said: float | None, edit: _Edit, model: Capabilities) -> float | None:
    """What was said; else the usual. Of room that is added a little stays: it has the colours beside it."""
    if edit.workflow is Workflow.EDIT:
        return None
    if said:
        return said
    strength = model.strength[edit.workflow]
    return min(strength, ROOM_STRENGTH) if edit.expand else strength


def _size(
    options: Options, picture: Given | None, expand: str | None, model: Capabilities, tier: Tier
) -> tuple[Size, Message | None]:
    """What was said; else the picture's own shape, with the room that is added to it."""
    if picture is not None and picture.larger is not None:
        if why := why_not_enlarged(picture.larger, model, tier):
            raise UserError(why)
        return picture.larger, None
    if picture is not None and not (options.size or "").strip():
        width, height = expanded((picture.size.width, picture.size.height), expand or "")
        return model.shaped(width / height, min(model.default_size.pixels, tier.default_pixels)), None
    return resolve_size(
        options.size, model, tier, lambda word: _choice("size", word, model, {}, size_aliases(model)) or word
    )


def why_not_enlarged(size: Size, model: Capabilities, tier: Tier) -> Message | None:
    """Why a picture cannot be enlarged to a size: it may be twice as wide and high as what is drawn anew."""
    if max(size.width, size.height) > 2 * model.max_px:
        return say("action-largest")
    return say("action-largest-tier", tier=tier.name) if size.pixels > 4 * tier.max_pixels else None


def _guidance(said: float | None, chosen: Model, *, negative: bool) -> tuple[float, Message | None]:
    """What is drawn with, and what its author should be told about it."""
    model = chosen.capabilities
    guidance = model.guidance if said is None else said
    if not negative:
        return guidance, None
    if model.negative_guidance is None:
        return guidance, say("note-negative-unread", model=chosen.name)
    if said is None and guidance < model.negative_guidance:
        set_to = number_text(model.negative_guidance)
        return model.negative_guidance, say("note-guidance-set", guidance=set_to)
    if guidance:
        return guidance, None
    return guidance, say("note-negative-unused", guidance=number_text(model.negative_guidance))


def replay(request: ImageRequest, models: Models) -> Options:
    """A stored request as if it had been typed: asking again checks it against today's rules, with today's
    default where its model is no longer there.
    """
    values = {option.name: request.value(option) for option in OPTIONS}
    if request.model not in models.names:
        values["model"] = None
    if not request.negative_prompt and not request.guidance:
        values["guidance"] = None  # so that a negative prompt that is added now finds one
    said: dict[str, Any] = {name: _typed(value) for name, value in values.items()}
    return Options(prompt=request.prompt, **said)


def styled(prompt: str, style: Style | None) -> str:
    """The prompt inside its style's template."""
    return prompt if style is None else style.prompt.replace("{prompt}", prompt)


def _typed(value: str | int | float | bool | None) -> str | bool | None:
    if value is None or isinstance(value, str | bool):
        return value
    return str(value) if isinstance(value, int) else number_text(value)


def _notes_on_words(prompt: str, model: Capabilities) -> list[Message]:
    """What of a prompt the model does not read as it was meant."""
    if found := foreign_notation(prompt):
        return [say("note-notation", found=found)]
    if unknown := model.unknown_words(prompt):
        return [say("note-words-unknown", words=", ".join(unknown))]
    return []


def _style_names(styles: Mapping[str, Style]) -> dict[str, str]:
    """What members see the styles called, in every language, to their names in bot.toml."""
    return {label.lower(): name for name, style in styles.items() for label in style.names.values()}


def _choice(
    name: str,
    text: str | None,
    model: Capabilities,
    named: Named,
    aliases: Mapping[str, str],
) -> str | None:
    """The value that was chosen, by its name or what members see it called; None where nothing was said."""
    word = unicodedata.normalize("NFKC", text or "").strip().lower()
    if not word:
        return None
    known = choices(BY_NAME[name], model, named)
    names = {one.lower(): one for one in known}
    shown = shown_values(name, known) if name != "style" else {}
    if found := names.get(word) or shown.get(word) or aliases.get(word):
        return found
    allowed = ", ".join([*known, *([str(model.sizes["landscape"]), "16:9"] if name == "size" else [])])
    near = get_close_matches(word, names, n=1)
    if near:
        near_name = names[near[0]]
        raise UserError(say("error-choice-near", option=name, found=word, near=near_name, allowed=allowed))
    raise UserError(say("error-choice", option=name, found=word, allowed=allowed))


_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,6}([.,][0-9]{1,6})?")


def _number(option: Option, text: str | None, model: Capabilities, tier: Tier) -> float | int | None:
    """The number that was typed, or the option's default. Raises UserError outside the limits."""
    assert option.limits is not None
    word = unicodedata.normalize("NFKC", text or "").strip()
    if not word:
        return option.default
    low, high = option.limits(model, tier)
    whole = option.kind is Kind.WHOLE
    if (_WHOLE if whole else _NUMBER).fullmatch(word):
        value = int(word) if whole else float(word.replace(",", "."))
        if low <= value <= high:
            return value
    limits = {"low": str(low), "high": str(high)} if whole else {"low": f"{low:g}", "high": f"{high:g}"}
    id_ = "error-range-random" if option.random else "error-range"
    raise UserError(say(id_, option=option.name, found=word, **limits))
