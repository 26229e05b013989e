"""A release says what changed, under the version that it has."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tools.release import notes, project_version

GITHUB = Path(__file__).parents[1] / ".github"
CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n- soon\n\n## 1.2.0, 2026-12-01\n\n- new\n- newer\n\n## 1.1.0\n\n- old\n"
)


def test_the_notes_are_the_section_of_the_version() -> None:
    assert notes("v1.2.0", "1.2.0", CHANGELOG) == "- new\n- newer"
    assert notes("v1.1.0", "1.1.0", CHANGELOG) == "- old"


@pytest.mark.parametrize(("tag", "version"), [("v1.2.1", "1.2.0"), ("v1.2", "1.2"), ("v1.0.0", "1.0.0")])
def test_a_tag_of_another_version_or_without_notes_makes_no_release(tag: str, version: str) -> None:
    with pytest.raises(ValueError, match=r"pyproject\.toml says|no notes"):
        notes(tag, version, CHANGELOG)


def test_the_version_of_this_tree_has_notes_or_is_still_to_come() -> None:
    changelog = (GITHUB.parent / "CHANGELOG.md").read_text("utf-8")
    assert notes(f"v{project_version()}", project_version(), changelog)


def test_a_bug_report_asks_for_the_report_of_selftest() -> None:
    form = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / "bug.yml").read_text("utf-8"))
    asked = {field["id"]: field for field in form["body"]}
    assert "easel selftest" in asked["report"]["attributes"]["description"]
    assert asked["report"]["validations"]["required"]
