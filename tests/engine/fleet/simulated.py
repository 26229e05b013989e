"""Workers without a model, and a fleet of them: for what happens between the front and whatever draws.

A `SimulatedWorker` takes its steps one at a time, in turn for the jobs it holds, as a device does; what a
step takes is up to `tick`. It paints what the fake model paints, so a mix-up shows, and fails in every way a
test asks for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.request import Cancelled, Drawing, JobState, Usage
from engine.worker.protocol import Card, Drawn, Health, Moved, WorkerLost
from tests.engine.fakes import PROFILE, FakeModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from engine.families.profile import Profile
    from engine.request import DrawRequest
    from engine.snapshot import DeviceSnapshot


async def at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


class SimulatedWorker:
    def __init__(
        self,
        name: str,
        *,
        gpu: str = "NVIDIA A10G",
        fingerprint: str = "one",
        profile: Profile = PROFILE,
        max_active: int = 3,
        tick: Callable[[float], Awaitable[None]] = at_once,
    ) -> None:
        self.name = name
        self.card = Card(gpu, (Drawn(profile, fingerprint),), max_active)
        self.fails: list[Exception] = []
        """What the next jobs end with."""
        self.unfit: Exception | None = None
        """What its start ends with."""
        self.gate = asyncio.Event()
        """Closed, no step is taken."""
        self.gate.set()
        self.hangs = asyncio.Event()
        """Set, it answers to nothing any more."""
        self.dead = asyncio.Event()
        self.fetch_s = 0.0
        self.starts = 0
        self.stops = 0
        self.drawn: list[str] = []
        self.cancelled: set[str] = set()
        self.cleared = 0
        self.busy_s = 0.0
        self.jobs: set[str] = set()
        self.kept: dict[str, bytes] = {}
        self.sent: list[str] = []
        self.asked = 0
        """How often it was asked how it is."""
        self._tick = tick
        self._device = asyncio.Lock()

    async def fetch(self) -> None:
        await self._tick(self.fetch_s)

    async def start(self) -> Card:
        self.starts += 1
        await self._answer()
        if self.unfit is not None:
            raise self.unfit
        return self.card

    async def draw(
        self, request: DrawRequest, hear: Callable[[Moved], None], *, lead_s: float = 0.0
    ) -> Drawing:
        await self._answer()
        self.jobs.add(request.job_id)
        took, pixels = 0.0, request.width * request.height
        try:
            for step in range(request.steps):
                async with self._device:
                    await self.gate.wait()
                    await self._answer()
                    await self._tick(seconds := self.card.models[0].profile.step_s.at(pixels))
                took += seconds
                self.busy_s += seconds
                if request.job_id in self.cancelled:
                    raise Cancelled("cancelled", Usage(denoise_s=took, gpu_s=took, billable=False))
                hear(Moved(JobState.RUNNING, step + 1))
            if self.fails:
                raise self.fails.pop(0)
            await self._answer()
        finally:
            self.jobs.discard(request.job_id)
        self.drawn.append(request.job_id)
        usage = Usage(queue_s=request.waited_s, denoise_s=took, gpu_s=took)
        return Drawing(request, FakeModel().picture_of(request), usage)

    async def missing(self, digests: Sequence[str]) -> tuple[str, ...]:
        await self._answer()
        return tuple(digest for digest in digests if digest not in self.kept)

    async def keep(self, files: Mapping[str, bytes]) -> None:
        await self._answer()
        self.sent += list(files)
        self.kept |= files

    async def cancel(self, job_id: str) -> None:
        await self._answer()
        self.cancelled.add(job_id)

    async def health(self) -> Health:
        await self._answer()
        self.asked += 1
        return Health(frozenset(self.jobs))

    def snapshot(self) -> DeviceSnapshot | None:
        return None

    async def clear_caches(self) -> None:
        self.cleared += 1

    async def stop(self) -> None:
        self.stops += 1

    def die(self) -> None:
        """All that is asked of it from now on finds nobody, what was asked before too."""
        self.dead.set()
        self.gate.set()

    async def _answer(self) -> None:
        if self.hangs.is_set():
            await asyncio.Event().wait()
        if self.dead.is_set():
            raise WorkerLost(f"{self.name} died")


class SimulatedFleet:
    """Workers that are there from the start; `hire` brings another. `refills` says how a place is filled."""

    def __init__(
        self,
        workers: Sequence[SimulatedWorker],
        refills: Callable[[SimulatedWorker], SimulatedWorker | None] = lambda _: None,
    ) -> None:
        self.wanted: list[int] = []
        self.gone: list[str] = []
        self.closed = False
        self._refills = refills
        self._queue: asyncio.Queue[SimulatedWorker] = asyncio.Queue()
        for worker in workers:
            self.hire(worker)

    def hire(self, worker: SimulatedWorker) -> None:
        self._queue.put_nowait(worker)

    async def arrivals(self) -> AsyncIterator[SimulatedWorker]:
        while True:
            yield await self._queue.get()

    def refill(self, worker: SimulatedWorker) -> None:
        self.gone.append(worker.name)
        if (fresh := self._refills(worker)) is not None:
            self.hire(fresh)

    def want(self, count: int) -> None:
        if self.wanted[-1:] != [count]:
            self.wanted.append(count)

    async def close(self) -> None:
        self.closed = True
