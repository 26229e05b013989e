"""From what somebody asked for to what will be drawn: options in, one checked `ImageRequest` out.

Every face collects `Options` its own way (slash options, flags in a text) and resolves them here,
so that the rules, and the sentences that explain them, exist once.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from bot.imagine.models import Capabilities, Size
from bot.messages import Message, UserError, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.config.schema import Style, Tier
    from bot.imagine.options import Options

MAX_PROMPT_CHARS = 2_000
MAX_IMAGES = 4
MAX_SEED = 2**63 - 1
DRAWN_SEEDS = 2**32
"""Seeds we draw ourselves stay short enough to be read out and typed."""

SIZE_NAMES = {"方": "square", "竖": "portrait", "横": "landscape", "长": "tall", "宽": "wide", "大": "large"}
QUALITY_NAMES = {"速写": "sketch", "草图": "draft", "标准": "standard", "精细": "final", "最终": "final"}


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
    private: bool = False

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)

    def to_json(self) -> str:
        return _JSON.dump_json(self).decode()

    @staticmethod
    def from_json(text: str) -> ImageRequest:
        return _JSON.validate_json(text)


_JSON = TypeAdapter(ImageRequest)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A checked request, and what its author should be told about it (snapped size, useless options)."""

    request: ImageRequest
    notes: tuple[Message, ...]


def resolve(options: Options, *, model: Capabilities, tier: Tier, styles: Mapping[str, Style]) -> Resolved:
    """Check `options` against model and tier. Raises `UserError` with one sentence; changes nothing."""
    notes: list[Message] = []
    prompt = clean_prompt(options.prompt)
    if not prompt:
        raise UserError(say("error-prompt-empty"))
    negative = clean_prompt(options.negative or "")
    for option, text in (("prompt", prompt), ("negative", negative)):
        if len(text) > MAX_PROMPT_CHARS:
            message = say("error-prompt-long", option=option, length=len(text), limit=MAX_PROMPT_CHARS)
            raise UserError(message)
    images = _whole(options.images, "images", 1, min(MAX_IMAGES, tier.max_images), 1)
    guidance = _number(options.guidance, "guidance", 0.0, model.max_guidance, 0.0)
    quality = _choice(options.quality, "quality", model.steps, QUALITY_NAMES, "standard")
    steps = _whole(options.steps, "steps", 1, min(model.max_steps, tier.max_steps), model.steps[quality])
    size = _size(options.size, model, tier, notes)
    if options.style and not styles:
        raise UserError(say("error-no-styles"))
    style = _choice(options.style, "style", styles, {}, None) if options.style else None
    seed = _whole(options.seed, "seed", 0, MAX_SEED - MAX_IMAGES, secrets.randbelow(DRAWN_SEEDS))
    if negative and guidance == 0:
        notes.append(say("note-negative-unused"))
    if steps > model.useful_steps:
        notes.append(say("note-steps-many", steps=steps, useful=model.useful_steps))
    request = ImageRequest(
        prompt=prompt,
        width=size.width,
        height=size.height,
        steps=min(steps, tier.max_steps),
        seed=seed,
        images=images,
        guidance=guidance,
        negative_prompt=negative,
        quality=quality,
        style=style,
        private=options.private,
    )
    return Resolved(request, tuple(notes))


def clean_prompt(text: str) -> str:
    """One line without control characters; what people typed is otherwise left as it is."""
    kept = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in {"Cc", "Cs", "Cn"}
    )
    return " ".join(kept.split())


def styled(prompt: str, style: Style | None) -> str:
    """The prompt inside its style's template."""
    return prompt if style is None else style.prompt.replace("{prompt}", prompt)


def _size(text: str | None, model: Capabilities, tier: Tier, notes: list[Message]) -> Size:
    """A preset shrinks to what the tier allows; a size that was spelled out is snapped, or refused."""
    if text is None or not text.strip():
        return model.fit(model.default_size, tier.default_pixels)
    word = unicodedata.normalize("NFKC", text).strip().lower()
    if match := re.fullmatch(r"(\d{1,5})\s*[x×*✕╳,乘]\s*(\d{1,5})", word):
        wanted = Size(int(match[1]), int(match[2]))
        snapped = model.snap(wanted)
        if snapped.pixels > tier.max_pixels:
            largest = model.fit(snapped, tier.max_pixels)
            raise UserError(say("error-size-tier", size=str(wanted), tier=tier.name, largest=str(largest)))
        if snapped != wanted:
            grid, low, high = model.grid_px, str(model.min_px), str(model.max_px)
            told = say(
                "note-size-snapped", wanted=str(wanted), size=str(snapped), grid=grid, low=low, high=high
            )
            notes.append(told)
        return snapped
    aliases = {
        f"{name}{suffix}": preset for name, preset in SIZE_NAMES.items() for suffix in ("", "图", "形")
    }
    preset = _choice(word, "size", model.sizes, aliases, None, extra=str(model.sizes["landscape"]))
    wanted = model.sizes[preset]
    size = model.fit(wanted, tier.max_pixels)
    if size != wanted:
        notes.append(say("note-size-tier", wanted=str(wanted), size=str(size), tier=tier.name))
    return size


def _choice(
    text: str | None,
    option: str,
    known: Iterable[str],
    aliases: Mapping[str, str],
    default: str | None,
    extra: str | None = None,
) -> str:
    word = unicodedata.normalize("NFKC", text or "").strip().lower()
    names = {name.lower(): name for name in known}
    if not word and default is not None:
        return default
    if word in names or word in aliases:
        return names.get(word) or aliases[word]
    allowed = ", ".join([*names.values(), *([extra] if extra else [])])
    near = get_close_matches(word, names, n=1)
    if near:
        raise UserError(
            say("error-choice-near", option=option, found=word, near=names[near[0]], allowed=allowed)
        )
    raise UserError(say("error-choice", option=option, found=word, allowed=allowed))


def _whole(text: str | None, option: str, low: int, high: int, default: int) -> int:
    if text is None or not text.strip():
        return min(default, high) if option == "steps" else default
    word = unicodedata.normalize("NFKC", text).strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", word) or not low <= int(word) <= high:
        raise UserError(say("error-range", option=option, found=word, low=str(low), high=str(high)))
    return int(word)


def _number(text: str | None, option: str, low: float, high: float, default: float) -> float:
    if text is None or not text.strip():
        return default
    word = unicodedata.normalize("NFKC", text).strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,6}([.,][0-9]{1,6})?", word):
        raise UserError(say("error-range", option=option, found=word, low=f"{low:g}", high=f"{high:g}"))
    value = float(word.replace(",", "."))
    if not low <= value <= high:
        raise UserError(say("error-range", option=option, found=word, low=f"{low:g}", high=f"{high:g}"))
    return value
