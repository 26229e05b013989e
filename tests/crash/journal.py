"""What the platform saw, outside the bot: it outlives every kill and is compared with the ledger."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Journal:
    """Lines appended with one write each: a SIGKILL leaves whole lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, what: str, **facts: Any) -> None:
        os.write(self._descriptor, (json.dumps({"what": what, **facts}) + "\n").encode())

    def lines(self, *whats: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._path.read_text().splitlines()]
        return [line for line in lines if line["what"] in whats]

    def jobs(self, *whats: str) -> set[str]:
        return {job for line in self.lines(*whats) for job in line["jobs"]}
