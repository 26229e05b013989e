"""Two models on one card that holds only one of them: when the other one comes.

Easel's rule (jobs of the model that is there first, for at most 20 s of another's waiting) against switching
whenever the next job in the queue is the other model's. Pure virtual time: queue, scheduler and residency are
the engine's own, the device is imagined. Weights are the profiles' bytes. They come from pinned main memory
over PCIe 4 x16 at 22 GB/s, or from a disk at 3 GB/s; what leaves is dropped, since it has not changed. The
seconds of a picture are the profiles': Z-Image-Turbo's published ones, and klein's, which follow from them by
parameters. The A10G is given those of an RTX 3090, the H100 those of an H800. Not measured on a GPU.

    python -m benchmarks.switching [--load 1.1] [--minutes 30] [--seed 1]

`load` is a multiple of what the card could draw if nothing ever had to come. All pictures are 1024 squared.
"""

from __future__ import annotations

import argparse
import random
import statistics
from dataclasses import dataclass

from benchmarks.simulation import Arrival, Device, Outcome
from engine.families.model import Place
from engine.families.registry import load_profile
from engine.predict import Predictor
from engine.request import DrawRequest
from engine.shares import ShareTerms
from engine.worker.memory import USABLE_PART, MemoryGate, choose_mode
from engine.worker.residency import Held, Residency

MODELS = ("z-image-turbo", "flux.2-klein-4b")
PCIE_4, DISK = 22e9, 3e9
"""Bytes a second."""
MEMBERS = 40
SIDE = 1024


@dataclass(frozen=True)
class Card:
    name: str
    speeds: str
    """Whose seconds it is given."""
    memory_bytes: int
    bytes_per_s: float = PCIE_4


CARDS = (
    Card("A10G", "RTX 3090", 24_146_608_128),
    Card("A10G, from disk", "RTX 3090", 24_146_608_128, DISK),
    Card("H100", "H800", 85_031_714_816),
)


def residency(card: Card, switch_after_s: float) -> Residency:
    budget = round(USABLE_PART * card.memory_bytes)
    models = []
    for name in MODELS:
        profile = load_profile(name, card.speeds)
        gate = MemoryGate(profile, budget, choose_mode(profile, budget, SIDE**2))
        models.append(Held(name, gate, Predictor(profile), Place.HOST))
    models[0].place = Place.DEVICE
    return Residency(models, switch_after_s=switch_after_s)


def arrivals(card: Card, part: float, load: float, minutes: float, seed: int) -> list[Arrival]:
    """Poisson; `part` of them ask for the first model."""
    rng = random.Random(seed)
    coming: list[Arrival] = []
    profiles = [load_profile(name, card.speeds) for name in MODELS]
    requests = [
        DrawRequest("", SIDE, SIDE, profile.default_steps, 0, model=profile.name, job_id="")
        for profile in profiles
    ]
    first_s, second_s = (
        Predictor(profile).job_s(profile.plan(request))
        for profile, request in zip(profiles, requests, strict=True)
    )
    gap_s, now = (part * first_s + (1 - part) * second_s) / load, 0.0
    while (now := now + rng.expovariate(1 / gap_s)) < 60 * minutes:
        asked = requests[rng.random() >= part]
        member = f"member{rng.randrange(MEMBERS)}"
        job_id = str(len(coming))
        coming.append(
            Arrival(
                now,
                DrawRequest("", SIDE, SIDE, asked.steps, 0, model=asked.model, flow=member, job_id=job_id),
            )
        )
    return coming


def run(card: Card, coming: list[Arrival], *, in_order: bool, until_s: float = float("inf")) -> Outcome:
    models = residency(card, 0.0 if in_order else 20.0)
    device = Device(models, {"all": ShareTerms()}, bytes_per_s=card.bytes_per_s, in_order=in_order)
    return device.run(coming, until_s)


def row(card: Card, part: float, load: float, minutes: float, seed: int, *, in_order: bool) -> str:
    coming = arrivals(card, part, load, minutes, seed)
    within = run(card, coming, in_order=in_order, until_s=60 * minutes)
    drawn = sum(story.finished_s is not None for story in within.stories.values())
    stories = run(card, coming, in_order=in_order).stories.values()
    waits = [
        statistics.quantiles([story.took_s for story in stories if story.request.model == name], n=20)
        for name in MODELS
    ]
    cells = (
        card.name,
        f"{part:.0%} / {1 - part:.0%}",
        "per job" if in_order else "Easel",
        f"{drawn / minutes * 60:.0f}",
        *(f"{each[9]:.0f} / {each[18]:.0f} s" for each in waits),
        f"{within.switches / minutes * 60:.0f}",
        f"{within.switch_s / within.ended_s:.1%}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.switching")
    parser.add_argument("--load", type=float, default=1.1)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    first, second = MODELS
    print(
        f"| card | {first} / {second} | switches | images an hour | {first}: p50 / p95 | {second}: p50 / p95 "
        "| switches an hour | time in them |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for card in CARDS:
        for part in (0.5, 0.9):
            for in_order in (True, False):
                print(row(card, part, options.load, options.minutes, options.seed, in_order=in_order))


if __name__ == "__main__":
    main()
