"""The time told to who waits: right while others wait too, and after a step that took much too long."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from engine.families.profile import Curve
from engine.fleet.settings import FleetSettings
from engine.front import Front
from engine.settings import EngineConfig
from engine.worker.protocol import Drawn
from tests.engine.fakes import PROFILE
from tests.engine.fleet import virtual
from tests.engine.fleet.simulated import SimulatedFleet, SimulatedWorker
from tests.engine.studio import TIERS, request

JOBS = 120
STEPS = 4
EVERY_S = 4.0
"""Between two jobs; one takes as long, so that a queue builds up and stays."""
SLOW_AT_S = 120.0
WITHIN, MOSTLY = 2.0, 0.9


async def tell(slower: float, lasts_s: float) -> list[tuple[float, float]]:
    """The seconds told to jobs that wait, when they came, and what it took from then on."""
    loop, rng = asyncio.get_running_loop(), random.Random(7)
    told: list[tuple[float, float]] = []

    async def step(seconds: float) -> None:
        await asyncio.sleep(seconds)

    worker = SimulatedWorker("one", tick=step)
    usual = worker.card
    points = tuple((pixels, slower * seconds) for pixels, seconds in PROFILE.step_s.points)

    async def be_slow() -> None:
        await asyncio.sleep(SLOW_AT_S)
        worker.card = replace(usual, models=(Drawn(replace(PROFILE, step_s=Curve(points)), "one"),))
        await asyncio.sleep(lasts_s)
        worker.card = usual

    front = Front(
        fleet=SimulatedFleet([worker]),
        profile=PROFILE,
        config=EngineConfig(tiers=TIERS, max_waiting=JOBS, result_cache_bytes=0),
        settings=FleetSettings(),
        clock=loop.time,
    )

    async def ask(number: int) -> None:
        await asyncio.sleep(number * EVERY_S * rng.uniform(0.9, 1.1))
        ticket = front.submit(request(f"j{number}", steps=STEPS, seed=number))
        at_s, eta_s = loop.time(), ticket.progress().eta_s
        await ticket.result()
        told.append((eta_s, loop.time() - at_s))

    async with front:
        await asyncio.gather(be_slow(), *(ask(number) for number in range(JOBS)))
    return told


@pytest.mark.parametrize(
    ("slower", "lasts_s"),
    [(1.0, 0.0), (60.0, 1.0)],
    ids=["steady", "one step that hung for a minute"],
)
def test_what_is_told_is_mostly_within_a_factor_of_two(slower: float, lasts_s: float) -> None:
    told = virtual.run(tell(slower, lasts_s))
    right = [1 / WITHIN <= eta_s / took_s <= WITHIN for eta_s, took_s in told]
    assert sum(right) >= MOSTLY * len(right)
