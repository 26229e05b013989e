"""One process serves a database at a time: a lock that the system lets go of with the process, however it
dies.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Self

from .errors import AlreadyServing
from .trouble import diagnose

if TYPE_CHECKING:
    from pathlib import Path


class Serving:
    """Held from construction until `release`. Raises AlreadyServing, StoreUnavailable."""

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise diagnose(error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise AlreadyServing(str(database)) from None

    def release(self) -> None:
        """Let another process serve."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
