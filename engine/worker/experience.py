"""What this machine taught the engine: memory peaks, seconds against the profile's, the usual pace.

The first two are kept on disk, so that a restart does not begin from a table again.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from engine.events import Phase
from engine.predict import Pace, Predictor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from engine.families.model import Measurement
    from engine.families.plan import Need
    from engine.families.profile import Profile
    from engine.worker.executor import Result
    from engine.worker.memory import MemoryGate
    from engine.worker.scheduler import Work

log = structlog.get_logger("engine")

SMALL_S = 0.25
"""Work that takes longer is never tried on one core."""


class Experience:
    """Learns from every piece of work. `key` stands for all that the lessons depend on."""

    def __init__(self, profile: Profile, gate: MemoryGate, *, key: str, path: Path | None) -> None:
        self.predictor = Predictor(profile)
        self._profile = profile
        self._gate = gate
        self._pace = Pace()
        self._key = key
        self._path = path
        self._news = False

    def learn(self, result: Result, measured: Measurement) -> None:
        """Work has come back well."""
        work = result.work
        for job in work.jobs:
            billed_s = result.billed.get(job.job_id, 0.0)
            self.predictor.learn(work.phase, job.plan, billed_s)
            if measured.peak_bytes is not None:
                at_once = 1 if work.phase is Phase.ENCODE else len(work.jobs)
                self.learn_peak(work.phase, job.need, measured.peak_bytes // at_once)
        self._pace.learn(work.kind, result.wall_s)

    def expected_s(self, work: Work) -> float | None:
        """Wall seconds this should take; None while too little is known of its kind."""
        usual_s = self._pace.usual_s(work.kind)
        if work.phase is not Phase.DENOISE or not self._profile.known_device:
            return usual_s
        profile, needs = self._profile, [job.need for job in work.jobs]
        told_s = sum(profile.step_s.at(need.step_pixels) * profile.forwards(need) for need in needs)
        return told_s if usual_s is None else min(usual_s, told_s)

    def smallest_step_s(self) -> float:
        """Device seconds of one step of the smallest picture, from its words on."""
        return self.predictor.encode_s() + self.predictor.step_s(self._profile.min_pixels)

    def is_first(self, work: Work) -> bool:
        """True where nothing of this kind was seen: it may load, compile and tune."""
        return not self._pace.seen(work.kind)

    def with_threads(self, work: Work, cores: int) -> Work:
        """This work on all cores it may have; small work on one, where that was faster for its kind."""
        all_cores, one = replace(work, threads=max(1, cores)), replace(work, threads=1)
        usual_s = self._pace.usual_s(all_cores.kind)
        if usual_s is None or usual_s > SMALL_S:
            return all_cores
        return min(one, all_cores, key=lambda choice: self._pace.usual_s(choice.kind) or 0.0)

    def unknown(self, needs: Iterable[Need]) -> list[Need]:
        """Those of which too little is known."""
        return [need for need in needs if not self._gate.knows(need)]

    async def recall(self) -> None:
        """Take up what an earlier process left, if it can be read and was for the same."""
        if self._path is None or not self._path.exists():
            return
        try:
            told = json.loads(await asyncio.to_thread(self._path.read_text, "utf-8"))
            if told["key"] == self._key:
                self._gate.restore(told["peak_bytes"])
                self.predictor.restore(told["factors"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            path, reason = str(self._path), str(error)
            log.warning("learned_unreadable", action="learned_unreadable", path=path, reason=reason)

    def learn_peak(self, phase: Phase, need: Need, peak_bytes: int) -> None:
        self._news |= self._gate.learn(phase, need, peak_bytes)

    async def save(self) -> None:
        """Write the lessons down, where a peak is new."""
        if self._path is not None and self._news:
            self._news = False
            lessons = {
                "key": self._key,
                "peak_bytes": self._gate.learned(),
                "factors": self.predictor.learned(),
            }
            try:
                await asyncio.to_thread(_write, self._path, lessons)
            except OSError as error:
                log.warning("learned_not_saved", action="learned_not_saved", reason=str(error))


def _write(path: Path, lessons: dict[str, Any]) -> None:
    """Replace the file as a whole: a crash leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(lessons, indent=1, sort_keys=True), encoding="utf-8")
    os.replace(fresh, path)
