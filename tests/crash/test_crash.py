"""30 kills with a fixed seed; `make crash` does 500."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.crash
def test_30_kills_lose_nothing_and_charge_nobody_twice() -> None:
    command = [sys.executable, "-m", "tests.crash", "--kills", "30", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost, nobody overcharged" in done.stdout
