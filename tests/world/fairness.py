"""Whether those who pay get their share: what the device did while one of them had an open job."""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass
class Demand(Observer):
    """When anybody who pays has a job that is open, as the front tells."""

    clock: Callable[[], float]
    spans: list[tuple[float, float]] = field(default_factory=list)
    _open: set[str] = field(default_factory=set)
    _since: float = 0.0

    def on_event(self, event: Event) -> None:
        if event.action is Action.SUBMITTED and event.fields["tier"] != FREE:
            if not self._open:
                self._since = self.clock()
            self._open.add(str(event.job_id))
        elif event.action in ENDS and event.job_id in self._open:
            self._open.discard(event.job_id)
            if not self._open:
                self.spans.append((self._since, self.clock()))

    def process_died(self) -> None:
        if self._open:
            self.spans.append((self._since, self.clock()))
            self._open.clear()


def unfair(device: Device, demand: Demand) -> Iterator[str]:
    """Spans in which free jobs had the only device to themselves for longer than their share."""
    for since, until in demand.spans:
        calls = [call for call in device.served if since <= call.began and call.ended <= until]
        busy_s = sum(call.seconds for call in calls)
        alone_s = sum(call.seconds for call in calls if call.tiers == {FREE})
        if alone_s > FREE_SHARE * busy_s + SLACK_S:
            yield f"from {since:.1f} s to {until:.1f} s free jobs had {alone_s:.1f} s of {busy_s:.1f} s alone"
