"""The notes of a release: `python tools/release.py v0.2.0` prints its part of CHANGELOG.md.

Fails where the tag is not the version in pyproject.toml, the only place where it stands, or where
CHANGELOG.md says nothing of it.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    try:
        print(notes(sys.argv[1], project_version(), (ROOT / "CHANGELOG.md").read_text("utf-8")))
    except ValueError as wrong:
        sys.exit(str(wrong))


def project_version() -> str:
    """The version, from the only place where it stands."""
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    return version


def notes(tag: str, version: str, changelog: str) -> str:
    """What the changelog says of `version`. Raises ValueError where it is silent, or the tag is another."""
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, but pyproject.toml says {version}")
    section = rf"^## {re.escape(version)}(?:,[^\n]*)?\n(.*?)(?=^## |\Z)"
    found = re.search(section, changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise ValueError(f"CHANGELOG.md has no notes under '## {version}'")
    return found[1].strip()


if __name__ == "__main__":
    main()
