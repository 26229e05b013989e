"""Jobs that wait while the device idles, since nothing of it fits: the owner hears the three numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.worker.watchdog import Cause

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.worker.accounting import Clock
    from engine.worker.scheduler import Scheduler
    from engine.worker.watchdog import Watchdog

STALLED_S = 30.0


class Stall:
    """`moved` is called whenever a call comes back, `look` between calls."""

    def __init__(
        self,
        scheduler: Scheduler,
        available_bytes: Callable[[], int | None],
        *,
        clock: Clock,
        watchdog: Watchdog,
    ) -> None:
        self._scheduler = scheduler
        self._available_bytes = available_bytes
        self._clock = clock
        self._watchdog = watchdog
        self._since = clock()

    def moved(self) -> None:
        self._since = self._clock()

    def look(self, *, in_flight: int) -> None:
        """`in_flight`: calls that run now."""
        if in_flight or not len(self._scheduler):
            self.moved()
        elif self._clock() - self._since >= STALLED_S:
            self._tell()

    def _tell(self) -> None:
        models = self._scheduler.models
        job = next(iter(self._scheduler.in_progress() or self._scheduler.jobs.values()))
        gate = models.of(job).gate
        needed = models.resident_bytes + gate.peak_bytes(job.need, job.plan.pictures)
        available_bytes = self._available_bytes()
        available = "unknown" if available_bytes is None else f"{available_bytes / 1e9:.1f} GB"
        budget = gate.budget_bytes
        self._watchdog.alert(
            Cause.STALLED,
            f"{len(self._scheduler)} jobs wait while the device idles: "
            f"{job.need} needs {needed / 1e9:.1f} GB, "
            f"the budget is {budget / 1e9:.1f} GB, available to us are {available}.",
            needed_bytes=needed,
            budget_bytes=budget,
            available_bytes=available_bytes,
        )
