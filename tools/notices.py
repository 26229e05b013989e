"""THIRD_PARTY_NOTICES.md: what Easel stands on, by whom and under which licence.

    python tools/notices.py           write it
    python tools/notices.py --check   fail where it is not current

Everything that Easel with the extras below brings, read from the metadata of what is installed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[1]
NOTICES = ROOT / "THIRD_PARTY_NOTICES.md"
EXTRAS = ("discord", "telegram", "api", "cluster", "openai", "lora", "fonts")
HEAD = """\
# Third-party notices

Easel itself is under the Apache License 2.0 ([LICENSE](LICENSE)), the embedded model's weights too. It copies
no code from others. These are the packages that it is installed with, each under its own licence, whose text
comes with the package. Written by `make notices`.

Builds of torch for NVIDIA cards bring NVIDIA's CUDA libraries, under NVIDIA's own terms; the extra `gpu` adds
torchao (BSD-3-Clause). Z-Image-Turbo, where it is chosen, is downloaded from its authors (Apache-2.0).

The embedded model has learned from scenes drawn with Fluent Emoji (https://github.com/microsoft/fluentui-emoji,
Copyright (c) Microsoft Corporation, MIT licence). None of them come with Easel: the training (`training/`, no
part of the package) fetches them from npm, in the sets @iconify-json/fluent-emoji and
@iconify-json/fluent-emoji-flat.

| package | version | licence | home |
|---|---|---|---|
"""
LONG = 60
FOR_CUDA = re.compile(r"(nvidia|cuda)-|triton$")
"""What torch's builds for NVIDIA cards need and its build for the CPU does not: told of above."""


def requirements() -> Iterator[Requirement]:
    """What pyproject.toml asks for, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    yield from map(Requirement, project["dependencies"])
    for extra in EXTRAS:
        yield from map(Requirement, project["optional-dependencies"][extra])


def closure(wanted: Iterable[Requirement]) -> dict[str, metadata.Distribution]:
    """These distributions and all that they need here, by canonical name."""
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    open_ = list(wanted)
    while open_:
        requirement = open_.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = distribution = metadata.distribution(name)
        for line in distribution.requires or []:
            needed = Requirement(line)
            if FOR_CUDA.match(canonicalize_name(needed.name)):
                continue
            contexts = [{"extra": extra} for extra in (*extras, "")]
            if needed.marker is None or any(needed.marker.evaluate(context) for context in contexts):
                open_.append(needed)
    return found


def said(distribution: metadata.Distribution, field: str) -> str:
    """What its metadata say in a field, nothing where they lack it."""
    return (distribution.metadata[field] or "").strip() if field in distribution.metadata else ""


def licence(distribution: metadata.Distribution) -> str:
    """An SPDX expression where there is one, else what the classifiers or the free field say."""
    if expression := said(distribution, "License-Expression"):
        return expression
    told = distribution.metadata.get_all("Classifier") or []
    classified = [line.rsplit(" :: ", 1)[-1] for line in told if line.startswith("License ::")]
    classified = [name for name in classified if name != "OSI Approved"]
    free = said(distribution, "License")
    if free and len(free) <= LONG and "\n" not in free:
        return free
    return ", ".join(classified) or "see the package"


def home(distribution: metadata.Distribution) -> str:
    """Where its sources are, as far as it tells."""
    urls: dict[str, str] = {}
    for line in distribution.metadata.get_all("Project-URL") or []:
        label, _, url = line.partition(",")
        urls[re.sub(r"[^a-z]", "", label.lower())] = url.strip()
    for label in ("source", "sourcecode", "repository", "github", "code", "homepage"):
        if label in urls:
            return urls[label]
    return said(distribution, "Home-page") or next(iter(urls.values()), "")


def pins() -> dict[str, str]:
    """Versions by canonical name, from constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = (line.partition("==") for line in lines if "==" in line)
    return {canonicalize_name(name): version for name, _, version in pinned}


def notices() -> str:
    found, pinned = closure(requirements()), pins()
    return HEAD + "".join(
        f"| {d.metadata['Name']} | {pinned.get(name, 'any')} | {licence(d)} | {home(d)} |\n"
        for name, d in sorted(found.items())
    )


def main() -> int:
    text = notices()
    if "--check" not in sys.argv[1:]:
        NOTICES.write_text(text, "utf-8")
        return 0
    if NOTICES.read_text("utf-8") == text:
        return 0
    print("THIRD_PARTY_NOTICES.md is not current: make notices", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
