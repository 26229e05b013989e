"""Options in a line of text, forgiving as a chat must be: `/imagine a cat --size portrait --no text, blur`.

Phones turn `--` into an em dash, Chinese keyboards type full-width letters, colons and quotes, people put
options before the prompt and break lines. And people write prose with dashes: a dash opens an option only
right before a known name ("a cat — on the moon" is a prompt), and with a space after it only where a number
or a shape follows the name ("a cat – seed 7"). Two hyphens right before an unknown name are told, not guessed
at.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from bot.imagine.options import Kind, Option, Options, altered, spellings
from bot.imagine.sizes import PIXELS, SHAPE
from bot.messages import UserError, say

if TYPE_CHECKING:
    from collections.abc import Sequence

_HYPHENS = "[-－﹣−]"
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|「[^」]*」|『[^』]*』|«[^»]*»')
_OPTION = re.compile(
    rf"(?:(?<=\s)|^)(?P<dash>{_HYPHENS}{{2,}}|[—–―⸺]+|{_HYPHENS}[—–])(?P<gap>\s?)"
    r"(?P<name>[^\W\d_]+(?:[-_][^\W\d_]+)*)(?=$|[\s=:：＝,，])",
)
_QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』", "«": "»", "'": "'", "‘": "’"}
_SPACED_SIZE = re.compile(rf"(?P<size>(?:{PIXELS.pattern})|(?:{SHAPE.pattern}))(?:$|[\s,，;；。])", re.I)
_ITEM = r"[^\s,，、+＋]+(?:\s*[:：]\s*[^\s,，、+＋]+)?"
_LIST = re.compile(rf"{_ITEM}(?:\s*[,，、+＋]\s*{_ITEM})*")
"""Words with a comma or a plus between them, each perhaps with a number behind a colon."""
_MASK = ("mask", "蒙版", "遮罩")
"""What takes a file where files can be named, and is typed in chats by those who have seen it there."""
_FLAG_OF_SHELL = re.compile(r"--(?P<name>[^\W\d_]+(?:[-_][^\W\d_]+)*)(?:=(?P<value>.*))?", re.S)


def parse_imagine(text: str) -> Options:
    """Split `text` (what follows the command) into a prompt and its options.

    Raises `UserError` for an unknown or repeated option, or one without its value.
    """
    marks = _option_marks(text)
    found: dict[str, str | bool] = {}
    prompt = [text[: marks[0].start()] if marks else text]
    for mark, following in zip(marks, [*marks[1:], None], strict=False):
        option = _known(mark["name"])
        tail = text[mark.end() : following.start() if following else len(text)]
        value, rest = (True, tail) if option.kind is Kind.FLAG else _value(tail, option)
        _take(found, option, mark["name"], value)
        prompt.append(rest)
    words = " ".join(part.strip() for part in prompt if part.strip())
    return Options(prompt=_unquote(words), **found)  # type: ignore[arg-type]


def parse_words(words: Sequence[str]) -> Options:
    """The same of a shell's words, whose quotes are gone: a known `--name` takes the whole next word.

    The other words are read like a line that was typed in a chat, dashes of prose and all.
    """
    found: dict[str, str | bool] = {}
    rest: list[str] = []
    left = iter(words)
    for word in left:
        flag = _FLAG_OF_SHELL.fullmatch(word)
        option = spellings().get(flag["name"].lower()) if flag else None
        if flag is None or option is None:
            rest.append(word)
        elif option.kind is Kind.FLAG:
            _take(found, option, flag["name"], value=True)
        else:
            value = flag["value"] if flag["value"] is not None else next(left, "")
            _take(found, option, flag["name"], value)
    return altered(parse_imagine(" ".join(rest)), Options(**found))  # type: ignore[arg-type]


def _take(found: dict[str, str | bool], option: Option, typed: str, value: str | bool) -> None:
    if option.name in found and option.kind is Kind.LIST and isinstance(value, str):
        value = f"{found[option.name]}, {value}" if value else value
    elif option.name in found:
        raise UserError(say("error-option-twice", option=typed.lower()))
    if not value:
        raise UserError(say("error-option-value", option=typed.lower()))
    found[option.name] = value


def _known(typed: str) -> Option:
    name, known = typed.lower(), spellings()
    if name in known:
        return known[name]
    if name in _MASK:
        raise UserError(say("error-option-mask", option=name))
    near = get_close_matches(name, known, n=1)
    raise UserError(
        say("error-option-near", option=name, near=near[0]) if near else say("error-option", option=name)
    )


def _option_marks(text: str) -> list[re.Match[str]]:
    """Where options begin: outside quotes, and not at the dashes of prose."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    return [
        mark
        for mark in _OPTION.finditer(text)
        if not any(start < mark.start() < end for start, end in quoted) and _opens(mark, text)
    ]


def _opens(mark: re.Match[str], text: str) -> bool:
    """Whether a dash and the word behind it are meant as an option."""
    option = spellings().get(mark["name"].lower())
    if option is None:
        return not mark["gap"] and re.fullmatch(f"{_HYPHENS}{{2,}}", mark["dash"]) is not None
    return not mark["gap"] or _fits(option, text[mark.end() :].lstrip(" =:：＝"))


def _fits(option: Option, tail: str) -> bool:
    """Whether what follows an option's name can hardly be anything but its value."""
    match option.kind:
        case Kind.WHOLE | Kind.NUMBER:
            return re.match(r"[+-]?\d", tail) is not None
        case Kind.SIZE:
            return re.match(PIXELS, tail) is not None or re.match(SHAPE, tail) is not None
    return False


def _value(tail: str, option: Option) -> tuple[str, str]:
    """The option's value, and what of `tail` belongs to the prompt again."""
    if option.kind is Kind.TEXT:
        tail = tail.lstrip().lstrip("=:：＝").lstrip()
    else:
        tail = tail.lstrip(" \t\r\n=:：＝,，")
    if quoted := _QUOTED.match(tail):
        return quoted.group()[1:-1].strip(), tail[quoted.end() :]
    if option.kind is Kind.TEXT:
        return tail.strip(), ""
    if option.kind is Kind.SIZE and (spaced := _SPACED_SIZE.match(tail)):
        return spaced["size"].strip(), tail[spaced.end() :]
    if option.kind is Kind.LIST and (listed := _LIST.match(tail)):
        return listed.group(), tail[listed.end() :]
    value, _, rest = tail.replace("\n", " ").partition(" ")
    return value.strip().rstrip(",，;；。"), rest


def _unquote(text: str) -> str:
    """Without the pair of quotes around the whole of it, where there is one."""
    if len(text) >= 2 and _QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
        return text[1:-1].strip()
    return text
