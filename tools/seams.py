"""Find tests that replace our own names or use private ones: `python -m tools.seams`.

A test that patches our code, or reaches into it, breaks when something is renamed and stays green when
that is broken. What a test decides (a clock, a pause, a limit, what a part is) is an argument instead.
Names of Python and of other libraries may be replaced: they are the outermost edge. The exit status is 1 if
there is a finding.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
OURS = ("bot", "engine", "storage", "tests")
REPLACES = {"setattr", "delattr", "setitem", "delitem", "object"}
"""Methods of pytest's `monkeypatch`, and `unittest.mock.patch.object`."""
LIBRARIES = {"_exit", "_all_hooks", "_attention_backend", "_cdata", "_log_destroy_pending", "_run"}
"""Private names of os, diffusers, torch and asyncio that have no public one in their place."""


def findings(text: str) -> Iterator[tuple[int, str]]:
    """Line and what is wrong with it, of one file of tests."""
    tree = ast.parse(text)
    edge = set(_imported_from_elsewhere(tree))
    functions = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            own = owner in {"self", "cls"} or ast.unparse(node.value) == "super()"
            if _private(node.attr) and not own and node.attr not in LIBRARIES:
                yield node.lineno, f"reaches for the private {node.attr}"
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Lambda):
            for target in node.targets:
                if (
                    isinstance(target, ast.Attribute)
                    and _root(target) not in {"self", *edge}
                    and _is_code(node.value, functions)
                ):
                    yield node.lineno, f"replaces {ast.unparse(target)}"
        elif isinstance(node, ast.Call) and _replaces(node.func) and node.args:
            target = node.args[0]
            if isinstance(target, ast.Constant) and isinstance(target.value, str):
                if target.value.split(".")[0] in OURS:
                    yield node.lineno, f"replaces {target.value}"
            elif _root(target) not in edge and not _is_environment(target):
                yield node.lineno, f"replaces something of {ast.unparse(target)}"


def _imported_from_elsewhere(tree: ast.Module) -> Iterator[str]:
    """The names a file has from Python and other libraries, and the arguments of their types."""
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] not in OURS:
                    modules.add(alias.asname or alias.name.split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] not in OURS:
            modules.update(alias.asname or alias.name for alias in node.names)
    yield from modules
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation and _root(node.annotation) in modules:
            yield node.arg


def _is_code(value: ast.expr, functions: set[str]) -> bool:
    return isinstance(value, ast.Lambda) or (isinstance(value, ast.Name) and value.id in functions)


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _replaces(function: ast.expr) -> bool:
    match function:
        case ast.Name(id="patch"):
            return True
        case ast.Attribute(value=ast.Name(id="mock"), attr="patch"):
            return True
        case ast.Attribute(attr=name):
            return name in REPLACES
    return False


def _root(target: ast.expr) -> str:
    while isinstance(target, ast.Attribute):
        target = target.value
    return target.id if isinstance(target, ast.Name) else ""


def _is_environment(target: ast.expr) -> bool:
    return ast.unparse(target) in {"os.environ", "sys.modules"}


def main() -> int:
    """Print every finding, or how many files there are."""
    files = sorted(TESTS.rglob("*.py"))
    wrong = 0
    for path in files:
        for line, what in findings(path.read_text("utf-8")):
            print(f"{path.relative_to(ROOT)}:{line}: {what}")
            wrong += 1
    if not wrong:
        print(f"no test in {len(files)} files patches our code or reaches into it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
