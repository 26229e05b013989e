"""Calls that came back: what they mean for their jobs, and for the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.events import Action, Announcer, Phase, Worked
from engine.request import Cancelled, Declined, DrawFailed, OutOfMemory
from engine.worker.calls import Begun, Made
from engine.worker.protocol import WorkerLost
from engine.worker.remedies import Remedy
from engine.worker.watchdog import Cause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.worker.device import Device
    from engine.worker.executor import Result
    from engine.worker.job import Job
    from engine.worker.ladder import Ladder
    from engine.worker.orders import Orders
    from engine.worker.scheduler import Scheduler, Work
    from engine.worker.watchdog import Watchdog


class Results:
    """Ends jobs, each once, and this worker where its device is lost."""

    def __init__(
        self,
        scheduler: Scheduler,
        orders: Orders,
        device: Device,
        ladder: Ladder,
        watchdog: Watchdog,
        says: Announcer,
    ) -> None:
        self.lost: WorkerLost | None = None
        """Why nothing can be drawn in this process any more."""
        self._scheduler = scheduler
        self._orders = orders
        self._device = device
        self._ladder = ladder
        self._watchdog = watchdog
        self._says = says

    def take_back(self, result: Result) -> None:
        """A call is over, or was given up."""
        work, outcome = result.work, result.outcome
        made = outcome.value if isinstance(outcome.value, Made) else None
        self._device.worked(made.measurement if made is not None else None)
        for job in work.jobs:
            job.in_flight = False
            self._scheduler.served(job, result.billed.get(job.job_id, 0.0))
        if self.lost is not None:
            return
        if result.hung:
            phase = work.phase.value
            self._says.tell(Action.STEP_TIMEOUT, phase=phase, jobs=len(work.jobs))
            self.lose(f"no answer in {phase} for {result.wall_s:.0f} s", Cause.HUNG_STEP)
        elif outcome.out_of_memory:
            self._ran_out(work, outcome.error or "")
        elif outcome.device_lost:
            self.lose(outcome.error or "", Cause.GPU_LOST)
        elif made is None and len(work.jobs) > 1:  # one of them may be the cause: each is tried by itself
            for job in work.jobs:
                job.max_group = 1
        elif made is None:
            (job,) = work.jobs
            self._watchdog.failed(outcome.error or "")
            self.end(job, DrawFailed(outcome.error or "", self._orders.usage(job)), trace=outcome.trace)
        else:
            request = work.jobs[0].request
            self._says.work(Worked(work.phase, result.wall_s, len(work.jobs), request.width, request.height))
            self._learn(result, made)
            self._take_up(work, made.value)
        for job in work.jobs:
            if job.cancelling and job in self._orders:
                self.end(job, Cancelled("cancelled", self._orders.usage(job)))

    def end(self, job: Job, error: Exception, *, trace: str = "") -> None:
        """The job ends without a picture."""
        self._scheduler.drop(job)
        self._orders.end(job, error, trace=trace)

    def cancel(self, job: Job) -> None:
        """Nobody wants the job any more: it ends at its next step boundary."""
        job.cancelling = True
        if not job.in_flight and job in self._orders:
            self.end(job, Cancelled("cancelled", self._orders.usage(job)))
            self._device.wake()

    def decline(self, jobs: Iterable[Job], reason: str) -> None:
        """Their model cannot be had here, which the others do not suffer for."""
        self._watchdog.alert(Cause.UNLOADABLE, f"{reason}. Its jobs are refused; the other models draw on.")
        for job in jobs:
            self.end(job, Declined(reason, self._orders.usage(job)))

    def lose(self, reason: str, cause: Cause) -> None:
        """Nothing can be drawn in this process any more: every job is handed back."""
        self.lost = WorkerLost(reason, cause)
        for job in self._orders:
            self.end(job, WorkerLost(reason, cause))

    def _learn(self, result: Result, made: Made) -> None:
        experience = self._device.of(result.work.jobs[0]).experience
        if result.work.phase is Phase.DENOISE:
            expected_s = experience.expected_s(result.work)
            self._watchdog.stepped(result.work.jobs[0].key, expected_s, result.wall_s, self._device.sample)
        experience.learn(result, made.measurement)

    def _take_up(self, work: Work, value: object) -> None:
        """Give the jobs what was made for them."""
        if isinstance(value, Begun):
            self._device.of(work.jobs[0]).calls.remember(value.captions)
            for job in work.jobs:
                job.canvas = value.canvases.get(job.job_id)
                if work.phase is Phase.ENCODE:
                    job.captions = tuple(value.captions[text] for text in job.plan.texts)
                    job.truncated = any(caption.truncated for caption in job.captions)
                self._scheduler.done(work.phase, job)
        elif isinstance(value, dict):
            for job in work.jobs:
                job.preview = value.get(job.job_id, job.preview)
                self._scheduler.done(work.phase, job)
        elif not work.jobs[0].cancelling:
            self._scheduler.done(work.phase, work.jobs[0])
            self._orders.finish(work.jobs[0], value)  # type: ignore[arg-type]

    def _ran_out(self, work: Work, reason: str) -> None:
        """One rung down the ladder; the thread has left its `except` block long ago."""
        remedy = self._ladder.ran_out(work, reason)
        if remedy is Remedy.FAIL:
            for job in work.jobs:
                self.end(job, OutOfMemory(reason, self._orders.usage(job)))
