"""Errors of the device: how they are recognised, what is tried next when memory runs out, and how many jobs
may be in progress meanwhile. Pure.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from engine.events import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.worker.job import Job
    from engine.worker.scheduler import Scheduler, Work

_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_NOT_INITIALIZED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_NOT_INITIALIZED",
    "unable to find an engine",
)
"""cuBLAS and cuDNN do not always call it so."""
_DEVICE_LOST = (
    "CUDA error",
    "device-side assert",
    "CUBLAS_STATUS_EXECUTION_FAILED",
    "CUBLAS_STATUS_INTERNAL_ERROR",
    "CUDNN_STATUS_EXECUTION_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR",
    "GPU is lost",
    "uncorrectable ECC",
)


def is_out_of_memory(error: BaseException) -> bool:
    """True for the ways torch, CUDA and Python say it, without importing torch."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY)


def is_device_lost(error: BaseException) -> bool:
    """True where the CUDA context is broken: every later call of this process would fail, too."""
    if not isinstance(error, RuntimeError) or is_out_of_memory(error):
        return False
    return type(error).__name__ == "AcceleratorError" or any(sign in str(error) for sign in _DEVICE_LOST)


class Remedy(enum.Enum):
    """The rungs of the ladder."""

    HALVE = "halve the group"
    TILE = "tile the decoder"
    ALONE = "run it alone"
    FAIL = "fail the job"


def step_down(phase: Phase, jobs: Sequence[Job]) -> Remedy:
    """Put the jobs whose call ran out of memory one rung lower; on FAIL they are lost."""
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


class Ladder:
    """Takes places away when memory runs out, and gives them back one by one when it lasts."""

    def __init__(self, scheduler: Scheduler, *, recover_after_s: float) -> None:
        self._scheduler = scheduler
        self._full = scheduler.max_active
        self._recover_after_s = recover_after_s
        self.rises_at: float | None = None
        """When one more place is tried."""

    def ran_out(self, work: Work, now: float) -> Remedy:
        scheduler = self._scheduler
        scheduler.cap = max(1, min(scheduler.cap, len(scheduler) - 1))
        self.rises_at = now + self._recover_after_s
        return step_down(work.phase, work.jobs)

    def recover(self, now: float) -> bool:
        """True where a place was given back."""
        if self.rises_at is None or now < self.rises_at:
            return False
        self._scheduler.cap = min(self._full, self._scheduler.cap + 1)
        self.rises_at = None if self._scheduler.cap == self._full else now + self._recover_after_s
        return True
