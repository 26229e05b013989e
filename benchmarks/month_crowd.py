"""Who asks for what in the simulated month: members of four tiers, by day and night, with a heavy tail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import random

T = TypeVar("T")

HOUR_S, DAY_S = 3600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Habit:
    """How the members of a tier ask."""

    part: float
    """Of all members."""
    images_a_month: float
    """Asked for by one in the mean."""
    sizes: tuple[tuple[int, float], ...]
    steps: int
    platforms: tuple[tuple[str, float], ...]


CHATS = (("discord", 0.6), ("telegram", 0.4))
HABITS = {
    "free": Habit(0.70, 12, ((768, 0.8), (512, 0.2)), 20, CHATS),
    "member": Habit(0.20, 130, ((1024, 0.7), (768, 0.3)), 40, CHATS),
    "premium": Habit(0.08, 420, ((1024, 0.75), (768, 0.15), (1536, 0.1)), 40, CHATS),
    "enterprise": Habit(0.02, 1500, ((1024, 0.9), (1536, 0.08), (2048, 0.02)), 40, (("api", 1.0),)),
}
IMAGES = ((1, 0.7), (2, 0.15), (4, 0.15))
PEAK_HOUR, NIGHT = 21.0, 0.15
"""Most is asked at nine in the evening, and this part of it in the deep of the night."""
WEEKEND = 1.35
FAILED, CANCELLED, BLOCKED = 0.003, 0.005, 0.001
"""Parts of the jobs that fail, that their member cancels while they wait, and that nobody can be given."""


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    tier: str
    platform: str
    images_a_month: float


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of one person."""

    at_s: float
    person: Person
    edge: int
    steps: int
    images: int
    fate: str
    """`drawn`, `failed`, `cancelled` or `blocked`."""


def people(count: int, chance: random.Random) -> list[Person]:
    """So many members, each tier its part; some ask ten times as much as others."""
    found: list[Person] = []
    for tier, habit in HABITS.items():
        number = round(count * habit.part)
        eager = [chance.lognormvariate(0, 0.9) for _ in range(number)]
        mean = sum(eager) / max(1, number)
        for n, factor in enumerate(eager):
            platform = _choose(habit.platforms, chance)
            found.append(Person(f"{tier}-{n}", tier, platform, habit.images_a_month * factor / mean))
    return found


def asks(crowd: list[Person], days: int, limit: int, chance: random.Random) -> list[Ask]:
    """All requests of so many days, in their order; at most `limit` images."""
    each = sum(count * part for count, part in IMAGES)
    found: list[Ask] = []
    for person in crowd:
        habit = HABITS[person.tier]
        number = _poisson(person.images_a_month / each * days / 31, chance)
        found += [_ask(person, habit, days, chance) for _ in range(number)]
    found.sort(key=lambda ask: ask.at_s)
    total = 0
    for n, ask in enumerate(found):
        total += ask.images
        if total > limit:
            return found[:n]
    return found


def _ask(person: Person, habit: Habit, days: int, chance: random.Random) -> Ask:
    return Ask(
        at_s=_moment(days, chance),
        person=person,
        edge=_choose(habit.sizes, chance),
        steps=habit.steps,
        images=_choose(IMAGES, chance),
        fate=_fate(chance),
    )


def _moment(days: int, chance: random.Random) -> float:
    """A second of the month, by day and night and weekend."""
    while True:
        at_s = chance.random() * days * DAY_S
        phase = math.cos((at_s % DAY_S / HOUR_S - PEAK_HOUR) / 24 * 2 * math.pi)
        load = (NIGHT + (1 - NIGHT) * (1 + phase) / 2) * (WEEKEND if int(at_s // DAY_S) % 7 in (2, 3) else 1)
        if chance.random() < load / WEEKEND:
            return at_s


def _fate(chance: random.Random) -> str:
    drawn = chance.random()
    for fate, part in (("failed", FAILED), ("cancelled", CANCELLED), ("blocked", BLOCKED)):
        drawn -= part
        if drawn < 0:
            return fate
    return "drawn"


def _choose(options: tuple[tuple[T, float], ...], chance: random.Random) -> T:
    return chance.choices([value for value, _ in options], [part for _, part in options])[0]


def _poisson(mean: float, chance: random.Random) -> int:
    """Arrivals of rate 1 until `mean`."""
    count, at = 0, chance.expovariate(1)
    while at < mean:
        count, at = count + 1, at + chance.expovariate(1)
    return count
