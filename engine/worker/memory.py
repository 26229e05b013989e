"""Memory of the device: what a call takes at its most, and whether there is room for it. Pure; all in bytes.

What is taken is the weights that are on the device, and above them the peak of each call that runs. Between
its calls a picture holds a few megabytes. Peaks start from the profile, phase by phase; those measured here
replace them, and `learned` and `restore` carry them to disk and back.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from engine.events import Phase
from engine.families.plan import Need
from engine.families.profile import CONTROL, Curve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.families.profile import Profile

USABLE_PART = 0.95
"""Of a GPU's memory, where no budget is set: fragmentation takes some."""
RESERVE_BYTES = 256 << 20
"""Left alone of what the device says is free: the reading is racy, and the driver takes some itself."""


ENCODER = "text_encoder"
WORKS_IN = {
    Phase.ENCODE: ENCODER,
    Phase.BEGIN: "vae",
    Phase.DENOISE: "transformer",
    Phase.DECODE: "vae",
}
"""The component that each phase runs, by its name in diffusers' layout."""


COMPONENTS = ("transformer", ENCODER, "vae")
"""All of them, the largest first: it leaves main memory before the others come."""


ADAPTERS = "adapters"
"""Room for LoRAs, among the weights: they stay with the transformer."""


class Mode(enum.StrEnum):
    """Where the weights live."""

    HIGH = "high"
    """All on the device."""
    MEDIUM = "medium"
    """The text encoder leaves the device after encoding."""
    LOW = "low"
    """Each part visits the device while it works; one active job."""


def weights(profile: Profile, mode: Mode, phase: Phase) -> dict[str, int]:
    """Bytes of weights on the device during such a call, by component."""
    there = dict(profile.weights_bytes)
    if mode is Mode.LOW:
        works = [WORKS_IN[phase], *([ADAPTERS, CONTROL] if phase is Phase.DENOISE else [])]
        return {part: there[part] for part in works if part in there}
    if mode is Mode.MEDIUM and phase is not Phase.ENCODE:
        there.pop(ENCODER, None)
    return there


def weights_bytes(profile: Profile, mode: Mode, phase: Phase) -> int:
    """All of them."""
    return sum(weights(profile, mode, phase).values())


def resident_bytes(profile: Profile, mode: Mode) -> int:
    """Bytes of weights on the device while steps run."""
    return weights_bytes(profile, mode, Phase.DENOISE)


def holds(nbytes: int, budget_bytes: int, available_bytes: int | None) -> bool:
    """Whether a device has room for so much in all."""
    if available_bytes is not None:
        budget_bytes = min(budget_bytes, available_bytes - RESERVE_BYTES)
    return nbytes <= budget_bytes


def needed_bytes(profile: Profile, mode: Mode, pixels: int) -> int:
    """Bytes on the device at the worst moment of one such picture, by the profile."""
    controls = int(profile.control is not None)
    return max(
        weights_bytes(profile, mode, phase) + profile.peak_bytes(phase, pixels, controls=controls)
        for phase in Phase
    )


def choose_mode(profile: Profile, budget_bytes: int, pixels: int) -> Mode:
    """The first mode, from high to low, in which a picture of this size fits."""
    return next((mode for mode in Mode if needed_bytes(profile, mode, pixels) <= budget_bytes), Mode.LOW)


def mode_for(wanted: str, profile: Profile, budget_bytes: int | None, largest_px: int | None) -> Mode:
    """The mode of this name; for `auto` the first in which the largest square on offer fits."""
    if wanted != "auto":
        return Mode(wanted)
    largest_px = largest_px or max(profile.default_size)
    return Mode.HIGH if budget_bytes is None else choose_mode(profile, budget_bytes, largest_px**2)


class MemoryGate:
    """Says what fits, and learns what calls take."""

    SAFETY = 1.05
    """A learned peak was one run's; another may differ by this much."""
    FALL = 1 / 16
    """A peak falls by this part of the way to each measurement below it."""
    NEWS = 0.01
    """A change of this part is worth writing down."""

    def __init__(self, profile: Profile, budget_bytes: int, mode: Mode = Mode.HIGH) -> None:
        self._profile = profile
        self._peaks: dict[Phase, dict[Need, float]] = {phase: {} for phase in Phase}
        self.budget_bytes = budget_bytes
        self.mode = mode

    @property
    def resident_bytes(self) -> int:
        return resident_bytes(self._profile, self.mode)

    def resident_parts(self) -> dict[str, int]:
        """Bytes of weights on the device while steps run, by component."""
        return weights(self._profile, self.mode, Phase.DENOISE)

    def call_bytes(self, phase: Phase, need: Need) -> int:
        """What one such call takes above the resident weights: as measured here, or by the profile."""
        profile, known = self._profile, self._peaks[phase]
        visiting = self._visiting_bytes(phase)
        if need in known:
            return max(0, visiting + round(known[need] * self.SAFETY))
        pixels, controls = self._pixels(phase, need), need.controls
        told = max(0, visiting + profile.peak_bytes(phase, pixels, need.captions, controls))
        like = {
            self._units(phase, other): peak
            for other, peak in known.items()
            if (other.captions, other.controls) == (need.captions, need.controls)
        }
        if len(like) < 2:
            return told
        units = self._units(phase, need)
        line = max(0, visiting + round(Curve.of(like.items()).at(units) * self.SAFETY))
        return line if min(like) <= units <= max(like) else max(line, told)

    def peak_bytes(self, need: Need, pictures: int = 0) -> int:
        """The most that any call for such a picture takes above the resident weights.

        `pictures`: so many are encoded before its first step.
        """
        phases = [phase for phase in Phase if pictures or phase is not Phase.BEGIN]
        return max(self.call_bytes(phase, need) for phase in phases)

    def ever_fits(self, need: Need, pictures: int = 0) -> bool:
        """False where the job would not fit alone on an otherwise empty device."""
        return holds(self.resident_bytes + self.peak_bytes(need, pictures), self.budget_bytes, None)

    def learn(self, phase: Phase, need: Need, peak_bytes: int) -> bool:
        """Such a call took so much above the resident weights. True where that is news."""
        known = self._peaks[phase]
        peak_bytes = max(0, peak_bytes - max(0, self._visiting_bytes(phase)))
        old = known.get(need, 0)
        known[need] = new = peak_bytes if peak_bytes >= old else old - self.FALL * (old - peak_bytes)
        return abs(new - old) > self.NEWS * old

    def knows(self, need: Need) -> bool:
        """True where both a step and a decode of this very need were measured here."""
        return need in self._peaks[Phase.DENOISE] and need in self._peaks[Phase.DECODE]

    @property
    def encoder_visits(self) -> bool:
        """Each encoding brings the encoder's weights to the device first."""
        return self.mode is Mode.MEDIUM

    def learned(self) -> dict[str, dict[str, int]]:
        """Peaks by phase and need, for `restore`."""
        return {
            phase.value: {str(need): round(peak) for need, peak in peaks.items()}
            for phase, peaks in self._peaks.items()
            if peaks
        }

    def restore(self, learned: Mapping[str, Mapping[str, int]]) -> None:
        """Raises ValueError for a phase or a need that is none."""
        for phase, peaks in learned.items():
            self._peaks[Phase(phase)].update({Need.parse(need): int(peak) for need, peak in peaks.items()})

    def _visiting_bytes(self, phase: Phase) -> int:
        """Weights that are there during such a call, and not while steps run."""
        return weights_bytes(self._profile, self.mode, phase) - self.resident_bytes

    def _units(self, phase: Phase, need: Need) -> int:
        """What the peak grows with, among needs of as many captions."""
        pixels = self._pixels(phase, need)
        in_tiles = phase in (Phase.BEGIN, Phase.DECODE)
        return self._profile.decoded_at_once(pixels) if in_tiles else pixels

    @staticmethod
    def _pixels(phase: Phase, need: Need) -> int:
        return need.step_pixels if phase is Phase.DENOISE else need.pixels
