"""The key of the hashes of forgotten members: in a file beside the database, so that a stolen backup has it
not.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from .images import fsync_folder

if TYPE_CHECKING:
    from pathlib import Path

_LENGTH = 32


def load_or_create(database: Path) -> bytes:
    """Read the key file, or make it (readable by its owner alone). Raises OSError."""
    path = database.with_name(database.name + ".key")
    if path.exists():
        return path.read_bytes()
    fresh = secrets.token_bytes(_LENGTH)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(fresh)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    fsync_folder(path.parent)
    return fresh
