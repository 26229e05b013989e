"""`python -m tests.crash --kills 500 --seed 1`: one life after the other, each ended by SIGKILL.

Half of the kills come at a random moment, half at a named place between two awaits. Everything is imported
once and each life is a fork, so that hundreds of kills take minutes. A SIGKILL leaves the page cache whole:
this proves the order of the writes, not that the disk keeps them when the power fails.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import logging
import mmap
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import certifi
import structlog

from bot.messages import LANGUAGES, translator
from tests.crash import shops, street
from tests.crash.life import FAILPOINTS, Plan, live
from tests.crash.reckoning import reckon

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Birth = Callable[[Callable[[], None]], Coroutine[None, None, None]]

START_S = 60.0
LIFE_S = 10.0
DRAIN_S = 600.0
SHOPS_LIFE_S = 1.5
BUYERS, GRANTED_AT_MOST, CALLS_AT_MOST = 9, 12, 80
TOLD_EVERY = 50
LAST_TRIES = 20
"""Of a life that is to read Discord's whole list at its start, which has five seconds for it."""


def main() -> int:
    """0 when nothing was lost and nobody overcharged."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--shops", action="store_true", help="buying through the real adapters for Telegram and Discord"
    )
    arguments = parser.parse_args()
    if arguments.shops:
        return kill_shops(arguments.kills, arguments.seed)
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
            limit_s = LIFE_S if at_a_place else chance.uniform(0, 0.3)
            status = run(_life(folder, plan), limit_s, from_its_start=from_its_start)
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                kills += 1
            elif os.WEXITSTATUS(status) == 0:
                survived += 1  # done before it was its turn to die
            else:
                print(f"life {seed} ended with {status} by itself")
                return 1
        if run(_life(folder, Plan(0, requests=0, people=people)), DRAIN_S) != 0:
            print("the last life did not drain")
            return 1
        report = asyncio.run(reckon(folder))
    assert "torch" not in sys.modules
    print(f"{kills} kills, {survived} lives that ended by themselves; {report}")
    return 1 if report.problems else 0


def _life(folder: Path, plan: Plan) -> Birth:
    return lambda on_serving: live(folder, plan, on_serving)


def kill_shops(kills: int, seed: int) -> int:
    """Members buy on Telegram, whose stand-in outlives every kill, and at Discord, which simcord plays."""
    chance, killed, lives = random.Random(seed), 0, 0
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _warm_up(folder)
        port, written = os.pipe()
        count = mmap.mmap(-1, 8)
        platform = os.fork()
        if platform == 0:
            os.close(port)
            street.be_telegram(folder, seed, BUYERS, written, count)
            os._exit(0)
        os.close(written)
        try:
            number = int(os.read(port, 16))
            while killed < kills:
                lives += 1
                grants = chance.randint(1, GRANTED_AT_MOST)
                from_its_start = chance.random() < 0.2
                if chance.random() < 0.6:
                    calls = int.from_bytes(count[:], "little") + chance.randint(1, CALLS_AT_MOST)
                    status = run(
                        functools.partial(shops.on_telegram, folder, number),
                        chance.uniform(0, SHOPS_LIFE_S) if from_its_start else LIFE_S,
                        from_its_start=from_its_start,
                        enough=lambda calls=calls: int.from_bytes(count[:], "little") >= calls,
                    )
                else:
                    status = run(
                        functools.partial(shops.on_discord, folder, number, seed * 10_000 + lives, grants),
                        chance.uniform(0, SHOPS_LIFE_S),
                        from_its_start=from_its_start,
                    )
                if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                    killed += 1
                    if killed % TOLD_EVERY == 0:
                        print(f"{killed} kills", flush=True)
                elif os.WEXITSTATUS(status) != 0:
                    print(f"life {lives} ended with {status} by itself")
                    return 1
            (folder / street.CLOSING).touch()
            quiet = (folder / street.QUIET).exists
            drain: Birth = functools.partial(shops.drain, folder, number, quiet)
            on_discord: Birth = functools.partial(shops.on_discord, folder, number, seed, 0)
            before = shops.started(folder)
            for last in (drain, *[on_discord] * LAST_TRIES, drain):
                if last is on_discord and shops.started(folder) > before:
                    continue
                if (status := run(last, DRAIN_S)) != 0:
                    print(f"the last life did not drain: {status}")
                    return 1
            if shops.started(folder) == before:
                print("Discord's list was never read in time: the machine is too busy")
                return 1
            (folder / street.OVER).touch()
            os.waitpid(platform, 0)
            platform = 0
            report = asyncio.run(shops.reckon(folder, number))
        finally:
            if platform:
                os.kill(platform, signal.SIGKILL)
                os.waitpid(platform, 0)
    print(f"{killed} kills, {lives - killed} lives that ended by themselves; {report}")
    return 1 if report.problems else 0


def _warm_up(folder: Path) -> None:
    """What each life would do anew: read the texts, and 140 certificates where one will do."""
    for language in LANGUAGES:
        translator(language)("error-internal")
    end = "-----END CERTIFICATE-----\n"
    one, _, _ = Path(certifi.where()).read_text("utf-8").partition(end)
    (folder / "roots.pem").write_text(one + end, "utf-8")
    os.environ["SSL_CERT_FILE"] = str(folder / "roots.pem")


def run(
    birth: Birth,
    limit_s: float,
    *,
    from_its_start: bool = False,
    enough: Callable[[], bool] = lambda: False,
) -> int:
    """One life in a fork, killed `limit_s` after it began to serve (or was started); its wait status."""
    serving, begun = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(serving)
        _be_born(birth, begun)
    os.close(begun)
    if not from_its_start:
        select.select([serving], [], [], START_S)
    os.close(serving)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline and not enough():
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _be_born(birth: Birth, begun: int) -> NoReturn:
    try:
        asyncio.run(birth(lambda: os.close(begun)))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
