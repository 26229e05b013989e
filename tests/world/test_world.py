"""300 worlds; `make world` lives through 20,000."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def play(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.world", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.world
def test_300_worlds_end_as_they_must() -> None:
    done = play("0:300")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "300 worlds" in done.stdout


@pytest.mark.world
def test_a_seed_replays_exactly() -> None:
    first, second = play("3", "--trace"), play("3", "--trace")
    assert "digest" in first.stdout
    assert first.stdout.splitlines()[:-1] == second.stdout.splitlines()[:-1]
