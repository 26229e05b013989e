"""Flags in a line of text, forgiving as a chat must be: `/imagine a cat --size portrait --no text, blur`.

Phones turn `--` into an em dash, Chinese keyboards type full-width letters, colons and quotes, people put
options before the prompt and break lines. A dash opens an option only before a known name, so that
"a cat — on the moon" stays a prompt; two plain hyphens before an unknown name are told, not guessed at.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from bot.imagine.options import Options
from bot.messages import UserError, say

NAMES = {
    "size": "size", "尺寸": "size", "大小": "size", "ar": "size",
    "quality": "quality", "q": "quality", "质量": "quality", "品质": "quality",
    "seed": "seed", "种子": "seed",
    "images": "images", "n": "images", "张数": "images", "数量": "images",
    "no": "negative", "negative": "negative", "不要": "negative", "反向": "negative",
    "style": "style", "风格": "style",
    "steps": "steps", "步数": "steps",
    "guidance": "guidance", "cfg": "guidance", "引导": "guidance",
    "private": "private", "私密": "private",
}  # fmt: skip
"""What may stand after the dashes, and the option it sets."""

_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|「[^」]*」|『[^』]*』|«[^»]*»')
_OPTION = re.compile(
    r"(?:(?<=\s)|^)(?P<dash>[-－﹣−]{2,}|[—–―⸺]+|[-－﹣−][—–])\s?(?P<name>[^\W\d_]+)(?=$|[\s=:：＝,，])",
)
_QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』", "«": "»", "'": "'", "‘": "’"}


def parse_imagine(text: str) -> Options:
    """Split `text` (what follows the command) into a prompt and its options.

    Raises `UserError` for an unknown or repeated option, or one without its value.
    """
    marks = _option_marks(text)
    found: dict[str, str] = {}
    private = False
    prompt = [text[: marks[0].start()] if marks else text]
    for mark, following in zip(marks, [*marks[1:], None], strict=False):
        name = mark["name"].lower()
        field = NAMES.get(name)
        if field is None:
            near = get_close_matches(name, NAMES, n=1)
            raise UserError(
                say("error-option-near", option=name, near=near[0])
                if near
                else say("error-option", option=name)
            )
        if field in found:
            raise UserError(say("error-option-twice", option=name))
        tail = text[mark.end() : following.start() if following else len(text)]
        if field == "private":
            private = True
            prompt.append(tail)
            continue
        value, rest = _value(tail, whole=field == "negative")
        if not value:
            raise UserError(say("error-option-value", option=name))
        found[field] = value
        prompt.append(rest)
    words = " ".join(part.strip() for part in prompt if part.strip())
    return Options(prompt=_unquote(words), private=private, **found)


def _option_marks(text: str) -> list[re.Match[str]]:
    """Where options begin: outside quotes, and for dashes of prose only before a known name."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    return [
        mark
        for mark in _OPTION.finditer(text)
        if not any(start < mark.start() < end for start, end in quoted)
        and (mark["name"].lower() in NAMES or re.fullmatch(r"[-－﹣−]{2,}", mark["dash"]))
    ]


def _value(tail: str, *, whole: bool) -> tuple[str, str]:
    """The option's value, and what of `tail` belongs to the prompt again."""
    tail = tail.lstrip().lstrip("=:：＝").lstrip() if whole else tail.lstrip(" \t\r\n=:：＝,，")
    if quoted := _QUOTED.match(tail):
        return quoted.group()[1:-1].strip(), tail[quoted.end() :]
    if whole:
        return tail.strip(), ""
    value, _, rest = tail.replace("\n", " ").partition(" ")
    return value.strip().rstrip(",，;；。"), rest


def _unquote(text: str) -> str:
    """Without the pair of quotes around the whole of it, where there is one."""
    if len(text) >= 2 and _QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
        return text[1:-1].strip()
    return text
