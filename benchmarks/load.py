"""The load: one trace at 1.2 times what the best contender can draw, played to each in turn.

Every run has a process of its own. The best contender and Easel run twice, at different times, so that a
machine that changes its speed meanwhile does not decide.
"""

from __future__ import annotations

import io
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.trace import PAYING, TIERS, Arrival, backlog, trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RIVALS = {
    "plain loop": ("plain loop, 1 torch thread", "plain loop, 2 torch threads"),
    "Gradio": ("Gradio, 1 torch thread", "Gradio, 2 torch threads"),
    "threads": (
        "2 threads, 1 torch thread each",
        "3 threads, 1 torch thread each",
        "2 threads, 2 torch threads each",
    ),
}
"""The contenders, each with the settings it is tried in."""
EASEL = "Easel"
OVERLOAD = 1.2


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is run."""

    load_s: float = 90.0
    sweep_pictures: int = 40
    sweep_rounds: int = 1
    saturation_pictures: int = 200
    """A short backlog ends on fewer than all threads, and tells some tenth too little."""


QUICK = Plan(load_s=6.0, sweep_pictures=4, sweep_rounds=1, saturation_pictures=8)


@dataclass(slots=True)
class Run:
    """What one contender made of one trace. Times in seconds from the request to the picture."""

    contender: str
    asked: int
    took_s: dict[str, list[float]] = field(default_factory=lambda: {tier: [] for tier in TIERS})
    drained_s: float = 0.0
    errors: list[str] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    """Processor time of its process, from the first request to the last picture."""

    @property
    def completed(self) -> int:
        return sum(len(times) for times in self.took_s.values())

    @property
    def failures(self) -> int:
        return self.asked - self.completed

    @property
    def images_per_minute(self) -> float:
        return 60 * self.completed / self.drained_s

    @property
    def paying_s(self) -> list[float]:
        return [s for tier in PAYING for s in self.took_s[tier]]


def run(contender: str, arrivals: Sequence[Arrival]) -> Run:
    """Play the arrivals to this contender in a fresh process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        order = {"contender": contender, "arrivals": [arrival.to_json() for arrival in arrivals]}
        (folder / "order.json").write_text(json.dumps(order))
        subprocess.run([sys.executable, "-m", "benchmarks.replay", name], check=True)
        outcome = json.loads((folder / "outcome.json").read_text())
        made = Run(contender, len(arrivals), figures=outcome["figures"], lags=outcome["lags"])
        made.cpu_s = outcome["cpu_s"]
        for row in outcome["rows"]:
            if row["error"]:
                made.errors.append(row["error"])
            else:
                made.took_s[row["tier"]].append(row["done_s"] - row["at_s"])
                made.pictures[row["name"]] = (folder / f"{row['name']}.png").read_bytes()
            made.drained_s = max(made.drained_s, row["done_s"])
    return made


def p(percent: float, values: Iterable[float]) -> float:
    """A percentile; not a number where there is none."""
    held = list(values)
    return float(np.percentile(held, percent)) if held else float("nan")


def max_difference(pictures: dict[str, bytes], solo: dict[str, bytes]) -> int:
    """Largest difference of any pixel of any picture to its solo run, of 255."""
    return max((_difference(pictures[name], solo[name]) for name in pictures if name in solo), default=0)


def _difference(one: bytes, other: bytes) -> int:
    return int(np.abs(_pixels(one) - _pixels(other)).max())


def _pixels(content: bytes) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), dtype=np.int16)


def sweep(plan: Plan) -> dict[str, float]:
    """Images a minute of a backlog, for every contender in every setting; the median of the rounds."""
    settings = [setting for tried in RIVALS.values() for setting in tried] + [EASEL]
    rates: dict[str, list[float]] = {setting: [] for setting in settings}
    for round_ in range(plan.sweep_rounds):
        for setting in settings if round_ % 2 == 0 else reversed(settings):
            rates[setting].append(run(setting, backlog(plan.sweep_pictures)).images_per_minute)
            print(f"  backlog of {plan.sweep_pictures}: {setting}: {rates[setting][-1]:.0f} images/min")
    return {setting: statistics.median(found) for setting, found in rates.items()}


def load(plan: Plan) -> dict[str, Any]:
    """The whole section: its rows and figures."""
    swept = sweep(plan)
    chosen = {name: max(tried, key=swept.__getitem__) for name, tried in RIVALS.items()}
    best = max(chosen.values(), key=swept.__getitem__)
    saturation = run(best, backlog(plan.saturation_pictures)).images_per_minute
    print(f"  backlog of {plan.saturation_pictures}: {best}: {saturation:.0f} images/min")
    per_minute = OVERLOAD * saturation
    arrivals = trace(per_minute, plan.load_s)
    others = [setting for setting in chosen.values() if setting != best]
    runs: list[Run] = []
    for contender in [best, EASEL, *others, EASEL, best]:
        runs.append(made := run(contender, arrivals))
        print(
            f"  {len(arrivals)} requests: {contender}: {made.images_per_minute:.0f} images/min,"
            f" paying p95 {p(95, made.paying_s):.2f} s, {made.failures} failures {made.errors[:1] or ''}"
        )
    plain = next(made for made in runs if made.contender == chosen["plain loop"])
    return {
        "seconds": plan.load_s,
        "requests": len(arrivals),
        "per_minute": per_minute,
        "swept_pictures": plan.sweep_pictures,
        "swept": swept,
        "saturation_pictures": plan.saturation_pictures,
        "saturation": saturation,
        **_verdict(runs, plain.pictures),
    }


def _verdict(runs: Sequence[Run], solo: dict[str, bytes]) -> dict[str, Any]:
    """Several runs of one contender count together. The plain loop's pictures are the solo runs."""
    names = list(dict.fromkeys(made.contender for made in runs))
    rows = [_row([made for made in runs if made.contender == name], solo) for name in names]
    easel = next(row for row in rows if row["contender"] == EASEL)
    rivals = [row for row in rows if row["contender"] != EASEL]
    lags = [lag for made in runs if made.contender == EASEL for lag in made.lags]
    return {
        "rows": rows,
        "paying_p95_over_best": easel["paying_p95_s"] / min(row["paying_p95_s"] for row in rivals),
        "images_per_minute_over_best": easel["images_per_minute"]
        / max(row["images_per_minute"] for row in rivals),
        "failures": easel["failures"],
        "max_pixel_difference": easel["max_pixel_difference"],
        "billed_over_busy": easel["billed_over_busy"],
        "loop_lag_p99_ms": 1000 * p(99, lags),
    }


def _row(runs: Sequence[Run], solo: dict[str, bytes]) -> dict[str, Any]:
    took_s = {tier: [s for made in runs for s in made.took_s[tier]] for tier in TIERS}
    paying_s = [s for made in runs for s in made.paying_s]
    billed_s = sum(made.figures.get("billed_s", 0.0) for made in runs)
    busy_s = sum(made.figures.get("busy_s", 0.0) for made in runs)
    return {
        "contender": runs[0].contender,
        "runs": len(runs),
        "completed": sum(made.completed for made in runs),
        "failures": sum(made.failures for made in runs),
        "images_per_minute": statistics.mean(made.images_per_minute for made in runs),
        "images_per_minute_each": [made.images_per_minute for made in runs],
        "paying_p50_s": p(50, paying_s),
        "paying_p95_s": p(95, paying_s),
        "paying_p95_s_each": [p(95, made.paying_s) for made in runs],
        **{f"{tier}_p95_s": p(95, times) for tier, times in took_s.items()},
        "free_p50_s": p(50, took_s["free"]),
        "max_pixel_difference": max(max_difference(made.pictures, solo) for made in runs),
        "billed_over_busy": billed_s / busy_s if busy_s else None,
    }
