"""Seconds: what a job will take, and what a step usually takes here. Pure."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from engine.families.plan import Plan
    from engine.families.profile import Profile


BEGIN_PART = 0.5
"""Encoding a picture over decoding one, while it was not measured: half the layers, roughly."""


class Predictor:
    """Device seconds a job will take: the profile's, scaled by what was measured here.

    One factor for each size of picture, an exponential mean of measured over predicted; a size not seen yet
    borrows the mean of those that were.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._step: dict[int, Factor] = {}
        self._encode = Factor()
        self._begin = Factor(BEGIN_PART)
        self._decode = Factor()
        self._pace = Factor()

    @property
    def pace(self) -> float:
        """Today's seconds over the profile's, all sizes together; what turns waiting work into time."""
        return self._pace.value

    def step_s(self, pixels: int, forwards: float = 1) -> float:
        return forwards * self.profile.step_s.at(pixels) * self._factor(pixels)

    def encode_s(self, captions: int = 1) -> float:
        return captions * self.profile.encode_s * self._encode.value

    def begin_s(self, pixels: int) -> float:
        """Of encoding one picture to begin from."""
        return self.profile.decode_s.at(pixels) * self._begin.value

    def decode_s(self, pixels: int) -> float:
        return self.profile.decode_s.at(pixels) * self._decode.value

    def job_s(self, plan: Plan, steps_done: int = 0, *, encoded: bool = False) -> float:
        """What is left of this job, in device seconds."""
        need = plan.need
        left = max(0, plan.steps - steps_done) * self.step_s(need.step_pixels, self.profile.forwards(need))
        if not steps_done:
            left += plan.pictures * self.begin_s(plan.picture_pixels)
        return left + self.decode_s(plan.picture_pixels) + (0.0 if encoded else self.encode_s(need.captions))

    def learn_step(self, pixels: int, forwards: float, seconds: float) -> None:
        """One job's part of one step took `seconds` of the device."""
        expected = forwards * self.profile.step_s.at(pixels)
        if expected > 0:
            if pixels not in self._step:
                self._step[pixels] = Factor(self._factor(pixels))
            self._step[pixels].learn(seconds / expected)

    def learn_encode(self, captions: int, seconds: float) -> None:
        if self.profile.encode_s > 0:
            self._encode.learn(seconds / (captions * self.profile.encode_s))

    def learn_begin(self, pixels: int, seconds: float) -> None:
        expected = self.profile.decode_s.at(pixels)
        if expected > 0:
            self._begin.learn(seconds / expected)

    def learn_decode(self, pixels: int, seconds: float) -> None:
        expected = self.profile.decode_s.at(pixels)
        if expected > 0:
            self._decode.learn(seconds / expected)

    def learn_job(self, plan: Plan, seconds: float, *, encoded: bool) -> None:
        """A whole job took `seconds` of the device; for who sees no single steps."""
        need, expected = plan.need, self.job_s(plan, encoded=encoded)
        if expected > 0:
            self._pace.learn(seconds / Predictor(self.profile).job_s(plan, encoded=encoded))
            forwards = self.profile.forwards(need)
            one_s = self.step_s(need.step_pixels, forwards)
            self.learn_step(need.step_pixels, forwards, seconds / expected * one_s)

    def _factor(self, pixels: int) -> float:
        if pixels in self._step:
            return self._step[pixels].value
        known = [factor.value for factor in self._step.values()]
        return sum(known) / len(known) if known else 1.0

    def learned(self) -> dict[str, float]:
        """Factors, for `restore`."""
        steps = {str(pixels): factor.value for pixels, factor in self._step.items()}
        others = {"encode": self._encode, "begin": self._begin, "decode": self._decode}
        return {name: factor.value for name, factor in others.items()} | steps

    def restore(self, factors: Mapping[str, float]) -> None:
        for name, factor in factors.items():
            if name == "encode":
                self._encode = Factor(factor)
            elif name == "begin":
                self._begin = Factor(factor)
            elif name == "decode":
                self._decode = Factor(factor)
            else:
                self._step[int(name)] = Factor(factor)


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
