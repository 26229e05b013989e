"""`python -m tests.crash --kills 500 --seed 1`: one life after the other, each ended by SIGKILL.

Half of the kills come at a random moment, half at a named place between two awaits. Everything is imported
once and each life is a fork, so that hundreds of kills take minutes. A SIGKILL leaves the page cache whole:
this proves the order of the writes, not that the disk keeps them when the power fails.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NoReturn

from tests.crash.life import FAILPOINTS, Plan, live
from tests.crash.reckoning import reckon

START_S = 60.0
LIFE_S = 10.0
DRAIN_S = 60.0


def main() -> int:
    """0 when nothing was lost and nobody overcharged."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    people = 10 + arguments.kills // 3
    kills = survived = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        while kills < arguments.kills:
            seed = arguments.seed * 100_000 + kills + survived
            at_a_place = chance.random() < 0.5
            plan = Plan(
                seed,
                requests=chance.randint(5, 25),
                people=people,
                failpoint=chance.choice(FAILPOINTS) if at_a_place else None,
                at_its_nth=chance.randint(1, 8),
            )
            from_its_start = chance.random() < 0.2  # some die while they still put the last life in order
            status = run(
                folder, plan, LIFE_S if at_a_place else chance.uniform(0, 0.3), from_its_start=from_its_start
            )
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                kills += 1
            elif os.WEXITSTATUS(status) == 0:
                survived += 1  # done before it was its turn to die
            else:
                print(f"life {seed} ended with {status} by itself")
                return 1
        if run(folder, Plan(0, requests=0, people=people), DRAIN_S) != 0:
            print("the last life did not drain")
            return 1
        report = asyncio.run(reckon(folder))
    assert "torch" not in sys.modules
    print(f"{kills} kills, {survived} lives that ended by themselves; {report}")
    return 1 if report.problems else 0


def run(folder: Path, plan: Plan, limit_s: float, *, from_its_start: bool = False) -> int:
    """One life in a fork, killed `limit_s` after it began to serve (or was started); its wait status."""
    serving, begun = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(serving)
        _be_born(folder, plan, begun)
    os.close(begun)
    if not from_its_start:
        select.select([serving], [], [], START_S)
    os.close(serving)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _be_born(folder: Path, plan: Plan, begun: int) -> NoReturn:
    try:
        asyncio.run(live(folder, plan, on_serving=lambda: os.close(begun)))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
