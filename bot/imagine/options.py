"""The options of `/imagine`, in one table.

From `OPTIONS` come the chat parser, Discord's slash command, the flags of `easel imagine`, the fields of the
HTTP API, the replay of an old request, the parameters in a picture's file, `/help` and docs/commands.md.
What an option is called and what it is for stands in locales/*/options.ftl, as `opt-NAME` and
`opt-NAME-about`.

A number that only the model reads needs a field in `Options`, a row in `OPTIONS` and its words: it travels in
`ImageRequest.extra` and reaches the model as `DrawRequest.extra`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from bot.imagine.region import AREAS, SIDES
from bot.messages import LANGUAGES, Names, translator

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.config.money import Tier
    from bot.imagine.capabilities import Capabilities
    from bot.messages import Translator

MAX_PROMPT_CHARS = 2_000
MAX_IMAGES = 4
MAX_SEED = 2**63 - 1
LEAST_STRENGTH = 0.01

Named = Mapping[str, Collection[str]]
"""What bot.toml names, by the option that takes it: styles, models, what models follow."""

SIZE_NAMES = {"方": "square", "竖": "portrait", "横": "landscape", "长": "tall", "宽": "wide", "大": "large"}


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for, word for word; None where nothing was said."""

    prompt: str = ""
    negative: str | None = None
    size: str | None = None
    quality: str | None = None
    seed: str | None = None
    images: str | None = None
    guidance: str | None = None
    style: str | None = None
    lora: str | None = None
    steps: str | None = None
    strength: str | None = None
    area: str | None = None
    expand: str | None = None
    control: str | None = None
    control_strength: str | None = None
    private: bool = False
    model: str | None = None


class Kind(Enum):
    """How the value of an option is written."""

    TEXT = "text"
    """Words up to the next option, or in quotes."""
    CHOICE = "choice"
    """One word of a list."""
    CHOICES = "choices"
    """One or more words of a list, with commas between."""
    SIZE = "size"
    """A shape, WIDTHxHEIGHT or WIDTH:HEIGHT."""
    WHOLE = "whole number"
    NUMBER = "number"
    LIST = "list"
    """Words, each perhaps with a number behind a colon: ink:0.8, sepia."""
    FLAG = "flag"
    """No value: it is there or not."""


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table."""

    name: str
    """A field of `Options`; the stem of its message ids."""
    kind: Kind
    flag: str = ""
    """What help and docs show after the dashes; empty: the name."""
    aliases: tuple[str, ...] = ()
    """What else may stand after the dashes, besides `name` and what members see it called."""
    limits: Callable[[Capabilities, Tier | None], tuple[float, float]] | None = None
    """The smallest and the largest number allowed; without a tier, whatever the tier."""
    default: float | None = None
    """The number where nothing was said; None where `resolve` finds one."""
    random: bool = False
    """Left out, it is drawn at random."""
    api: str = ""
    """Its field over HTTP; empty: the name."""
    needs_picture: bool = False
    """Says what to do with a picture that comes with the request."""
    chats_only: bool = False
    """Means something only where others read along."""
    label: str = ""
    """What the parameters in a picture's file call it; empty: they do not tell it."""
    replaces: tuple[str, ...] = ()
    """Options of an old request that no longer count once this one is said anew."""
    fewest: int = 0
    """How many values bot.toml has to name for the option to be shown."""
    goes_with: str = ""
    """The option without which it means nothing: it is shown where that one is."""

    @property
    def shown(self) -> str:
        return self.flag or self.name

    @property
    def field(self) -> str:
        return self.api or self.name

    @property
    def id(self) -> str:
        """The message id of its name, and the stem of what it is for."""
        return f"opt-{self.name.replace('_', '-')}"

    @property
    def about(self) -> str:
        """The message id of what it is for."""
        return f"{self.id}-about"

    def called(self, language: str) -> str:
        """What members see it called."""
        return translator(language)(self.id)


CONTROL = ("control", "control_strength")

OPTIONS = (
    Option("size", Kind.SIZE, aliases=("ar", "大小", "比例"), label="Size"),
    Option("quality", Kind.CHOICE, aliases=("q", "品质"), replaces=("steps",)),
    Option(
        "seed", Kind.WHOLE, limits=lambda model, tier: (0, MAX_SEED - MAX_IMAGES), random=True, label="Seed"
    ),
    Option(
        "images",
        Kind.WHOLE,
        aliases=("n", "数量"),
        limits=lambda model, tier: (1, min(MAX_IMAGES, tier.max_images) if tier else MAX_IMAGES),
        default=1,
        api="n",
    ),
    Option(
        "negative",
        Kind.TEXT,
        flag="no",
        aliases=("不要", "反向"),
        api="negative_prompt",
        label="Negative prompt",
    ),
    Option(
        "guidance",
        Kind.NUMBER,
        aliases=("cfg", "引导"),
        limits=lambda model, tier: (0.0, model.max_guidance),
        label="CFG scale",
    ),
    Option("style", Kind.CHOICE, label="Style"),
    Option("lora", Kind.LIST, aliases=("loras",), api="loras", label="Lora", fewest=1),
    Option("model", Kind.CHOICE, aliases=("m",), replaces=("steps", "guidance"), fewest=2),
    Option(
        "steps",
        Kind.WHOLE,
        limits=lambda model, tier: (1, min(model.max_steps, tier.max_steps) if tier else model.max_steps),
        label="Steps",
    ),
    Option(
        "strength",
        Kind.NUMBER,
        limits=lambda model, tier: (LEAST_STRENGTH, 1.0),
        aliases=("denoise", "强度"),
        needs_picture=True,
        replaces=CONTROL,
        label="Denoising strength",
    ),
    Option(
        "area",
        Kind.CHOICES,
        aliases=("region",),
        needs_picture=True,
        label="Inpaint area",
        replaces=("expand", "strength", *CONTROL),
    ),
    Option(
        "expand",
        Kind.CHOICE,
        aliases=("outpaint", "扩展"),
        needs_picture=True,
        label="Outpaint",
        replaces=("area", "size", "strength", *CONTROL),
    ),
    Option(
        "control",
        Kind.CHOICE,
        aliases=("follow",),
        needs_picture=True,
        label="Control",
        replaces=("area", "expand", "strength"),
        fewest=1,
    ),
    Option(
        "control_strength",
        Kind.NUMBER,
        flag="control-strength",
        limits=lambda model, tier: (0.0, 1.0),
        needs_picture=True,
        label="Control strength",
        fewest=1,
        goes_with="control",
    ),
    Option("private", Kind.FLAG, chats_only=True),
)
"""All of them, in the order in which they are shown."""

BY_NAME = {option.name: option for option in OPTIONS}


@cache
def spellings() -> Mapping[str, Option]:
    """What may stand after the dashes, in lower case."""
    found: dict[str, Option] = {}
    for option in OPTIONS:
        called = (option.called(language) for language in LANGUAGES)
        for word in (option.name, option.shown, *option.aliases, *called):
            found[word.lower()] = option
    return found


def shown(named: Named) -> tuple[Option, ...]:
    """The options that a bot with these names shows."""
    return tuple(
        option for option in OPTIONS if len(named.get(option.goes_with or option.name, ())) >= option.fewest
    )


def choices(option: Option, model: Capabilities, named: Named) -> tuple[str, ...]:
    """The values to choose from, in order; empty where there is no list."""
    match option.name:
        case "size":
            return tuple(model.sizes)
        case "quality":
            return tuple(model.steps)
        case "area":
            return tuple(AREAS)
        case "expand":
            return SIDES
    return tuple(named.get(option.name, ()))


@cache
def shown_values(option_name: str, values: tuple[str, ...]) -> Mapping[str, str]:
    """What members see the values called, in every language and in lower case, to the values."""
    return {
        translator(language)(f"{option_name}-{value}").lower(): value
        for language in LANGUAGES
        for value in values
        if not value.isdecimal()
    }


def about(option: Option, model: Capabilities, named: Named, t: Translator) -> str:
    """What an option is for, and which values it takes."""
    purpose = t(option.about)
    if values := choices(option, model, named):
        return t("option-values", about=purpose, values=Names(option.name, *values))
    if option.limits and not option.random:
        low, high = option.limits(model, None)
        return t("option-range", about=purpose, low=number_text(low), high=number_text(high))
    return purpose


def number_text(value: float) -> str:
    """A number as it is typed: no exponent, no more places than it has, six at most."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def altered(kept: Options, typed: Options) -> Options:
    """Options with what was typed in their place, and without what that replaces."""
    said = {name: value for name, value in asdict(typed).items() if value}
    gone = {name: None for option in OPTIONS if option.name in said for name in option.replaces}
    return replace(kept, **{**gone, **said})
