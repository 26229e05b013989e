"""`easel selftest` on the embedded model: every check holds here, and a fault is found and told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bot.cli.selftest import run_selftest
from bot.messages import LANGUAGES, translator
from engine.selftest import Kind, Todo
from engine.settings import EMBEDDED
from tests.easel import config_in

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.model


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_check_and_what_follows_from_it_has_words(language: str) -> None:
    t = translator(language)
    for name in (*(kind.name for kind in Kind), *(f"do-{todo.name}" for todo in Todo)):
        assert t(f"selftest-{name.lower()}", about="512x512")


async def test_all_is_well_with_the_embedded_model_which_is_chosen_by_its_name(tmp_path: Path) -> None:
    models = {"gone": {"path": str(tmp_path / "gone"), "default": True}, "small": {"path": EMBEDDED}}
    config, console = config_in(tmp_path, models=models), Console(record=True, width=200)
    out = tmp_path / "report" / "selftest"
    assert await run_selftest(console, config, quick=True, out=out, model="small")
    report = json.loads((tmp_path / "report" / "selftest.json").read_text("utf-8"))
    passed = {check["name"]: check["passed"] for check in report["checks"]}
    assert {name for name, outcome in passed.items() if outcome is None} == {
        "text encoder in and out",
        "telemetry and allocator",
    }, "what there is to see on a GPU alone"
    assert all(outcome is not False for outcome in passed.values())
    assert report["machine"]["torch"]
    assert report["machine"]["model"]["path"] == EMBEDDED
    assert {"lost worker", "stopped worker"} <= set(passed)
    assert all(check["todo"] for check in report["checks"])
    picture = next(check for check in report["checks"] if check["name"] == "picture 128x128x1")
    assert set(picture["figures"]) == {"encode", "begin", "denoise", "decode"}
    assert "| ok | out of memory |" in (tmp_path / "report" / "selftest.md").read_text("utf-8")
    shown = console.export_text()
    assert "selftest.json" in shown
    for kind in Kind:
        assert translator("en")(f"selftest-{kind.name.lower()}", about="").strip() in shown
