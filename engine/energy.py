"""From power readings to joules: what the device took in an interval."""

from __future__ import annotations


class EnergyMeter:
    """Integrates what the driver reports."""

    def __init__(self, *, max_gap_s: float) -> None:
        self._max_gap_s = max_gap_s

    def joules(self, from_s: float, to_s: float) -> float | None:
        """Joules between two moments of the clock of the readings; None where they do not cover it."""
        raise NotImplementedError
