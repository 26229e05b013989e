"""The models of a worker: which are on its device, and which one comes there next. Pure: no clock, no torch.

What fits stays on the device; the others wait in main memory, or on disk. Jobs of a model that is there go
first, since to bring another takes seconds; no job waits for longer than `switch_after_s` because of that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.families.model import Place
from engine.families.plan import Need
from engine.worker.memory import holds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.events import Phase
    from engine.families.profile import Profile
    from engine.predict import Predictor
    from engine.worker.job import Job
    from engine.worker.memory import MemoryGate


@dataclass(slots=True, eq=False)
class Held:
    """One of the models."""

    name: str
    gate: MemoryGate
    predictor: Predictor
    place: Place = Place.DEVICE
    digests: Mapping[str, str] = field(default_factory=dict)
    """By component: models in which they are equal have it once."""
    left_at: float = -math.inf
    """When it last left the device."""

    @property
    def parts(self) -> dict[str, int]:
        """Bytes of the weights that are on the device while its steps run, by what tells them apart."""
        weights = self.gate.resident_parts()
        return {self.digests.get(part, f"{self.name} {part}"): size for part, size in weights.items()}


class Residency:
    """All of them, the first being that of jobs which name none."""

    def __init__(self, models: Sequence[Held], *, switch_after_s: float = 20.0) -> None:
        self.models = {held.name: held for held in models}
        self._first = models[0]
        self._switch_after_s = switch_after_s
        self._used = list(models)
        """The one used last is at the end."""

    def named(self, model: str) -> Held:
        return self.models.get(model, self._first)

    def of(self, job: Job) -> Held:
        return self.named(job.request.model)

    @property
    def resident(self) -> list[Held]:
        """Those on the device, the one used last first."""
        return [held for held in reversed(self._used) if held.place is Place.DEVICE]

    @property
    def resident_bytes(self) -> int:
        """Weights that are on the device."""
        return _bytes(self.resident)

    def is_resident(self, job: Job) -> bool:
        return self.of(job).place is Place.DEVICE

    def use(self, held: Held) -> None:
        self._used.remove(held)
        self._used.append(held)

    def fits(self, calls: Iterable[tuple[Phase, Job]], available_bytes: int | None = None) -> bool:
        """Whether these calls may run at the same time; a forward for several pictures counts for each.

        `available_bytes`: the most this process could hold now, since other processes may hold some of the
        device; None where nobody can tell.
        """
        above = sum(self.of(job).gate.call_bytes(phase, job.need) for phase, job in calls)
        return holds(self.resident_bytes + above, self._first.gate.budget_bytes, available_bytes)

    def due(self, jobs: Iterable[Job], now: float) -> Held | None:
        """The model that is to be brought to the device now."""
        jobs, since = list(jobs), dict[Held, float]()
        for job in jobs:
            if (held := self.of(job)).place is not Place.DEVICE:
                came_at = max(job.arrived_at - job.request.waited_s, held.left_at)
                since[held] = min(since.get(held, math.inf), came_at)
        if not since:
            return None
        longest = min(since, key=lambda held: since[held])
        idle = not any(self.is_resident(job) for job in jobs)
        overdue = now - since[longest] >= self._switch_after_s
        return longest if idle or overdue or not self.leaving(longest) else None

    def leaving(self, coming: Held) -> list[Held]:
        """Those that have to leave the device for this one, what was not used for longest first."""
        staying = [held for held in self._used if held.place is Place.DEVICE and held is not coming]
        leaving = []
        while staying and not self._fit([*staying, coming]):
            leaving.append(staying.pop(0))
        return leaving

    def _fit(self, models: Sequence[Held]) -> bool:
        """Whether any call for a picture of its model's usual size has room beside them all."""
        peak = max(held.gate.peak_bytes(_usual(held.predictor.profile)) for held in models)
        return _bytes(models) + peak <= self._first.gate.budget_bytes


def _usual(profile: Profile) -> Need:
    """A picture of the usual size, that follows a map where it can."""
    return Need(*profile.default_size, controls=int(profile.control is not None))


def _bytes(models: Iterable[Held]) -> int:
    return sum({part: size for held in models for part, size in held.parts.items()}.values())
