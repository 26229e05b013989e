"""Seconds: what a job will take, and what a step usually takes here. Pure."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from engine.events import Phase

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from engine.families.plan import Plan
    from engine.families.profile import Profile

BEGIN_PART = 0.5
"""Encoding a picture over decoding one, while it was not measured: half the layers, roughly."""
ENLARGE = "enlarge"
"""Beginning from a picture that a model of its own enlarges first: another thing than beginning from one."""


class Predictor:
    """Device seconds a job will take: the profile's, scaled by what was measured here.

    One factor for each kind of call, for steps one for each size: an exponential mean of measured over
    predicted. A size not seen yet borrows the mean of those that were.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._factors: dict[str, Factor] = {}
        self._pace = Factor()

    @property
    def pace(self) -> float:
        """Today's seconds over the profile's, all sizes together; what turns waiting work into time."""
        return self._pace.value

    def step_s(self, pixels: int, forwards: float = 1) -> float:
        return forwards * self.profile.step_s.at(pixels) * self._factor(str(pixels))

    def encode_s(self, captions: int = 1) -> float:
        return captions * self.profile.encode_s * self._factor(Phase.ENCODE.value)

    def decode_s(self, pixels: int) -> float:
        return self.profile.decode_s.at(pixels) * self._factor(Phase.DECODE.value)

    def call_s(self, phase: Phase, plan: Plan) -> float:
        """Of one call for a job."""
        if phase is Phase.DENOISE:
            return self.step_s(plan.need.step_pixels, self.profile.forwards(plan.need))
        if phase is Phase.ENCODE:
            return self.encode_s(plan.need.captions)
        if phase is Phase.DECODE:
            return self.decode_s(plan.picture_pixels)
        one_s = self.profile.decode_s.at(plan.picture_pixels)
        return plan.pictures * one_s * self._factor(_kind(phase, plan))

    def job_s(self, plan: Plan, steps_done: int = 0, *, encoded: bool = False) -> float:
        """What is left of this job, in device seconds."""
        left_s = max(0, plan.steps - steps_done) * self.call_s(Phase.DENOISE, plan)
        left_s += self.call_s(Phase.DECODE, plan)
        if not steps_done:
            left_s += self.call_s(Phase.BEGIN, plan)
        return left_s + (0.0 if encoded else self.call_s(Phase.ENCODE, plan))

    def learn(self, phase: Phase, plan: Plan, seconds: float) -> None:
        """One job's part of such a call took `seconds` of the device."""
        kind = _kind(phase, plan)
        factor = self._factors.setdefault(kind, Factor(self._factor(kind)))
        if (expected_s := self.call_s(phase, plan)) > 0:
            factor.learn(factor.value * seconds / expected_s)

    def learn_job(self, plan: Plan, seconds: float, *, encoded: bool) -> None:
        """A whole job took `seconds` of the device; for who sees no single calls."""
        expected_s = self.job_s(plan, encoded=encoded)
        if plan.enlarges:
            begin_s = self.call_s(Phase.BEGIN, plan)
            self.learn(Phase.BEGIN, plan, max(0.0, seconds - expected_s + begin_s))
        elif expected_s > 0:
            self._pace.learn(seconds / Predictor(self.profile).job_s(plan, encoded=encoded))
            self.learn(Phase.DENOISE, plan, seconds / expected_s * self.call_s(Phase.DENOISE, plan))

    def _factor(self, kind: str) -> float:
        if kind in self._factors:
            return self._factors[kind].value
        if kind in (Phase.BEGIN.value, ENLARGE):
            return BEGIN_PART
        sizes = [factor.value for other, factor in self._factors.items() if other.isdigit()]
        return sum(sizes) / len(sizes) if kind.isdigit() and sizes else 1.0

    def learned(self) -> dict[str, float]:
        """Factors, for `restore`."""
        return {kind: factor.value for kind, factor in self._factors.items()}

    def restore(self, factors: Mapping[str, float]) -> None:
        self._factors = {kind: Factor(float(factor)) for kind, factor in factors.items()}


def _kind(phase: Phase, plan: Plan) -> str:
    """What has a factor of its own."""
    if phase is Phase.DENOISE:
        return str(plan.need.step_pixels)
    return ENLARGE if phase is Phase.BEGIN and plan.enlarges else phase.value


class Factor:
    """Measured over predicted, as it is today: an exponential mean in which one outlier counts for little."""

    WEIGHT = 0.2
    SETTLE = 5
    """The first ones count in full: what was told may be far off."""
    FAR = 3.0
    """So many times more or less than usual is all that a later one can say."""

    def __init__(self, value: float = 1.0) -> None:
        self.value = value
        self._seen = 0

    def learn(self, ratio: float) -> None:
        if self._seen >= self.SETTLE:
            ratio = min(max(ratio, self.value / self.FAR), self.value * self.FAR)
        self._seen += 1
        self.value += max(self.WEIGHT, 1 / (self._seen + 1)) * (ratio - self.value)


class Pace:
    """Wall seconds that a forward of some shape usually takes here; for who watches for the unusual.

    Settles on the median of the first steps, then follows slowly what stays near it. Slowness that lasts is
    never taken for usual.
    """

    SETTLE = 5
    NEAR = 1.5
    WEIGHT = 0.05

    def __init__(self) -> None:
        self._first: dict[Hashable, list[float]] = {}
        self._usual: dict[Hashable, float] = {}

    def usual_s(self, shape: Hashable) -> float | None:
        """None while too little was seen of this shape."""
        return self._usual.get(shape)

    def seen(self, shape: Hashable) -> bool:
        return shape in self._usual or shape in self._first

    def learn(self, shape: Hashable, seconds: float) -> None:
        usual = self._usual.get(shape)
        if usual is not None:
            if seconds <= self.NEAR * usual:
                self._usual[shape] = usual + self.WEIGHT * (seconds - usual)
            return
        first = self._first.setdefault(shape, [])
        first.append(seconds)
        if len(first) >= self.SETTLE:
            self._usual[shape] = statistics.median(self._first.pop(shape))
