"""Out of memory: how it is recognised, and what is tried next. Pure."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from engine.events import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.job import Job

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


def step_down(phase: Phase, jobs: Sequence[Job]) -> Remedy:
    """Put the jobs whose call ran out of memory one rung lower. Returns the rung; on FAIL they are lost."""
    if len(jobs) > 1:
        for job in jobs:
            job.max_group = len(jobs) // 2
        return Remedy.HALVE
    (job,) = jobs
    if phase is Phase.DECODE and not job.tiled:
        job.tiled = True
        return Remedy.TILE
    if not job.alone:
        job.alone = True
        return Remedy.ALONE
    return Remedy.FAIL
