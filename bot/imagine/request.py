"""From what somebody asked for to what will be drawn: options in, one checked `ImageRequest` out.

Every face collects `Options` its own way (slash options, flags in a text) and resolves them here, so that the
rules, and the sentences that explain them, exist once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from bot.imagine.capabilities import Size, Workflow
from bot.imagine.control import control_strength
from bot.imagine.edit import Given, edit_of, notes_on_edit, size_of, strength_of
from bot.imagine.loras import chosen as chosen_loras
from bot.imagine.loras import written
from bot.imagine.notation import foreign_notation
from bot.imagine.options import (
    MAX_PROMPT_CHARS,
    OPTIONS,
    Option,
    Options,
    number_text,
)
from bot.imagine.text import clean_prompt, is_blank
from bot.imagine.values import choice, number
from bot.messages import Message, Reason, UserError, say
from engine.request import ControlKind, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.config.loras import Lora
    from bot.config.money import Tier
    from bot.config.schema import Style
    from bot.imagine.capabilities import Capabilities
    from bot.imagine.models import Model, Models

DRAWN_SEEDS = 2**32
"""Seeds we draw ourselves stay short enough to be read out and typed."""
QUALITY_NAMES = {"最终": "final", "auto": "standard", "自动": "standard"}


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
    own: bool = False
    """That picture was drawn here; no member brought it."""
    mask: str = ""
    """The digest of the mask; empty: the whole picture is drawn anew."""
    control: ControlKind | None = None
    """What it follows of a picture."""
    control_strength: float | None = None
    """How closely."""
    map: str = ""
    """The digest of the control map; empty: it follows none."""

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)

    @property
    def files(self) -> dict[str, str]:
        """The digests of the pictures that it is drawn from, by what they are for."""
        files = {Role.INIT: self.init, Role.MASK: self.mask, Role.CONTROL: self.map}
        return {role.value: digest for role, digest in files.items() if digest}

    def brought(self, role: str) -> bool:
        """Whether a member brought the picture for this, or the one that it was made of."""
        return not (self.area or self.expand) if role == Role.MASK.value else not self.own

    def steps_run(self, models: Models) -> int:
        """How many of its steps are really run."""
        return models.named(self.model).capabilities.steps_run(self.steps, self.strength)

    def value(self, option: Option) -> str | int | float | bool | None:
        """What was resolved for an option; None where the request has none."""
        match option.name:
            case "negative":
                return self.negative_prompt or None
            case "size":
                return str(self.size)
            case "lora":
                return written(self.loras)
            case "control":
                return self.control.value if self.control else None
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
    prompt, negative = _words(options)
    numbers = _numbers(options, model, tier)
    quality = choice("quality", options.quality, model, {}, QUALITY_NAMES) or "standard"
    edit = edit_of(options, picture, chosen)
    notes += notes_on_edit(options, edit, chosen, models)
    size, told = size_of(options, picture, edit, model, tier)
    notes += [told] if told else []
    steps, guidance, seed = numbers.pop("steps"), numbers.pop("guidance"), numbers.pop("seed")
    strength, closely = numbers.pop("strength"), numbers.pop("control_strength")
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
        style=_style(options, model, styles),
        loras=chosen_loras(options.lora, loras(chosen.name)),
        private=options.private,
        model=chosen.name,
        extra={name: value for name, value in numbers.items() if value is not None},
        workflow=edit.workflow,
        strength=strength_of(strength, edit, model) if picture else None,
        area=edit.area,
        expand=edit.expand,
        control=edit.control,
        control_strength=control_strength(closely, edit.control),
    )
    return Resolved(request, tuple(notes))


def _numbers(options: Options, model: Capabilities, tier: Tier) -> dict[str, float | None]:
    """The options that are numbers, by name; None where one was not given."""
    return {
        option.name: number(option, getattr(options, option.name), model, tier)
        for option in OPTIONS
        if option.limits
    }


def _style(options: Options, model: Capabilities, styles: Mapping[str, Style]) -> str | None:
    if options.style and not styles:
        raise UserError(say("error-no-styles"))
    return choice("style", options.style, model, {"style": styles}, _style_names(styles))


def _words(options: Options) -> tuple[str, str]:
    """The prompt and the negative prompt, neither of them too long."""
    prompt, negative = clean_prompt(options.prompt), clean_prompt(options.negative or "")
    if is_blank(prompt):
        raise UserError(say("error-prompt-empty", option="prompt"))
    for option, text in (("prompt", prompt), ("negative", negative)):
        if len(text) > MAX_PROMPT_CHARS:
            message = say("error-prompt-long", option=option, length=len(text), limit=MAX_PROMPT_CHARS)
            raise UserError(message.because(Reason.TOO_LONG))
    return prompt, negative


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
    """Notes on what the model does not read in a prompt as it was meant."""
    if found := foreign_notation(prompt):
        return [say("note-notation", found=found)]
    if unknown := model.unknown_words(prompt):
        return [say("note-words-unknown", words=", ".join(unknown))]
    return []


def _style_names(styles: Mapping[str, Style]) -> dict[str, str]:
    """What members see the styles called, in every language, to their names in bot.toml."""
    return {label.lower(): name for name, style in styles.items() for label in style.names.values()}
