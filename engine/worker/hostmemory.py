"""Main memory by the kernel's word: what is free, and how much a call takes at its peak on a CPU."""

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
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
"""Of the container this runs in, by version 2; outside of one it names no limit."""
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


def free_bytes() -> int | None:
    """What may still be taken: of the machine, and of this container's limit; None where neither tells."""
    told = []
    for ask in (_left_on_machine, _left_in_container):
        with contextlib.suppress(OSError, LookupError, ValueError):
            told.append(ask())
    return min(told, default=None)


def _left_on_machine() -> int:
    return _bytes("MemAvailable", MEMINFO)


def _left_in_container() -> int:
    """Of its limit; what the kernel keeps of files counts as free. Raises ValueError where it has none."""
    limit, used = (int((CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
    kept = re.search(r"^inactive_file (\d+)$", (CGROUP / "memory.stat").read_text(), re.MULTILINE)
    return max(0, limit - used + (int(kept[1]) if kept else 0))


def _bytes(field: str, file: Path = STATUS) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB$", file.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(field)
    return int(found[1]) * 1024
