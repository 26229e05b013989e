"""Every sentence exists in every language, with the same gaps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor

from bot.messages import LANGUAGES, LOCALES, best_language, translator

BOT = Path(__file__).parents[2] / "bot"
FILES = sorted(path.name for path in (LOCALES / "en").glob("*.ftl"))


class _Gaps(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:
        self.names.add(node.id.name)


def gaps(language: str) -> dict[str, set[str]]:
    """Message ids of a language with the names of their gaps."""
    found: dict[str, set[str]] = {}
    for name in FILES:
        resource = FluentParser().parse((LOCALES / language / name).read_text("utf-8"))
        for entry in resource.body:
            assert not isinstance(entry, ast.Junk), f"{language}/{name}: {entry.content}"
            if isinstance(entry, ast.Message):
                assert entry.id.name not in found, f"{entry.id.name} is there twice"
                visitor = _Gaps()
                visitor.visit(entry)
                found[entry.id.name] = visitor.names
    return found


def test_languages_have_the_same_messages_with_the_same_gaps() -> None:
    english, *others = (gaps(language) for language in LANGUAGES)
    for other in others:
        assert other == english


def test_every_message_the_code_names_exists() -> None:
    known = gaps("en")
    for path in BOT.rglob("*.py"):
        for id_ in re.findall(r'\b(?:say|t|self\._t)\(\s*"([a-z0-9-]+)"', path.read_text("utf-8")):
            assert id_ in known, f"{path.name} says {id_}"


@pytest.mark.parametrize(
    ("locale", "language"),
    [("zh-TW", "zh-CN"), ("zh_CN.UTF-8", "zh-CN"), ("en-GB", "en"), ("fr", "en"), (None, "en"), ("", "en")],
)
def test_the_nearest_language_is_taken(locale: str | None, language: str) -> None:
    assert best_language(locale) == language


def test_plurals_follow_the_language() -> None:
    english = translator("en")
    assert "1 image before" in english("status-waiting", position=1, eta="3 s")
    assert "2 images before" in english("status-waiting", position=2, eta="3 s")
