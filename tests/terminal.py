"""A person at a terminal, for tests: a real pseudo-terminal, keys, and what the screen has shown."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pexpect

from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[1]
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ENTER, CTRL_C, CLEAR_LINE = "\r", "\x03", "\x15"


class Person:
    """Runs `easel WORDS` in `folder` and answers it."""

    def __init__(self, folder: Path, *words: str, language: str = "en_US.UTF-8", **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_TOKEN")}
        kept |= {"PYTHONPATH": str(ROOT), "LC_ALL": language, "TERM": "xterm", **environment}
        kept["PROMPT_TOOLKIT_NO_CPR"] = "1"  # nobody here answers where the cursor is
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "bot", *words],
            cwd=str(folder),
            env=kept,  # type: ignore[arg-type]
            encoding="utf-8",
            timeout=PATIENCE_S,
            dimensions=(50, 200),
        )
        self._shown: list[str] = []

    @property
    def shown(self) -> str:
        """Everything that has been on the screen."""
        return _CONTROL.sub("", "".join(self._shown))

    def sees(self, text: str) -> None:
        """Wait until `text` comes up."""
        self._child.expect_exact(text)
        self._remember()

    def answers(self, question: str, typed: str = "") -> None:
        """Wait for a question, type, press Enter."""
        self.sees(question)
        self._child.send(typed + ENTER)

    def presses(self, key: str) -> None:
        self._child.send(key)

    def leaves(self) -> int:
        """Wait for the end of the program; its exit status."""
        self._child.expect(pexpect.EOF)
        self._remember()
        self._child.close()
        assert self._child.exitstatus is not None, f"killed by signal {self._child.signalstatus}"
        return int(self._child.exitstatus)

    def _remember(self) -> None:
        after = self._child.after
        self._shown += [str(self._child.before), after if isinstance(after, str) else ""]
