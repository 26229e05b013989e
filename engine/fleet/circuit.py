"""When a worker that fails is left alone, and when it is tried again. Pure: times handed in."""

from __future__ import annotations

import enum


class Trust(enum.Enum):
    """How much is given to a worker."""

    FULL = "full"
    TRIAL = "trial"
    """One job, to see whether it works again."""
    ASIDE = "aside"


class Circuit:
    """Failures in a row set a worker aside; each time it is tried in vain it stays there twice as long."""

    def __init__(self, *, failures: int = 3, aside_s: float = 30.0, longest_s: float = 1800.0) -> None:
        self._limit = failures
        self._first_s = self._next_s = aside_s
        self._longest_s = longest_s
        self._run = 0
        self._until: float | None = None
        self._last_job: str | None = None

    def trust(self, now: float) -> Trust:
        if self._until is None:
            return Trust.FULL
        return Trust.TRIAL if now >= self._until else Trust.ASIDE

    def aside_for_s(self, now: float) -> float:
        """How long it still stays aside."""
        return max(0.0, self._until - now) if self._until is not None else 0.0

    def succeeded(self) -> None:
        self._run, self._until, self._next_s = 0, None, self._first_s

    def failed(self, now: float, job_id: str | None) -> bool:
        """It failed on a job, or without one. True where this one sets it aside.

        A job that fails again says nothing more of the worker than it did before.
        """
        self._run += job_id is None or job_id != self._last_job
        self._last_job = job_id
        trust = self.trust(now)
        if trust is Trust.ASIDE or (trust is Trust.FULL and self._run < self._limit):
            return False
        self.set_aside(now)
        return True

    def set_aside(self, now: float) -> None:
        """Whatever it did before."""
        self._until = now + self._next_s
        self._next_s = min(2 * self._next_s, self._longest_s)
