"""The worker's jobs and who waits for them: what they are told on the way, and how each ends, once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.request import Drawing, JobState, Usage
from engine.worker.protocol import Moved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image

    from engine.worker.accounting import Clock, Meter
    from engine.worker.job import Job

WAITING = (JobState.QUEUED, JobState.PAUSED)


@dataclass(slots=True, eq=False)
class Order:
    """A job, and who waits for it."""

    job: Job
    drawing: asyncio.Future[Drawing]
    hear: Callable[[Moved], None]
    waits_since: float | None
    """None while it is worked on."""
    waited_s: float = 0.0
    told: tuple[JobState, int] = (JobState.QUEUED, 0)
    shown: Image | None = None


class Orders:
    """All that are open."""

    def __init__(self, meter: Meter, clock: Clock) -> None:
        self._meter = meter
        self._clock = clock
        self._open: dict[str, Order] = {}

    def __contains__(self, job: Job) -> bool:
        return job.job_id in self._open

    def __iter__(self) -> Iterator[Job]:
        return iter([order.job for order in self._open.values()])

    def open(self, job: Job, hear: Callable[[Moved], None]) -> asyncio.Future[Drawing]:
        """What comes of the job is the future's result, or its exception."""
        future: asyncio.Future[Drawing] = asyncio.get_running_loop().create_future()
        self._open[job.job_id] = Order(job, future, hear, job.arrived_at)
        return future

    def job(self, job_id: str) -> Job | None:
        order = self._open.get(job_id)
        return order.job if order is not None else None

    def tell(self) -> None:
        """Whoever waits for a job that moved hears of it."""
        for order in self._open.values():
            job = order.job
            if (job.state, job.step) != order.told or job.preview is not order.shown:
                self._count_wait(order)
                preview = job.preview if job.preview is not order.shown else None
                order.told, order.shown = (job.state, job.step), job.preview
                order.hear(Moved(job.state, job.step, preview))

    def finish(self, job: Job, image: Image) -> None:
        """Here is its picture."""
        drawing = Drawing(job.request, image, self.usage(job, billable=True), job.truncated)
        self._close(job, lambda future: future.set_result(drawing))

    def end(self, job: Job, error: Exception, *, trace: str = "") -> None:
        """The job ends without a picture."""
        if trace:
            error.add_note(trace)
        self._close(job, lambda future: future.set_exception(error))

    def usage(self, job: Job, *, billable: bool = False) -> Usage:
        """What the job took so far. Only a picture that is handed out is billable."""
        spent, order = self._meter.spent(job.job_id), self._open[job.job_id]
        since = order.waits_since
        waited_s = order.waited_s + (self._clock() - since if since is not None else 0.0)
        return Usage(
            queue_s=job.request.waited_s + waited_s,
            encode_s=spent.encode_s,
            denoise_s=spent.denoise_s,
            decode_s=spent.decode_s,
            gpu_s=spent.gpu_s,
            energy_j=spent.energy_j,
            billable=billable,
        )

    def _count_wait(self, order: Order) -> None:
        waits, now = order.job.state in WAITING, self._clock()
        if not waits and order.waits_since is not None:
            order.waited_s += now - order.waits_since
            order.waits_since = None
        elif waits and order.waits_since is None:
            order.waits_since = now

    def _close(self, job: Job, settle: Callable[[asyncio.Future[Drawing]], None]) -> None:
        job.canvas = job.preview = job.captions = None
        job.pictures = ()
        self._meter.close(job.job_id)
        future = self._open.pop(job.job_id).drawing
        if not future.done():
            settle(future)
