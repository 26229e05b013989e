"""`easel calibrate`: draws with this machine's own engine and writes down memory, seconds and throughput.

Each point is kept as soon as it is measured, so a run that was interrupted goes on where it was. Nothing else
should draw meanwhile: what is measured is the whole device.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.cost.calibration import Points, Size, Together, fit
from engine.request import Drawing, DrawRequest, OutOfMemory, TooLarge, Usage
from engine.worker.hostmemory import HighWater

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from bot.imagine.capabilities import Capabilities
    from engine.families.model import DeviceMemory
    from engine.families.profile import Profile
    from engine.front import Front

EDGES = (512, 768, 1024, 1536, 2048)
STEPS = (1, 10, 20, 40, 60, 100)
"""The article's; where the model allows less, its own range."""
MOST_AT_ONCE = 16
WORTH_MORE = 1.02
"""One more at once must bring so much, or no more are tried."""
WAITING = 0.5
"""Where so many of them wait on an average, the last one did not fit beside the others."""
LEAST_R2 = 0.95
"""Seconds grow with steps in a straight line; a worse fit means that something else was running."""
TRIES = 3
"""How often the seconds by steps are measured before they are given up."""
PROMPT = "一只可爱的橘色猫咪,坐在窗台上,阳光洒进来"


class Unsteady(Exception):
    """Seconds do not grow with steps: the machine was busy with something else. `r2` is the best fit seen."""

    def __init__(self, r2: Fraction) -> None:
        super().__init__(f"seconds by steps fit a line with R2 {float(r2):.2f}")
        self.r2 = r2


@dataclass(frozen=True, slots=True)
class Agenda:
    """What is measured: edges, steps, how often, and how many at once at most."""

    edges: tuple[int, ...]
    steps: tuple[int, ...]
    default_edge: int
    default_steps: int
    repeats: int
    most_at_once: int

    @property
    def points(self) -> int:
        """At most so many."""
        return len(self.edges) + len(self.steps) + self.most_at_once


def agenda(profile: Profile, model: Capabilities, *, quick: bool) -> Agenda:
    """The article's tables as far as the model goes; `quick` keeps the ends and the middle of each."""
    low, high = (round(pixels**0.5) for pixels in (profile.min_pixels, profile.max_pixels))
    edge = profile.default_size[0]
    edges = [size for size in EDGES if low <= size <= high]
    if len(edges) < 3:
        grid = profile.multiple
        edges = [round(size / grid) * grid for size in (low, edge * 3 // 4, edge, edge * 3 // 2, high)]
    steps = {step for step in STEPS if step <= model.max_steps} | set(model.steps.values())
    if quick:
        edges, steps = [edges[0], edge, edges[-1]], {1, *model.steps.values()}
    return Agenda(
        edges=tuple(sorted(set(edges))),
        steps=tuple(sorted(steps)),
        default_edge=edge,
        default_steps=profile.default_steps,
        repeats=1 if quick else 3,
        most_at_once=4 if quick else MOST_AT_ONCE,
    )


@dataclass
class Calibration:
    """Measures what `points` still lacks. `keep` is called after each, `tell` before with a name for it."""

    engine: Front
    agenda: Agenda
    points: Points
    keep: Callable[[Points], None]
    tell: Callable[[str], None] = lambda _what: None
    clock: Callable[[], float] = time.perf_counter
    _serial: int = field(default=0, init=False)

    async def run(self) -> Points:
        """All points, in the article's order: memory by size, seconds by steps, requests at once.

        Raises `Unsteady` where the seconds by steps are no straight line however often they are measured.
        """
        self.points.resident_bytes = self.engine.snapshot().resident_bytes
        self.points.edge = self.agenda.default_edge
        for edge in self.agenda.edges:
            if str(edge) not in self.points.sizes:
                self.tell(f"{edge}x{edge}")
                await self._size(edge)
        await self._seconds_by_steps()
        while not self.points.stopped:
            self.tell(f"x{len(self.points.together) + 1}")
            await self._one_more()
        return self.points

    def _keep(self) -> None:
        memory = self._memory()
        if memory is not None:
            self.points.memory_bytes = memory.total
        self.keep(self.points)

    async def _size(self, edge: int) -> None:
        host, steps = HighWater(), self.agenda.default_steps
        try:
            drawn = [await self._draw(edge, steps) for _ in range(max(2, self.agenda.repeats))]
        except (OutOfMemory, TooLarge):
            return  # this size does not fit; the larger ones will say the same
        best = min((drawing.usage for drawing in drawn), key=lambda usage: usage.denoise_s)
        self.points.sizes[str(edge)] = Size(
            edge=edge,
            seconds=best.encode_s + best.denoise_s + best.decode_s,
            step_s=best.denoise_s / steps,
            decode_s=best.decode_s,
            peak_bytes=self._peak_bytes(host),
        )
        self.points.encode_s = best.encode_s
        self._keep()

    async def _seconds_by_steps(self) -> None:
        """Measured again, all of them, while they do not lie on a line: one that is off spoils the cost."""
        best = None
        for _ in range(TRIES):
            for steps in self.agenda.steps:
                self.tell(f"{steps}")
                if str(steps) not in self.points.steps:
                    self.points.steps[str(steps)] = await self._seconds(steps)
                    self._keep()
            slope, _, r2 = fit(self.points)
            if slope > 0 and r2 >= LEAST_R2:
                return
            best = r2 if best is None else max(best, r2)
            self.points.steps.clear()
            self._keep()
        assert best is not None
        raise Unsteady(best)

    async def _seconds(self, steps: int) -> float:
        times = []
        for _ in range(self.agenda.repeats):
            began = self.clock()
            await self._draw(self.agenda.default_edge, steps)
            times.append(self.clock() - began)
        return statistics.median(times)

    async def _one_more(self) -> None:
        """One more request at once than before; says why where that was the last."""
        points, count = self.points, len(self.points.together) + 1
        host = HighWater()
        rounds = max(2, self.agenda.repeats)
        began = time.perf_counter()
        runs: list[asyncio.Task[list[Usage]]] = []
        fits = True
        try:
            async with asyncio.TaskGroup() as group:
                runs += [group.create_task(self._line(rounds)) for _ in range(count)]
        except* (OutOfMemory, TooLarge):
            fits = False
        took_s = time.perf_counter() - began
        drawn = [usage for run in runs for usage in run.result()] if fits else []
        waits = count > 1 and sum(usage.queue_s for usage in drawn) > WAITING * took_s
        if not fits or waits:
            points.stopped = "memory"
        else:
            images_an_hour = count * rounds * 3600 / took_s
            seconds = took_s / rounds
            best = max((point.images_an_hour for point in points.together.values()), default=0.0)
            points.together[str(count)] = Together(count, seconds, images_an_hour, self._peak_bytes(host))
            if images_an_hour < best * WORTH_MORE:
                points.stopped = "throughput"
            elif count == self.agenda.most_at_once:
                points.stopped = "limit"
        self._keep()

    async def _line(self, rounds: int) -> list[Usage]:
        """One place of several: draws one picture after the other."""
        edge, steps = self.agenda.default_edge, self.agenda.default_steps
        return [(await self._draw(edge, steps)).usage for _ in range(rounds)]

    async def _draw(self, edge: int, steps: int) -> Drawing:
        self._serial += 1
        ticket = self.engine.submit(
            DrawRequest(PROMPT, edge, edge, steps, seed=self._serial, job_id=f"calibrate-{self._serial}")
        )
        return await ticket.result()

    def _peak_bytes(self, host: HighWater) -> int:
        """With the weights: what the device says we hold, its cache included, as nvidia-smi would show it."""
        memory = self._memory()
        return memory.ours if memory is not None else self.points.resident_bytes + (host.risen() or 0)

    def _memory(self) -> DeviceMemory | None:
        device = self.engine.snapshot().device
        return device.memory if device is not None else None
