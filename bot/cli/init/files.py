"""Writes several files at once: first under temporary names, then renamed, so none is ever half-written."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

OWNER_ONLY, READABLE = 0o600, 0o644


class Draft(NamedTuple):
    """A file's content and mode."""

    path: Path
    text: str
    mode: int = READABLE


def write_all(drafts: Sequence[Draft]) -> None:
    """Put every draft in its place, or none of them. Raises OSError."""
    with contextlib.ExitStack() as stack:
        ready = []
        for draft in drafts:
            temporary = draft.path.with_name(f".{draft.path.name}.{secrets.token_hex(4)}.tmp")
            stack.callback(temporary.unlink, missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, draft.mode)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(draft.text)
                file.flush()
                os.fsync(file.fileno())
            ready.append((temporary, draft.path))
        for temporary, path in ready:
            temporary.replace(path)


def spare_name(path: Path) -> Path:
    """The first of bot.toml.1, bot.toml.2, ... that is free."""
    names = (path.with_name(f"{path.name}.{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def keep_old(path: Path) -> Path | None:
    """Copy a file that is about to be replaced; its copy, or None where there was none."""
    if not path.exists():
        return None
    spare = spare_name(path)
    shutil.copy2(path, spare)
    return spare
