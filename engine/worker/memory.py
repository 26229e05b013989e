"""The memory gate: a job comes in only where resident + predicted peaks of the active set + its own fit.

Pure: bytes in, verdicts out. Predictions start from the profile; peaks learned here replace them, and
`learned` and `restore` carry those to disk and back.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.families.profile import Curve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.families.profile import Profile

RESERVE_BYTES = 256 << 20
"""Left alone of what the device says is free: the reading is racy, and the driver takes some itself."""


class Mode(enum.StrEnum):
    """Where the weights live."""

    HIGH = "high"
    """All on the device."""
    MEDIUM = "medium"
    """The text encoder leaves the device after encoding."""
    LOW = "low"
    """Each part visits the device while it works; one active job."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a job's peak depends on: the picture's size and the captions."""

    width: int
    height: int
    captions: int = 1

    def __str__(self) -> str:
        return f"{self.width}x{self.height}x{self.captions}"

    @classmethod
    def parse(cls, text: str) -> Need:
        width, height, captions = map(int, text.split("x"))
        return cls(width, height, captions)

    @property
    def pixels(self) -> int:
        return self.width * self.height


def resident_bytes(profile: Profile, mode: Mode) -> int:
    """Bytes of weights on the device while steps run."""
    if mode is Mode.HIGH:
        return profile.resident_bytes
    drawing = [size for part, size in profile.weights_bytes.items() if part != "text_encoder"]
    return sum(drawing) if mode is Mode.MEDIUM else max(drawing, default=0)


def encoding_bytes(profile: Profile, mode: Mode) -> int:
    """Bytes of weights on the device while a prompt is encoded."""
    if mode is Mode.LOW:
        return max(profile.weights_bytes.values(), default=0)
    return profile.resident_bytes


def needed_bytes(profile: Profile, mode: Mode, pixels: int) -> int:
    """Bytes on the device at the worst moment of one such picture, by the profile."""
    drawing = resident_bytes(profile, mode) + round(profile.peak_bytes.at(pixels))
    return max(drawing, encoding_bytes(profile, mode))


def choose_mode(profile: Profile, budget_bytes: int, pixels: int) -> Mode:
    """The first mode, from high to low, in which a picture of this size fits."""
    return next((mode for mode in Mode if needed_bytes(profile, mode, pixels) <= budget_bytes), Mode.LOW)


class MemoryGate:
    """Says who may come in. All in bytes."""

    SAFETY = 1.05
    """A learned peak was one run's; another may differ by this much."""

    def __init__(self, profile: Profile, budget_bytes: int, mode: Mode = Mode.HIGH) -> None:
        self._profile = profile
        self._peaks: dict[Need, int] = {}
        self.budget_bytes = budget_bytes
        self.mode = mode

    @property
    def resident_bytes(self) -> int:
        return resident_bytes(self._profile, self.mode)

    def peak_bytes(self, need: Need) -> int:
        """Predicted bytes above the resident weights: learned, or by the profile."""
        if need in self._peaks:
            return round(self._peaks[need] * self.SAFETY)
        # Two captions double a forward, not the decoder's part: an upper bound.
        told = self._profile.peak_bytes.at(need.pixels) * need.captions
        known = {n.pixels: peak for n, peak in self._peaks.items() if n.captions == need.captions}
        if len(known) < 2:
            return round(told)
        line = Curve.of(known.items()).at(need.pixels) * self.SAFETY
        between = min(known) <= need.pixels <= max(known)
        return round(line if between else max(line, told))

    def ever_fits(self, need: Need) -> bool:
        """False where the job would not fit alone on an otherwise empty device."""
        return self._fits(self.peak_bytes(need), self.budget_bytes)

    def admits(self, need: Need, active: Iterable[Need], available_bytes: int | None = None) -> bool:
        """Whether this job may join those.

        `available_bytes`: the most this process could hold now, since other processes may hold some of the
        device; None where nobody can tell.
        """
        peaks = [self.peak_bytes(other) for other in active]
        if self.mode is Mode.LOW and peaks:
            return False  # offloading hooks keep state: one at a time
        ceiling = self.budget_bytes
        if available_bytes is not None:
            ceiling = min(ceiling, available_bytes - RESERVE_BYTES)
        return self._fits(sum(peaks) + self.peak_bytes(need), ceiling)

    def learn(self, need: Need, peak_bytes: int) -> bool:
        """This shape took so much above the resident weights. True where that is news."""
        if peak_bytes <= self._peaks.get(need, 0):
            return False
        self._peaks[need] = peak_bytes
        return True

    def knows(self, need: Need) -> bool:
        """True where this very shape was measured here."""
        return need in self._peaks

    def learned(self) -> dict[str, int]:
        """Peaks by shape, for `restore`."""
        return {str(need): peak for need, peak in self._peaks.items()}

    def restore(self, peaks: Mapping[str, int]) -> None:
        """Raises ValueError for a shape that is none."""
        self._peaks.update({Need.parse(shape): peak for shape, peak in peaks.items()})

    def _fits(self, peaks: int, ceiling: int) -> bool:
        return max(self.resident_bytes + peaks, encoding_bytes(self._profile, self.mode)) <= ceiling
