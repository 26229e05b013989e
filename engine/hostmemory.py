"""How much memory a call takes at its peak on a CPU, by the kernel's own high-water mark."""

from __future__ import annotations

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


def peak_of(call: Callable[[], object]) -> int | None:
    """Bytes above what was resident before. None where the kernel does not tell (or is not Linux).

    The mark is the whole process's: nothing else large may go on meanwhile.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)  # what the allocator kept would be used without showing
        CLEAR_REFS.write_text(RESET_PEAK)
        before = _bytes("VmRSS")
        call()
        return max(0, _bytes("VmHWM") - before)
    except (OSError, AttributeError, LookupError):
        return None


def _bytes(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(field)
    return int(found[1]) * 1024
