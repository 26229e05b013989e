"""What is tried next when memory runs out, and how many jobs may be in progress meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.events import Action, Phase
from engine.worker.memory import Mode
from engine.worker.remedies import FOR_ONE, Remedy
from engine.worker.watchdog import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.events import Announcer
    from engine.worker.accounting import Clock
    from engine.worker.device import Device
    from engine.worker.job import Job
    from engine.worker.scheduler import Scheduler, Work
    from engine.worker.watchdog import Watchdog


class Ladder:
    """Takes places away when memory runs out, and gives them back one by one when it lasts."""

    def __init__(
        self,
        scheduler: Scheduler,
        device: Device,
        recover_after_s: float,
        clock: Clock,
        says: Announcer,
        watchdog: Watchdog,
    ) -> None:
        self._scheduler = scheduler
        self._device = device
        self._full = scheduler.max_active
        self._recover_after_s = recover_after_s
        self._clock = clock
        self._says = says
        self._watchdog = watchdog
        self.rises_at: float | None = None
        """When one more place is tried."""

    def ran_out(self, work: Work, reason: str) -> Remedy:
        """One rung down, and the owner hears of it."""
        scheduler, request = self._scheduler, work.jobs[0].request
        scheduler.cap = max(1, min(scheduler.cap, len(scheduler) - 1))
        self.rises_at = self._clock() + self._recover_after_s
        remedy = self._step_down(work.phase, work.jobs)
        self._device.of(work.jobs[0]).calls.make_room(lighten=remedy is Remedy.ENCODER_OUT)
        fields: dict[str, object] = {
            "phase": work.phase.value,
            "jobs": len(work.jobs),
            "size": f"{request.width}x{request.height}",
            "remedy": remedy.value,
            "cap": scheduler.cap,
        }
        self._says.tell(Action.OUT_OF_MEMORY, request.job_id, **fields, reason=reason)
        self._watchdog.alert(
            Cause.OUT_OF_MEMORY,
            f"Out of memory in {fields['phase']} at {fields['size']}; next: {remedy.value}.",
            **fields,
        )
        return remedy

    def recover(self) -> None:
        """Give a place back where it is time."""
        now = self._clock()
        if self.rises_at is None or now < self.rises_at:
            return
        self._scheduler.cap = min(self._full, self._scheduler.cap + 1)
        self.rises_at = None if self._scheduler.cap == self._full else now + self._recover_after_s
        self._says.tell(Action.CAP_RAISED, cap=self._scheduler.cap)

    def _step_down(self, phase: Phase, jobs: Sequence[Job]) -> Remedy:
        """Put the jobs whose call ran out of memory one rung lower; on FAIL they are lost."""
        if len(jobs) > 1:
            for job in jobs:
                job.max_group = len(jobs) // 2
            return Remedy.HALVE
        (job,) = jobs
        remedy = next((rung for rung in FOR_ONE[phase] if self._helps(rung, job)), Remedy.FAIL)
        job.tried.add(remedy)
        if remedy in (Remedy.TILE, Remedy.TILE_AGAIN):
            profile = self._device.of(job).model.profile
            longest_px = max(job.need.width, job.need.height)
            job.tile_px = min(job.tile_px or profile.tile_for(job.pixels) or longest_px, longest_px) // 2
        elif remedy is Remedy.CACHES:
            self._device.clear_caches()
        elif remedy is Remedy.ENCODER_OUT:
            self._device.of(job).gate.mode = Mode.MEDIUM
            self._watchdog.offloading = True
        elif remedy is Remedy.ALONE:
            job.alone = True
        return remedy

    def _helps(self, rung: Remedy, job: Job) -> bool:
        if rung is Remedy.ENCODER_OUT:
            return self._device.of(job).gate.mode is Mode.HIGH and self._device.has_own_memory
        if rung is Remedy.ALONE and not self._device.works_side_by_side:
            return False
        return rung not in job.tried
