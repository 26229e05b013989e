"""How much memory a call takes at its peak on a CPU, by the kernel's own high-water mark."""

from __future__ import annotations

import contextlib
import ctypes
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"
"""See proc(5): sets VmHWM to what is resident now."""


class HighWater:
    """How far the process's resident memory rises from now on. Nothing else large may go on meanwhile."""

    def __init__(self) -> None:
        self._before: int | None = None
        # Without a kernel that tells (or Linux) it stays unknown.
        with contextlib.suppress(OSError, AttributeError, LookupError):
            ctypes.CDLL(None).malloc_trim(0)  # what the allocator kept would be used without showing
            CLEAR_REFS.write_text(RESET_PEAK)
            self._before = _bytes("VmRSS")

    def risen(self) -> int | None:
        """Bytes; None where the kernel does not tell."""
        return None if self._before is None else max(0, _bytes("VmHWM") - self._before)


def peak_of(call: Callable[[], object]) -> int | None:
    """Bytes above what was resident before the call; None where the kernel does not tell."""
    mark = HighWater()
    call()
    return mark.risen()


def _bytes(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(field)
    return int(found[1]) * 1024
