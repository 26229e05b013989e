"""Terminals that know fewer characters than UTF-8 has."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.database import lay_out
from tests.terminal import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("ascii", 'There is no valid key "none"'),
        ("gbk", "没有有效的密钥“none”"),
        ("utf-8", "没有有效的密钥“none”"),
    ],
)
def test_a_sentence_is_written_as_the_terminal_can_show_it(tmp_path: Path, encoding: str, told: str) -> None:
    lay_out(tmp_path / "data" / "easel.db")
    known = {"PYTHONIOENCODING": encoding, "LC_ALL": "zh_CN.UTF-8", "PYTHONPATH": str(ROOT)}
    said = subprocess.run(
        [sys.executable, "-m", "bot", "key", "revoke", "none"],
        env=os.environ | known,
        cwd=tmp_path,
        capture_output=True,
    )
    assert (said.returncode, told in (said.stdout + said.stderr).decode(encoding)) == (1, True)
