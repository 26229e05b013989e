"""What the wheel holds: the packages of this repository as parts of one, `easel_bot`.

Here they are called bot, engine and storage, and are imported as such. On somebody's machine those names may
be taken, so the build moves them below one name of our own and their imports with them:
`from engine.queue import Queue` becomes `from easel_bot.engine.queue import Queue`. An editable install has
the sources as they are. Hatchling runs this: [tool.hatch.build.targets.wheel.hooks.custom] in pyproject.toml.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = ("bot", "engine", "storage")
WHOLE = "easel_bot"
COMMAND = "easel"
ANY = "|".join(PACKAGES)
IMPORT = re.compile(rf"^(\s*)(from|import) ({ANY})\b(.*)$", re.MULTILINE)


class WheelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Writes the moved sources into build/ and hands them to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        moved = Path(self.root) / "build" / WHOLE
        shutil.rmtree(moved, ignore_errors=True)
        move(Path(self.root), moved)
        build_data["force_include"][str(moved)] = WHOLE
        scripts = self.metadata.core.scripts
        scripts[COMMAND] = f"{WHOLE}.{scripts[COMMAND]}"


def move(root: Path, into: Path) -> None:
    """Copy the packages below `root` into the package at `into`, with their imports rewritten."""
    for package in PACKAGES:
        shutil.copytree(root / package, into / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in into.rglob("*.py"):
        file.write_text(rewritten(file.read_text("utf-8")), "utf-8")
    (into / "__init__.py").write_text('"""Easel, a self-hosted image bot."""\n')
    (into / "py.typed").touch()


def rewritten(source: str) -> str:
    """A module's text with its imports as they are inside the whole.

    Raises ValueError for `import engine.queue` without `as`, which would bind another name than before.
    """
    return IMPORT.sub(_import, source)


def _import(found: re.Match[str]) -> str:
    indent, verb, package, rest = found.groups()
    if verb == "from":
        return f"{indent}from {WHOLE}.{package}{rest}"
    if not rest.startswith("."):
        return f"{indent}from {WHOLE} import {package}{rest}"
    if " as " in rest:
        return f"{indent}import {WHOLE}.{package}{rest}"
    raise ValueError(f"write it as an import from: {found.group().strip()}")
