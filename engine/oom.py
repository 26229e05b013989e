"""Out of memory: how it is recognised, and what is tried next. Pure."""

from __future__ import annotations

import enum

from engine.events import Phase

_SIGNS = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """True for the ways torch, CUDA and Python say it, without importing torch."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


class Remedy(enum.Enum):
    """The rungs of the ladder."""

    HALVE = "halve the group"
    TILE = "tile the decoder"
    ALONE = "run it alone"
    FAIL = "fail the job"


def next_remedy(phase: Phase, *, group: int, tiled: bool, alone: bool) -> Remedy:
    """What to try after this call ran out of memory."""
    if group > 1:
        return Remedy.HALVE
    if phase is Phase.DECODE and not tiled:
        return Remedy.TILE
    return Remedy.FAIL if alone else Remedy.ALONE
