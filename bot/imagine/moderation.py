"""Blocked words and patterns: for everybody from bot.toml, and per server from its settings.

Patterns come from admins, so they run on RE2, which takes linear time whatever the pattern. Text is compared
after NFKC, without invisible characters and without regard to case.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import re2

from bot.imagine.text import fold
from bot.messages import Reason, UserError, say

if TYPE_CHECKING:
    from bot.config.schema import Config
    from bot.imagine.request import ImageRequest
    from bot.imagine.server_settings import ServerSettings

MAX_RULES, MAX_RULE_CHARS = 200, 200
"""A server's lists stay small enough to be compiled at a request."""


@dataclass(frozen=True, slots=True)
class Rules:
    """One list of words and patterns, compiled."""

    words: re2._Regexp | None
    patterns: tuple[re2._Regexp, ...]

    def broken_by(self, text: str) -> bool:
        """Whether `text`, already folded, holds anything blocked."""
        found = self.words is not None and self.words.search(text) is not None
        return found or any(pattern.search(text) for pattern in self.patterns)


class Moderation:
    """Checks every request before anything is reserved, whatever face it comes from."""

    def __init__(self, config: Config) -> None:
        section = config.moderation
        self._global = compiled(section.blocked_words, section.blocked_patterns)
        self._adult = compiled(section.adult_words, section.adult_patterns)

    def check(self, request: ImageRequest, server: ServerSettings, *, adult: bool = True) -> None:
        """Raises `UserError` where a rule forbids the request. `adult`: adult pictures may be asked for."""
        text = fold(f"{request.prompt}\n{request.negative_prompt}")
        if self._global.broken_by(text):
            raise UserError(say("moderation-blocked").because(Reason.POLICY))
        if not adult and self._adult.broken_by(text):
            raise UserError(say("moderation-adult").because(Reason.POLICY))
        if compiled(server.blocked_words, server.blocked_patterns).broken_by(text):
            raise UserError(say("moderation-blocked-server").because(Reason.POLICY))


@lru_cache(maxsize=256)
def compiled(words: tuple[str, ...], patterns: tuple[str, ...]) -> Rules:
    """Rules of these words and patterns. Raises `re2.error` for a pattern RE2 does not read."""
    named = [_word(fold(word)) for word in words if word.strip()]
    joined = _compile("|".join(named)) if named else None
    return Rules(joined, tuple(_compile(pattern) for pattern in patterns if pattern.strip()))


def checked_pattern(pattern: str) -> str:
    """A pattern that an admin typed. Raises `UserError` where RE2 does not read it."""
    try:
        _compile(pattern)
    except re2.error as error:
        why = error.args[0].decode("utf-8", "replace")
        raise UserError(say("moderation-bad-pattern", found=pattern, why=why)) from None
    if not pattern.strip() or len(pattern) > MAX_RULE_CHARS:
        raise UserError(say("moderation-long-rule", limit=MAX_RULE_CHARS))
    return pattern


def _compile(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False  # told to whoever typed it, not to the log
    return re2.compile(pattern, options)


def _word(word: str) -> str:
    """A word in RE2: whole words in scripts that space them ("ass" spares "grass"), anywhere in others."""
    quoted = re2.escape(word)
    before = r"(?:^|[^\pL\pN])" if _spaced(word[0]) else ""
    after = r"(?:$|[^\pL\pN])" if _spaced(word[-1]) else ""
    return f"{before}{quoted}{after}"


def _spaced(character: str) -> bool:
    """Whether words in this character's script stand between spaces."""
    return character.isalnum() and unicodedata.category(character) != "Lo"
