"""Telegram's HTML, parsed as strictly as Telegram does: known tags, closed in order, entities spelled out."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"<(?P<close>/?)(?P<tag>[a-z][a-z0-9-]*)(?P<rest>[^<>]*)>|&(?P<entity>#?\w+);|(?P<bad>[<>&])"
)
_TAGS = {
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "code",
    "pre",
    "blockquote",
    "tg-spoiler",
}
_GIVEN = re.compile(
    r'<a href="tg://user\?id=\d+">|</a>|<tg-time unix="\d+" format="(r|w?[dD]?[tT]?)">|</tg-time>'
)
"""Mentions, and points in time."""
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "#x27": "'"}


class BadMarkup(Exception):
    """Text that Telegram would refuse."""


@dataclass(frozen=True)
class Parsed:
    """Plain text, and its spans as (tag, text)."""

    text: str
    spans: tuple[tuple[str, str], ...]

    @property
    def units(self) -> int:
        return len(self.text.encode("utf-16-le")) // 2


def parse(source: str) -> Parsed:
    """Raises BadMarkup."""
    text, at = "", 0
    opened: list[tuple[str, int]] = []
    spans = []
    for token in _TOKEN.finditer(source):
        text += source[at : token.start()]
        at = token.end()
        if token["bad"]:
            raise BadMarkup(f"bare {token['bad']!r} in {source!r}")
        if token["entity"]:
            if token["entity"] not in _ENTITIES:
                raise BadMarkup(f"unknown &{token['entity']}; in {source!r}")
            text += _ENTITIES[token["entity"]]
        elif not _GIVEN.fullmatch(token.group()) and (token["tag"] not in _TAGS or token["rest"].strip()):
            raise BadMarkup(f"tag {token.group()} in {source!r}")
        elif not token["close"]:
            opened.append((token["tag"], len(text)))
        elif not opened or opened[-1][0] != token["tag"]:
            raise BadMarkup(f"{token.group()} closes nothing in {source!r}")
        else:
            tag, start = opened.pop()
            spans.append((tag, text[start:]))
    if opened:
        raise BadMarkup(f"<{opened[-1][0]}> is not closed in {source!r}")
    return Parsed(text + source[at:], tuple(spans))
