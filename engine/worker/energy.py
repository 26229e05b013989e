"""From readings to joules: what the device took in an interval.

The driver's energy counter is used where there is one, since it also saw what happened between two readings;
otherwise power is integrated by the trapezoid rule. The stretch after the newest reading, up to `max_gap_s`,
is estimated from the newest power.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

KEPT_READINGS = 7_200
"""Two hours at one reading a second: no interval that is accounted for is longer."""


@dataclass(frozen=True, slots=True)
class _Reading:
    at_s: float
    power_w: float | None
    counter_j: float | None


@dataclass(frozen=True, slots=True)
class _Piece:
    """Power as a straight line between two readings."""

    run: int
    """Pieces of one run join without a hole."""
    before_j: float
    from_s: float
    to_s: float
    from_w: float
    to_w: float

    def joules_until(self, at_s: float) -> float:
        """Joules of the run up to a moment inside this piece."""
        elapsed_s = at_s - self.from_s
        length_s = self.to_s - self.from_s
        rise_w = (self.to_w - self.from_w) * (elapsed_s / length_s) if length_s > 0 else 0.0
        return self.before_j + elapsed_s * (self.from_w + rise_w / 2)


class EnergyMeter:
    """Integrates readings. One thread may add while another asks.

    Two readings of power further apart than `max_gap_s` seconds say nothing about the time between them.
    """

    def __init__(self, *, max_gap_s: float, kept: int = KEPT_READINGS) -> None:
        self._max_gap_s = max_gap_s
        self._pieces: deque[_Piece] = deque(maxlen=kept)
        self._newest: _Reading | None = None
        self._lock = threading.Lock()

    def add(self, at_s: float, power_w: float | None, counter_j: float | None) -> None:
        """Take a reading: watts, and the joules counted by the driver so far; None where it does not tell."""
        with self._lock:
            before, now = self._newest, _Reading(at_s, power_w, counter_j)
            if before is not None and at_s <= before.at_s:
                return
            self._newest = now
            last = self._pieces[-1] if self._pieces else None
            run, joules = (last.run + 1, 0.0) if last else (0, 0.0)
            line_w = self._line_w(before, now) if before else None
            if before is not None and line_w is not None:
                if last is not None and last.to_s == before.at_s:
                    run, joules = last.run, last.joules_until(last.to_s)
                self._pieces.append(_Piece(run, joules, before.at_s, at_s, *line_w))
            elif power_w is not None:  # nothing to join yet, but the tail after it can be estimated
                self._pieces.append(_Piece(run, 0.0, at_s, at_s, power_w, power_w))

    def interrupt(self) -> None:
        """The device is away: what comes next does not join what was."""
        with self._lock:
            self._newest = None

    def joules(self, from_s: float, to_s: float) -> float | None:
        """Joules between two moments of the clock of the readings; None where they do not cover it."""
        if to_s < from_s:
            raise ValueError("an interval ends before it begins")
        with self._lock:
            begin, end = self._run_and_joules(from_s), self._run_and_joules(to_s)
        if begin is None or end is None or begin[0] != end[0]:
            return None
        return end[1] - begin[1]

    def _line_w(self, before: _Reading, now: _Reading) -> tuple[float, float] | None:
        """Power at both ends of the time between two readings; None where it is unknown."""
        elapsed_s = now.at_s - before.at_s
        if before.counter_j is not None and now.counter_j is not None and now.counter_j >= before.counter_j:
            mean_w = (now.counter_j - before.counter_j) / elapsed_s
            return mean_w, mean_w
        if before.power_w is not None and now.power_w is not None and elapsed_s <= self._max_gap_s:
            return before.power_w, now.power_w
        return None

    def _run_and_joules(self, at_s: float) -> tuple[int, float] | None:
        """The run a moment lies in, and the joules from its beginning."""
        index = bisect_right(self._pieces, at_s, key=lambda piece: piece.from_s) - 1
        if index < 0:
            return None
        piece = self._pieces[index]
        if at_s <= piece.to_s:
            return piece.run, piece.joules_until(at_s)
        newest = self._newest
        beyond_s = at_s - piece.to_s
        if newest is None or newest.at_s != piece.to_s or beyond_s > self._max_gap_s:
            return None
        tail_w = newest.power_w if newest.power_w is not None else piece.to_w
        return piece.run, piece.joules_until(piece.to_s) + beyond_s * tail_w
