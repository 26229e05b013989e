"""One arrival trace for all contenders: who asks for what, and when."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any

TIERS = {"free": 0.7, "member": 0.2, "premium": 0.1}
"""Parts of the arrivals; of the users likewise."""
PAYING = frozenset({"member", "premium"})
USERS = 40
SIZES = ((128, 128), (192, 192), (256, 192))
STEPS = (4, 8)

_COLOURS = ("orange", "blue", "green", "red", "grey", "pink", "yellow", "purple")
_THINGS = ("cat", "boat", "house", "star", "tree", "fish", "heart", "moon")
_PLACES = ("on a green meadow", "below a night sky", "on the sea", "left of a pink heart", "on white")
_LONG = (
    ", painted in soft watercolour on rough paper, warm evening light from the left, long shadows, a quiet"
    " background with a few small clouds, seen from slightly above"
)


@dataclass(frozen=True, slots=True)
class Arrival:
    name: str
    at_s: float
    """Seconds from the start of the load."""
    tier: str
    user: str
    prompt: str
    width: int
    height: int
    steps: int
    seed: int

    @property
    def paying(self) -> bool:
        return self.tier in PAYING

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def trace(per_minute: float, seconds: float, seed: int = 1) -> list[Arrival]:
    """Poisson arrivals, as many as this rate makes on average. The same arguments give the same trace.

    Given their number, the times of a Poisson process are uniform: so the load is the one that was asked for,
    and not a tenth more or less by chance.
    """
    chance = random.Random(seed)
    count = round(per_minute * seconds / 60)
    times = sorted(chance.uniform(0, seconds) for _ in range(count))
    return [_arrival(n, at_s, chance) for n, at_s in enumerate(times)]


def backlog(count: int, seed: int = 2) -> list[Arrival]:
    """So many requests of the same mix, all at once: how fast they are drawn is the saturation."""
    chance = random.Random(seed)
    return [_arrival(n, 0.0, chance) for n in range(count)]


def _arrival(n: int, at_s: float, chance: random.Random) -> Arrival:
    tier = chance.choices(list(TIERS), list(TIERS.values()))[0]
    width, height = chance.choice(SIZES)
    prompt = f"{chance.choice(_COLOURS)} {chance.choice(_THINGS)} {chance.choice(_PLACES)}, number {n}"
    return Arrival(
        name=f"{n:04}",
        at_s=at_s,
        tier=tier,
        user=f"{tier}-{chance.randrange(round(USERS * TIERS[tier]))}",
        prompt=prompt + _LONG if chance.random() < 0.2 else prompt,
        width=width,
        height=height,
        steps=chance.choice(STEPS),
        seed=chance.randrange(2**32),
    )
