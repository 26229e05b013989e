"""The schedule of a world's faults, drawn from its seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.world.platform import Fate

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.world.world import World

OVER_S = 240.0
"""Nothing breaks any more after so long."""
DAY_S = 86_400.0


class Kind(StrEnum):
    """What happens to a world."""

    PLATFORM = "a platform loses, delays, doubles and refuses calls"
    CHAT = "a chat is closed to the bot"
    DISK = "the disk is full"
    KILL = "the process is killed"
    STOP = "the process is stopped, and started again"
    CLOCK = "the clock is stepped"
    WORKER_KILLED = "a worker's process is killed"
    WORKER_FROZEN = "a worker's process answers no more"
    HUNG = "a kernel hangs"
    POISONED = "the CUDA context breaks"
    OUT_OF_MEMORY = "the device runs out of memory"
    BLACK = "pictures are no numbers"
    SLOW = "the device is slow"


MOMENTS = {Kind.KILL, Kind.STOP, Kind.CLOCK, Kind.WORKER_KILLED, Kind.WORKER_FROZEN}


@dataclass(frozen=True)
class Fault:
    """Something that breaks. What is more than a moment is over after `for_s`."""

    at_s: float
    kind: Kind
    for_s: float
    which: int
    """A platform, a worker, a chat: counted round."""
    size: float
    """In 0 .. 1, how bad."""

    def __str__(self) -> str:
        lasting = "" if self.kind in MOMENTS else f" for {self.for_s:.0f} s"
        return f"{self.at_s:6.1f} s: {self.kind}{lasting} ({self.which}, {self.size:.2f})"


def draw_faults(chance: random.Random) -> list[Fault]:
    """Not every kind in every world: what many faults hide, few show."""
    kinds = chance.sample(list(Kind), chance.randint(1, len(Kind)))
    return sorted(
        (
            Fault(
                at_s=chance.uniform(0, OVER_S * 0.8),
                kind=chance.choice(kinds),
                for_s=min(chance.expovariate(1 / 40), OVER_S * 0.2),
                which=chance.randrange(12),
                size=chance.random(),
            )
            for _ in range(chance.choice([0, 1, 2, 3, 5, 8, 12]))
        ),
        key=lambda fault: fault.at_s,
    )


def draw_start_us(chance: random.Random, month_end_us: int) -> int:
    """The wall's clock at the beginning: often a month ends soon, or a day."""
    before_s = chance.choice([chance.uniform(0, 400), DAY_S + chance.uniform(0, 400), 10 * DAY_S])
    return month_end_us - round(before_s * 1e6)


def strike(world: World, fault: Fault) -> Callable[[], None] | None:
    """Let it happen. Returns what makes it whole again, where something does."""
    device, worker = world.device, world.workers[fault.which % len(world.workers)] if world.workers else None
    platform = world.platforms[fault.which % len(world.platforms)]
    match fault.kind:
        case Kind.PLATFORM:
            bad = [fate for n, fate in enumerate(list(Fate)[1:]) if (fault.which + n) % 3]
            platform.trouble = {fate: (0.2 + 0.7 * fault.size) / len(bad) for fate in bad}
            return platform.trouble.clear
        case Kind.CHAT:
            people = world.street.people[platform.name]
            chat = people[fault.which % len(people)].name
            platform.close(chat)
            return lambda: platform.closed.discard(chat)
        case Kind.DISK:
            world.disk_full(True)
            return lambda: world.disk_full(False)
        case Kind.KILL:
            world.kill_in(1 + round(fault.size**3 * 2000))
        case Kind.STOP:
            world.stop()
        case Kind.CLOCK:
            sign = 1 if fault.which % 2 else -1
            world.step_clock(sign * (fault.size**4 * 2 * DAY_S + fault.size))
        case Kind.WORKER_KILLED if worker is not None:
            worker.kill()
        case Kind.WORKER_FROZEN if worker is not None:
            worker.freeze()
        case Kind.HUNG:
            device.hangs += 1
            return device.heal
        case Kind.POISONED:
            device.poisons += 1
            return device.heal
        case Kind.OUT_OF_MEMORY:
            device.runs_out += 1 + round(4 * fault.size)
            return device.heal
        case Kind.BLACK:
            device.blackens += 1 + round(2 * fault.size)
            return device.heal
        case Kind.SLOW:
            device.slow = 1 + 4 * fault.size
            return device.heal
        case _:
            pass
    return None
