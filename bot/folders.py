"""The data folder: creates it, or tells whether it could be created."""

from __future__ import annotations

import errno
import os
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bot.messages import UserError, say

if TYPE_CHECKING:
    from pathlib import Path

OWNER_ONLY = 0o700
"""The mode of a new data folder: what people asked for is private."""


def make_folder(folder: Path) -> None:
    """Create it if it is missing. Raises `UserError` if it cannot be created or written."""
    try:
        folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(folder, error.strerror or str(error)) from error
    if not writable(folder):
        raise _refusal(folder, os.strerror(errno.EACCES))


def writable(folder: Path) -> bool:
    """Whether it can be written, or made where there is none; looking leaves nothing behind."""
    if os.path.isdir(folder):
        return os.access(folder, os.W_OK | os.X_OK)
    try:
        with TemporaryDirectory(dir=nearest(folder)):
            return True
    except OSError:
        return False


def nearest(path: Path) -> Path:
    """The path itself, or its nearest parent that exists."""
    return next(part for part in (path, *path.parents) if os.path.exists(part))


def _refusal(folder: Path, reason: str) -> UserError:
    return UserError(say("error-folder", folder=str(folder), reason=reason))
