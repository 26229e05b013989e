"""The memory gate: a job is admitted only where resident + predicted peaks of the active set + its own fit.

Pure: bytes in, verdicts out. Predictions start from the profile and are replaced by peaks learned here, which
`learned` and `restore` carry to disk and back.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.profile import Profile


class Mode(enum.StrEnum):
    """Where the weights live."""

    HIGH = "high"
    """All on the device."""
    MEDIUM = "medium"
    """The text encoder leaves the device after encoding."""
    LOW = "low"
    """Each part visits the device while it works; one active job."""


def choose_mode(profile: Profile, budget_bytes: int, largest_pixels: int) -> Mode:
    """The first mode in which the largest picture fits."""
    peak = profile.peak_bytes.at(largest_pixels)
    for mode in (Mode.HIGH, Mode.MEDIUM):
        if resident_bytes(profile, mode) + peak <= budget_bytes:
            return mode
    return Mode.LOW


def resident_bytes(profile: Profile, mode: Mode) -> int:
    """Bytes the weights hold while steps run."""
    weights = profile.weights_bytes
    if mode is Mode.HIGH:
        return profile.resident_bytes
    if mode is Mode.MEDIUM:
        # Encoder and the rest are never on the device at once; the larger of the two counts.
        encoder = weights.get("text_encoder", 0)
        return max(encoder, profile.resident_bytes - encoder)
    return max(weights.values(), default=0)


@dataclass(frozen=True, slots=True)
class Need:
    """What decides a job's peak: its size and its captions."""

    width: int
    height: int
    captions: int = 1

    @property
    def key(self) -> str:
        return f"{self.width}x{self.height}x{self.captions}"


class MemoryGate:
    """Says who may come in. All in bytes."""

    SAFETY = 1.05
    """A learned peak was one run's; another may differ by this much."""

    def __init__(self, profile: Profile, budget_bytes: int, mode: Mode = Mode.HIGH) -> None:
        self._profile = profile
        self._peaks: dict[str, int] = {}
        self.budget_bytes = budget_bytes
        self.mode = mode

    @property
    def resident_bytes(self) -> int:
        return resident_bytes(self._profile, self.mode)

    def peak_bytes(self, need: Need) -> int:
        """Predicted bytes above the resident weights."""
        if need.key in self._peaks:
            return round(self._peaks[need.key] * self.SAFETY)
        # Two captions make a forward of twice the tokens; the decoder's part does not double: an upper bound.
        return round(self._profile.peak_bytes.at(need.width * need.height) * need.captions)

    def ever_fits(self, need: Need) -> bool:
        """False where the job would not fit alone on an empty device."""
        return self.resident_bytes + self.peak_bytes(need) <= self.budget_bytes

    def admits(self, need: Need, active: Iterable[Need], device_free_bytes: int | None = None) -> bool:
        """`device_free_bytes` is what the whole device has left now; other processes may hold some."""
        running = [self.peak_bytes(other) for other in active]
        if self.mode is Mode.LOW and running:
            return False
        mine = self.peak_bytes(need)
        if self.resident_bytes + sum(running) + mine > self.budget_bytes:
            return False
        return device_free_bytes is None or mine <= device_free_bytes

    def learn(self, need: Need, peak_bytes: int) -> None:
        """This shape, alone, took so much above the resident weights."""
        self._peaks[need.key] = max(self._peaks.get(need.key, 0), peak_bytes)

    def learned(self) -> dict[str, int]:
        return dict(self._peaks)

    def restore(self, peaks: Mapping[str, int]) -> None:
        self._peaks.update(peaks)
