"""Every sentence exists in every language, with the same gaps."""

from __future__ import annotations

import ast as python
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from fluent.syntax import FluentParser, FluentSerializer, ast
from fluent.syntax.visitor import Visitor

from bot.commands.button_ids import Action
from bot.imagine.capabilities import load_capabilities
from bot.imagine.options import OPTIONS
from bot.imagine.region import AREAS, SIDES
from bot.messages import LANGUAGES, LOCALES, best_language, translator

BOT = Path(__file__).parents[2] / "bot"
FILES = sorted(path.name for path in (LOCALES / "en").glob("*.ftl"))


class _Gaps(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:
        self.names.add(node.id.name)

    def visit_MessageReference(self, node: ast.MessageReference) -> None:
        raise AssertionError(f"messages are parsed one by one; this one is not there yet: {node.id.name}")

    def visit_TermReference(self, node: ast.TermReference) -> None:
        raise AssertionError(f"messages are parsed one by one; this one is not there yet: {node.id.name}")


@cache
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


SPEAKERS = {"say", "t", "_t", "text", "translator"}
"""Functions whose first argument is a message id; `translator(language)` is called right away."""


@dataclass
class Spoken:
    """What the code says: ids as they stand there, patterns of composed ids, and the gaps that are filled."""

    ids: set[str] = field(default_factory=set)
    patterns: set[str] = field(default_factory=set)
    calls: list[tuple[str, str, set[str]]] = field(default_factory=list)
    """Where, which message, and with which arguments."""
    composed: list[tuple[str, str]] = field(default_factory=list)
    """Where, and a pattern of the id."""


@cache
def spoken() -> Spoken:
    found = Spoken()
    for path in BOT.rglob("*.py"):
        for node in python.walk(python.parse(path.read_text("utf-8"))):
            where = f"{path.relative_to(BOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, python.Constant) and isinstance(node.value, str):
                found.ids.add(node.value)
            elif isinstance(node, python.JoinedStr) and (pattern := _pattern(node)):
                found.patterns.add(pattern)
            elif isinstance(node, python.Call) and node.args and _name(node.func) in SPEAKERS:
                _heard(found, where, node)
    for path in BOT.rglob("*.html"):
        found.ids.update(re.findall(r"[\"']([a-z0-9-]+)[\"']", path.read_text("utf-8")))
    return found


def _heard(found: Spoken, where: str, call: python.Call) -> None:
    first = call.args[0]
    if isinstance(first, python.JoinedStr) and (pattern := _pattern(first)):
        found.composed.append((where, pattern))
    elif isinstance(first, python.Constant) and isinstance(first.value, str) and "-" in first.value:
        if first.value in LANGUAGES:
            return
        given = {keyword.arg.replace("_", "-") if keyword.arg else "*" for keyword in call.keywords}
        found.calls.append((where, first.value, given if _name(call.func) != "text" else {"*"}))


def _name(function: python.expr) -> str:
    match function:
        case python.Name(id=name):
            return name
        case python.Attribute(attr=name):
            return name
        case python.Call():
            return _name(function.func)
    return ""


def _pattern(text: python.JoinedStr) -> str:
    """A composed id as a pattern; empty where hardly anything of it is fixed."""
    fixed = [part.value for part in text.values if isinstance(part, python.Constant)]
    if not any(re.search("[a-z]{2,}-|-[a-z]{2,}", str(part)) for part in fixed):
        return ""
    parts = (
        re.escape(str(part.value)) if isinstance(part, python.Constant) else "[a-z0-9-]+"
        for part in text.values
    )
    return "".join(parts)


def test_every_message_the_code_names_exists() -> None:
    known = gaps("en")
    assert [(where, id_) for where, id_, _ in spoken().calls if id_ not in known] == []
    assert [one for one in spoken().composed if not any(re.fullmatch(one[1], id_) for id_ in known)] == []


def test_every_gap_of_a_message_is_filled_by_whoever_says_it() -> None:
    known = gaps("en")
    empty = [
        (where, id_, known[id_] - given)
        for where, id_, given in spoken().calls
        if "*" not in given and known[id_] - given
    ]
    assert empty == []


CHOICES = ("area-", "expand-")
"""What members see the values of some options called; made from tables alone."""


def test_every_message_is_said_somewhere() -> None:
    dead = {
        id_
        for id_ in gaps("en")
        if id_ not in spoken().ids
        and not any(re.fullmatch(pattern, id_) for pattern in spoken().patterns)
        and not id_.startswith(CHOICES)
    }
    assert dead == set()


def test_every_id_that_is_made_from_a_table_exists_and_no_other() -> None:
    known = set(gaps("en"))
    assert {"opt-prompt", *(option.id for option in OPTIONS)} <= known
    assert {option.about for option in OPTIONS} <= known
    assert {id_ for id_ in known if id_.startswith("button-")} == {f"button-{action}" for action in Action}
    named = {f"area-{name}" for name in AREAS if not name.isdecimal()} | {f"expand-{side}" for side in SIDES}
    assert {id_ for id_ in known if id_.startswith(CHOICES)} == named
    for family in ("embedded", "z-image-turbo"):
        model = load_capabilities(family)
        assert {id_ for id_ in known if re.match("size-", id_)} == {f"size-{name}" for name in model.sizes}
        assert {id_ for id_ in known if re.match("quality-", id_)} == {
            f"quality-{name}" for name in model.steps
        }


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


OWNERS = {"admin.ftl", "cost.ftl", "doctor.ftl", "init.ftl", "machine.ftl", "page.ftl", "upkeep.ftl"}
"""Files whose sentences only owners read."""
MACHINE = re.compile(
    r"bot\.toml|\.env\b|[A-Z]{4,}_[A-Z]+|\bGPUs?\b|\bdrivers?\b|\bfolders?\b|\bdatabase|\bdisk|\bworkers?\b"
    r"|\bCUDA|\beasel [a-z]+ ?[a-z]*`|\bwebhook|\bprocess\b|\bconfig|\bRAM\b"
    r"|显卡|显存|驱动|文件夹|数据库|磁盘|工作节点|日志|进程|配置文件"
)
"""What only an owner can do something about."""
CHOSEN = {"fact-gpu"}
"""Shown to members only where an owner says so (`show_cost`)."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_members_read_never_names_what_only_an_owner_can_act_on(language: str) -> None:
    assert set(FILES) >= OWNERS
    for name in sorted(set(FILES) - OWNERS):
        resource = FluentParser().parse((LOCALES / language / name).read_text("utf-8"))
        for entry in resource.body:
            if isinstance(entry, ast.Message) and entry.id.name not in CHOSEN:
                text = FluentSerializer().serialize_entry(entry).partition("=")[2]
                assert (found := MACHINE.search(text)) is None, f"{name}: {entry.id.name}: {found[0]}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_alert_says_what_happened_and_what_to_do(language: str) -> None:
    resource = FluentParser().parse((LOCALES / language / "machine.ftl").read_text("utf-8"))
    variants = [
        "".join(str(element.value) for element in variant.value.elements)
        for entry in resource.body
        if isinstance(entry, ast.Message) and entry.id.name.startswith("alert-")
        for element in entry.value.elements
        if isinstance(element, ast.Placeable) and isinstance(element.expression, ast.SelectExpression)
        for variant in element.expression.variants
    ]
    assert len(variants) > 15
    for text in variants:
        sentences = re.findall(r"[^.。]+[.。](?=\s|$|[^a-z])", text)
        assert len(sentences) >= 2, text
