"""How many workers there shall be: up at once with the work that waits, down after a while of less. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScaleSettings:
    """Bounds and patience. Seconds."""

    min_workers: int = 1
    max_workers: int = 1
    work_s: float = 60.0
    """Predicted seconds of work, waiting and being drawn, that one worker is given before another comes."""
    cool_down_s: float = 300.0
    """How long fewer must have been enough before one leaves: starting one takes minutes."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_workers <= self.max_workers or self.max_workers < 1:
            raise ValueError(f"not a range of workers: {self.min_workers} to {self.max_workers}")
        if self.work_s <= 0 or self.cool_down_s < 0:
            raise ValueError("work_s must be positive and cool_down_s not negative")


class Autoscaler:
    def __init__(self, settings: ScaleSettings) -> None:
        self._settings = settings
        self._peaks: list[tuple[float, int]] = []
        """What was needed within the cool-down: later entries are lower, so the first is the most."""

    def decide(self, now: float, work_s: float) -> int:
        """How many are wanted, with `work_s` predicted device seconds of work at hand."""
        settings = self._settings
        needed = math.ceil(work_s / settings.work_s) if work_s > 0 else 0
        needed = min(max(needed, settings.min_workers), settings.max_workers)
        self._peaks = [(at, n) for at, n in self._peaks if at > now - settings.cool_down_s and n > needed]
        self._peaks.append((now, needed))
        return self._peaks[0][1]
