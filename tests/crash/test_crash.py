"""A few kills with a fixed seed; `make crash` does 500, and 300 of a bot that sells through its adapters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]


@pytest.mark.crash
@pytest.mark.parametrize(
    "words", [("--kills", "15"), ("--kills", "5", "--shops")], ids=["drawing", "selling"]
)
def test_kills_lose_nothing_and_charge_nobody_twice(words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "tests.crash", *words, "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost, nobody overcharged" in done.stdout
