"""Find circles of imports between modules, including imports for types only: `python -m tools.circles`.

import-linter keeps the packages apart, and this keeps modules apart: two that need each other cannot be read,
tested or moved alone. The exit status is 1 if there is a circle.
"""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "engine", "storage")


def modules(root: Path = ROOT, packages: tuple[str, ...] = PACKAGES) -> dict[str, Path]:
    """Return every module of `packages` below `root`, by its dotted name."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """Return those of `known` that the file imports anywhere. Imports are absolute in this repository."""
    wanted: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            wanted.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & known.keys()
            names_a_definition = len(inner) < len(node.names)
            wanted |= inner | ({node.module} if names_a_definition else set())
    return (wanted & known.keys()) - {name}


def graph(known: dict[str, Path]) -> dict[str, set[str]]:
    """Return what each module imports."""
    return {name: imports(name, path, known) for name, path in known.items()}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Return one circle as a list that begins and ends with the same module; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def main() -> int:
    """Print a circle, or how many arrows there are."""
    arrows = graph(modules())
    if found := circle(arrows):
        print("modules import each other: " + " -> ".join(found))
        return 1
    print(f"no circle among {len(arrows)} modules and {sum(map(len, arrows.values()))} imports")
    return 0


if __name__ == "__main__":
    sys.exit(main())
