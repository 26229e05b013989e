"""Who used the device, for how long. Pure but for its lock: workers report from their own threads.

While k model calls run, each gets 1/k of the time; a call's part is split among its jobs by token share. So
the sum over jobs is the union of the calls' busy time, by construction. The rest, in which no call ran, is
idle time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.events import Phase

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

Clock = Callable[[], float]
Joules = Callable[[float, float], float | None]
"""Energy of the whole device between two moments, where somebody can tell."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Seconds since the meter began; they add up to the time that passed."""

    busy_s: float = 0.0
    overhead_s: float = 0.0
    idle_s: float = 0.0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.busy_s + other.busy_s, self.overhead_s + other.overhead_s, self.idle_s + other.idle_s
        )


@dataclass(slots=True)
class Spent:
    """What one job took so far. Phases in seconds as the job saw them; `gpu_s` is its billed share."""

    encode_s: float = 0.0
    denoise_s: float = 0.0
    decode_s: float = 0.0
    gpu_s: float = 0.0
    energy_j: float | None = None


@dataclass(slots=True)
class _Work:
    shares: Mapping[str, float]
    """Each job's part of the call's time; empty for overhead."""
    phase: Phase
    began: float
    billed: float = 0.0


class Meter:
    """Splits the device's time, and its energy along with it."""

    def __init__(self, clock: Clock, joules: Joules = lambda _from_s, _to_s: None) -> None:
        self._clock = clock
        self._joules = joules
        self._lock = threading.Lock()
        self._working: dict[Hashable, _Work] = {}
        self._since = self._at = clock()
        self._busy = 0.0
        self._overhead = 0.0
        self._jobs: dict[str, Spent] = {}

    def begin(self, key: Hashable, phase: Phase, tokens: Mapping[str, int]) -> None:
        """A call for these jobs begins (tokens by job; none: overhead). `key` names the call."""
        total = sum(tokens.values())
        shares = {job: count / total for job, count in tokens.items()} if total else {}
        with self._lock:
            now = self._settle()
            self._working[key] = _Work(shares, phase, now)

    def end(self, key: Hashable, device_s: float | None = None) -> dict[str, float]:
        """It is done, or given up. Returns the device seconds billed to each of its jobs; once.

        `device_s`: what the device says it worked, where it can tell. The rest of the time it idled, waiting
        for the host, and nobody is billed for that.
        """
        with self._lock:
            now = self._settle()
            work = self._working.pop(key, None)
            if work is None:
                return {}
            if device_s is not None and work.shares and device_s < work.billed:
                self._busy -= work.billed - device_s
                work.billed = device_s
        # Asked for outside the lock: telemetry has one of its own.
        wall = now - work.began
        joules = self._joules(work.began, now) if work.shares else None
        with self._lock:
            for job, share in work.shares.items():
                spent = self._jobs.setdefault(job, Spent())
                spent.gpu_s += work.billed * share
                if work.phase in (Phase.ENCODE, Phase.BEGIN):
                    spent.encode_s += wall
                elif work.phase is Phase.DENOISE:
                    spent.denoise_s += wall
                else:
                    spent.decode_s += wall
                if joules is not None and wall > 0:
                    spent.energy_j = (spent.energy_j or 0.0) + joules * share * work.billed / wall
        return {job: work.billed * share for job, share in work.shares.items()}

    def spent(self, job_id: str) -> Spent:
        with self._lock:
            return self._jobs.get(job_id, Spent())

    def close(self, job_id: str) -> Spent:
        """The job is over; its account is handed out and forgotten."""
        with self._lock:
            return self._jobs.pop(job_id, Spent())

    def totals(self) -> Totals:
        with self._lock:
            now = self._settle()
            idle = now - self._since - self._busy - self._overhead
            return Totals(self._busy, self._overhead, max(0.0, idle))

    def _settle(self) -> float:
        """Hand the time since the last change to whoever worked."""
        now = max(self._clock(), self._at)
        passed, self._at = now - self._at, now
        if self._working and passed:
            part = passed / len(self._working)
            for work in self._working.values():
                work.billed += part
                if work.shares:
                    self._busy += part
                else:
                    self._overhead += part
        return now
