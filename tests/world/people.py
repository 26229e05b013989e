"""Who uses the bot of a world, and what they do when: drawn from its seed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.commands.button_ids import Action, button_id
from bot.imagine.asker import Asker

if TYPE_CHECKING:
    import random

    from bot.imagine.service import Service
    from tests.world.platform import Platform

ACTIVE_S = 150.0
"""Nobody asks for anything after so long."""
TIERS = ("free", "free", "member", "premium", "enterprise")
PRESSED = (Action.CANCEL, Action.CANCEL, Action.AGAIN, Action.DELETE, Action.FETCH, Action.DETAILS)
BUYS = ("boost", "boost", "month")
COMMANDS = ("/cancel", "/quota", "/queue", "/history", "/help")
REDELIVERED = 0.15


@dataclass(frozen=True)
class Person:
    name: str
    tier: str


@dataclass(eq=False)
class Deed:
    """Something that a person types or presses. Its `key` is the platform's id of the event."""

    at_s: float
    who: Person
    key: str
    line: str = ""
    presses: Action | None = None
    replies: str = ""
    """The id of a button of a question."""
    images: int = 0
    taken: bool = False
    """The bot has dealt with it."""


@dataclass
class Street:
    """All people, and the deeds that are yet to come on each platform, in order of time."""

    people: dict[str, list[Person]]
    deeds: dict[str, list[Deed]]
    chance: random.Random
    images: dict[str, int]
    """How many each event asks for, by its key; 0 where that is not its own to say."""
    forgot: set[tuple[str, str]] = field(default_factory=set)
    """Who asked to be forgotten, by platform and name."""
    given: list[Deed] = field(default_factory=list)
    """What was handed to a process: it comes again where that died meanwhile."""

    async def next(self, platform: Platform) -> Deed:
        """The next deed, at its time."""
        coming = self.deeds[platform.name]
        if not coming:
            await asyncio.Event().wait()
        await asyncio.sleep(coming[0].at_s - asyncio.get_running_loop().time())
        deed = coming.pop(0)
        self.given.append(deed)
        return deed

    async def register(self, service: Service, platform: str, person: Person) -> None:
        """Their tier, as an owner has set it."""
        member = await service.members.of(Asker(platform, person.name))
        if member.tier != person.tier and person.tier != service.config.default_tier:
            await service.store.members.set_tier(member.key, person.tier, by="world")

    def process_died(self, platform: Platform, now: float) -> None:
        """What came while nobody was there, or was half taken, comes again, or is lost."""
        lost = [deed for deed in self.given if not deed.taken and deed.key.startswith(platform.name)]
        self.given = [deed for deed in self.given if deed not in lost]
        coming = self.deeds[platform.name]
        if platform.redelivers:
            coming[:0] = lost
        else:
            coming[:] = [deed for deed in coming if deed.at_s > now]

    def button(self, platform: Platform, deed: Deed) -> str | None:
        """A button below one of their messages."""
        theirs = [post.request_id for post in platform.posts.values() if post.chat == deed.who.name]
        if not theirs or deed.presses is None:
            return None
        return button_id(deed.presses, self.chance.choice(theirs[-3:]))

    @property
    def quiet(self) -> bool:
        return not any(self.deeds.values())


def draw_street(chance: random.Random, platforms: list[Platform]) -> Street:
    """People for each platform, and a few minutes of what they do."""
    people, deeds = {}, {}
    for platform in platforms:
        count = chance.randint(1, 5)
        people[platform.name] = [
            Person(f"{chance.choice(['p', 'p', 'blocked'])}{n}", chance.choice(TIERS)) for n in range(count)
        ]
        drawn = [
            _deed(chance, f"{platform.name}-{n}", chance.choice(people[platform.name]))
            for n in range(chance.randint(3, 14))
        ]
        again = [
            Deed(
                d.at_s + chance.choice([0.0, chance.uniform(0, 60)]),
                d.who,
                d.key,
                d.line,
                d.presses,
                d.replies,
                d.images,
            )
            for d in drawn
            if chance.random() < REDELIVERED
        ]
        deeds[platform.name] = sorted(drawn + again, key=lambda deed: deed.at_s)
    images = {deed.key: deed.images for coming in deeds.values() for deed in coming}
    return Street(people, deeds, chance, images)


def _deed(chance: random.Random, key: str, who: Person) -> Deed:
    burst_s = chance.choice([0.0, 30.0, 60.0, 120.0])
    at_s = burst_s + chance.expovariate(0.3) if chance.random() < 0.5 else chance.uniform(0, ACTIVE_S)
    kind = chance.random()
    if kind < 0.08:
        return Deed(at_s, who, key, replies=f"buy:{chance.choice(BUYS)}")
    if kind < 0.1:
        return Deed(at_s, who, key, replies="forget:")
    if kind < 0.7:
        images = chance.choice([1, 1, 2, 4])
        line = f"/imagine {chance.choice(['a cat', 'a red house', 'a dog'])} --images {images}"
        line += f" --steps {chance.choice([2, 4, 8])} --size {chance.choice(['square', 'portrait'])}"
        if chance.random() < 0.3:
            line += f" --seed {chance.randint(1, 3)}"
        return Deed(at_s, who, key, line, images=images)
    if kind < 0.9:
        return Deed(at_s, who, key, presses=chance.choice(PRESSED))
    return Deed(at_s, who, key, chance.choice(COMMANDS))
