"""Whether those who pay get their share: what the device did while one of them had an open job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.events import Action, Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.events import Event
    from tests.world.device import Device

FREE = "free"
FREE_SHARE = 0.1
SLACK_S = 2.0
"""A few calls of the device at its usual speed: what free jobs had begun when the first who pays came."""
ENDS = {Action.DONE, Action.FAILED, Action.CANCELLED}


class Spans:
    """When a set of jobs was not empty."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._jobs: set[str] = set()
        self._since = 0.0
        self.past: list[tuple[float, float]] = []

    def add(self, job: str) -> None:
        if not self._jobs:
            self._since = self._clock()
        self._jobs.add(job)

    def discard(self, job: str) -> None:
        if job in self._jobs:
            self._jobs.discard(job)
            if not self._jobs:
                self.past.append((self._since, self._clock()))

    def clear(self) -> None:
        for job in tuple(self._jobs):
            self.discard(job)


class Demand(Observer):
    """When anybody who pays has an open job, and when one that has yet to begin, as the front tells."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.open, self.waiting = Spans(clock), Spans(clock)

    def on_event(self, event: Event) -> None:
        job = str(event.job_id)
        if event.action is Action.SUBMITTED and event.fields["tier"] != FREE:
            self.open.add(job)
            self.waiting.add(job)
        elif event.action is Action.ADMITTED:
            self.waiting.discard(job)
        elif event.action in ENDS:
            self.open.discard(job)
            self.waiting.discard(job)

    def process_died(self) -> None:
        self.open.clear()
        self.waiting.clear()


def unfair(device: Device, demand: Demand, *, workers: int) -> Iterator[str]:
    """Spans in which free jobs had more than their share to themselves: of the only worker, while anybody who
    pays has a job; of several, while one of those jobs has yet to begin.
    """
    spans = demand.waiting.past if workers > 1 else demand.open.past
    for since, until in spans:
        calls = [call for call in device.served if since <= call.began and call.ended <= until]
        busy_s = sum(call.seconds for call in calls)
        alone_s = sum(call.seconds for call in calls if call.tiers == {FREE})
        if alone_s > FREE_SHARE * busy_s + SLACK_S * workers:
            yield f"from {since:.1f} s to {until:.1f} s free jobs had {alone_s:.1f} s of {busy_s:.1f} s alone"
