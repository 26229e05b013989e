"""The check for circles of imports sees what it is there to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.circles import circle, graph, modules

if TYPE_CHECKING:
    from pathlib import Path


def arrows(tmp_path: Path, **files: str) -> dict[str, set[str]]:
    (tmp_path / "bot").mkdir()
    for name, text in files.items():
        (tmp_path / "bot" / f"{name}.py").write_text(text)
    return graph(modules(tmp_path, ("bot",)))


def test_a_circle_of_two_modules_is_found(tmp_path: Path) -> None:
    found = arrows(tmp_path, __init__="", left="from bot.right import x", right="from bot import left")
    assert set(circle(found)) == {"bot.left", "bot.right"}


def test_a_circle_that_only_type_checkers_follow_is_one(tmp_path: Path) -> None:
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bot.left import y\n"
    assert circle(arrows(tmp_path, left="import bot.right", right=typed))


def test_imports_one_way_are_no_circle(tmp_path: Path) -> None:
    found = arrows(tmp_path, __init__="", a="from bot import b, c", b="from bot.c import d", c="")
    assert circle(found) == []
    assert found["bot.a"] == {"bot.b", "bot.c"}
