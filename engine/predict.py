"""Seconds: what a job will take, and what a step usually takes here. Pure."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from engine.families.profile import Profile
    from engine.request import DrawRequest


class Predictor:
    """Device seconds a job will take: the profile's, scaled by what was measured here.

    One factor for each size of picture, an exponential mean of measured over predicted; a size not seen yet
    borrows the mean of those that were.
    """

    WEIGHT = 0.2

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._step: dict[int, float] = {}
        self._encode = 1.0
        self._decode = 1.0

    def step_s(self, pixels: int, captions: int = 1) -> float:
        return captions * self.profile.step_s.at(pixels) * self._factor(pixels)

    def encode_s(self, captions: int = 1) -> float:
        return captions * self.profile.encode_s * self._encode

    def decode_s(self, pixels: int) -> float:
        return self.profile.decode_s.at(pixels) * self._decode

    def job_s(self, request: DrawRequest, steps_done: int = 0, *, encoded: bool = False) -> float:
        """What is left of this job, in device seconds."""
        pixels = request.width * request.height
        left = max(0, request.steps - steps_done) * self.step_s(pixels, request.captions)
        return left + self.decode_s(pixels) + (0.0 if encoded else self.encode_s(request.captions))

    def learn_step(self, pixels: int, captions: int, seconds: float) -> None:
        """One job's part of one step took `seconds` of the device."""
        expected = captions * self.profile.step_s.at(pixels)
        if expected > 0:
            self._step[pixels] = _mean(self._step.get(pixels, self._factor(pixels)), seconds / expected)

    def learn_encode(self, captions: int, seconds: float) -> None:
        if self.profile.encode_s > 0:
            self._encode = _mean(self._encode, seconds / (captions * self.profile.encode_s))

    def learn_decode(self, pixels: int, seconds: float) -> None:
        expected = self.profile.decode_s.at(pixels)
        if expected > 0:
            self._decode = _mean(self._decode, seconds / expected)

    def learn_job(self, request: DrawRequest, seconds: float, *, encoded: bool) -> None:
        """A whole job took `seconds` of the device; for who sees no single steps."""
        expected = self.job_s(request, encoded=encoded)
        if expected > 0:
            pixels = request.width * request.height
            self.learn_step(
                pixels,
                request.captions,
                seconds / expected * self.step_s(pixels, request.captions),
            )

    def _factor(self, pixels: int) -> float:
        if pixels in self._step:
            return self._step[pixels]
        return sum(self._step.values()) / len(self._step) if self._step else 1.0

    def learned(self) -> dict[str, float]:
        """Factors, for `restore`."""
        return {"encode": self._encode, "decode": self._decode} | {str(p): f for p, f in self._step.items()}

    def restore(self, factors: Mapping[str, float]) -> None:
        for name, factor in factors.items():
            if name == "encode":
                self._encode = factor
            elif name == "decode":
                self._decode = factor
            else:
                self._step[int(name)] = factor


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


def _mean(old: float, new: float) -> float:
    return old + Predictor.WEIGHT * (new - old)
