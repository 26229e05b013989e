"""The same arrivals on other cards: waiting time by tier, by the engine's own queue, scheduler and gate.

Only the device is imagined. Its times are published ones: the seed article's table (A10G, 40 steps with
guidance, about 5 GB), and Z-Image-Turbo in bf16 at 8 steps (1024 squared: RTX 3090 8.3 s, L20 6.7 s, H800
1.16 s an image).

    python -m benchmarks.simulate [--load 1.2] [--minutes 60] [--seed 1] [--json FILE]

Each card gets the same users, tiers, sizes and order; arrival times are stretched so that each card sees
the same load, a multiple of what it can draw. `first in first out` is the same card with one queue and no
tiers.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.simulation import Arrival, Outcome, simulate
from engine.families.registry import load_profile
from engine.predict import Predictor
from engine.request import DrawRequest
from engine.shares import ShareTerms
from engine.worker.memory import choose_mode

if TYPE_CHECKING:
    from engine.families.profile import Profile

GB = 10**9
TIERS = {"free": 0.70, "member": 0.20, "premium": 0.10}
TERMS = {"free": ShareTerms(share=0.1), "member": ShareTerms(3.0), "premium": ShareTerms(6.0)}
USERS = 40
SIDES = {"free": (512, 768), "member": (768, 1024), "premium": (1024, 1024, 1536)}


@dataclass(frozen=True)
class Card:
    name: str
    profile: Profile
    memory_bytes: int


@dataclass(frozen=True)
class Row:
    card: str
    queue: str
    mode: str
    images_per_hour: float
    p50_s: dict[str, float]
    """Time from request to image, by tier."""
    p95_s: dict[str, float]
    free_share: float
    """Of the GPU-seconds, while the load lasts."""
    pauses: int


def cards() -> list[Card]:
    turbo = [
        Card(device, load_profile("z-image-turbo", device), memory)
        for device, memory in (("RTX 3090", 24 * GB), ("L20", 48 * GB), ("H800", 80 * GB))
    ]
    return [Card("A10G (the article's table)", load_profile("seed-a10g"), 24 * GB), *turbo]


def requests(count: int, rng: random.Random, profile: Profile) -> list[DrawRequest]:
    """The same people asking for the same pictures, whatever the card; steps and guidance are the model's."""
    users = rng.choices(list(TIERS), weights=list(TIERS.values()), k=USERS)
    made = []
    for n in range(count):
        user = rng.randrange(USERS)
        side = rng.choice(SIDES[users[user]])
        steps = profile.qualities[rng.choice(["sketch", "standard", "standard", "standard"])]
        made.append(
            DrawRequest(
                "",
                side,
                side,
                steps,
                0,
                profile.guidance,
                tier=users[user],
                flow=f"user{user}",
                job_id=str(n),
            )
        )
    return made


def arrivals(card: Card, load: float, minutes: float, seed: int) -> list[Arrival]:
    """Poisson arrivals at `load` times what the card can draw."""
    rng = random.Random(seed)
    predictor = Predictor(card.profile)
    sample = requests(400, random.Random(seed), card.profile)
    mean_s = statistics.fmean(predictor.job_s(card.profile.plan(request)) for request in sample)
    gap_s = mean_s / load
    coming, now = [], 0.0
    for request in requests(round(minutes * 60 / gap_s), random.Random(seed), card.profile):
        now += rng.expovariate(1 / gap_s)
        coming.append(Arrival(now, request))
    return coming


def run(card: Card, load: float, minutes: float, seed: int, *, fair: bool) -> Row:
    coming = arrivals(card, load, minutes, seed)
    budget = round(0.95 * card.memory_bytes)
    mode = choose_mode(card.profile, budget, max(max(sides) for sides in SIDES.values()) ** 2)
    tier_of = {arrival.request.job_id: arrival.request.tier for arrival in coming}
    if not fair:
        coming = [Arrival(a.at_s, replace(a.request, tier="all", flow="all")) for a in coming]
    draw = partial(simulate, coming, card.profile, tiers=TERMS, budget_bytes=budget, mode=mode)
    under_load, drained = draw(until_s=minutes * 60), draw()
    took = {tier: sorted(times(drained, tier_of, tier)) for tier in TIERS}
    return Row(
        card=card.name,
        queue="fair" if fair else "first in first out",
        mode=mode.value,
        images_per_hour=len(drained.stories) / drained.ended_s * 3600,
        p50_s={tier: quantile(seconds, 0.50) for tier, seconds in took.items()},
        p95_s={tier: quantile(seconds, 0.95) for tier, seconds in took.items()},
        free_share=sum(s.gpu_s for s in under_load.stories.values() if tier_of[s.request.job_id] == "free")
        / under_load.busy_s,
        pauses=sum(story.pauses for story in drained.stories.values()),
    )


def times(outcome: Outcome, tier_of: dict[str, str], tier: str) -> list[float]:
    return [story.took_s for story in outcome.stories.values() if tier_of[story.request.job_id] == tier]


def quantile(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def table(rows: list[Row]) -> str:
    heads = ["card", "queue", "memory", "images/h", *(f"{tier} p50 / p95" for tier in TIERS), "free's share"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        waits = " | ".join(f"{row.p50_s[tier]:.0f} s / {row.p95_s[tier]:.0f} s" for tier in TIERS)
        cells = [row.card, row.queue, row.mode, f"{row.images_per_hour:.0f}", waits, f"{row.free_share:.0%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Waiting time by tier on cards that are not here.")
    parser.add_argument("--load", type=float, default=1.2, help="arrivals over what the card can draw")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the rows there as well")
    options = parser.parse_args()
    rows = [
        run(card, options.load, options.minutes, options.seed, fair=fair)
        for card in cards()
        for fair in (False, True)
    ]
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps([vars(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
