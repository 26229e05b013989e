"""The Ray back end on this machine, measured with the embedded model, one thread a worker.

    python -m benchmarks.cluster speedup    two workers against one, by turns in the same run
    python -m benchmarks.cluster overhead   one picture at a time: an engine here, and one in an actor
    python -m benchmarks.cluster chaos      the whole bot under load while workers are killed

Each writes its part of docs/benchmarks-cluster.json and all of docs/benchmarks-cluster.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import random
import signal
import statistics
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.cluster_report import scale
from benchmarks.machine import load_average, machine
from bot.app import engine_config
from bot.config.schema import Config
from bot.folders import open_store
from bot.imagine.asker import Asker
from bot.imagine.capabilities import load_capabilities
from bot.imagine.events import Done
from bot.imagine.models import Model, Models
from bot.imagine.options import Options
from bot.imagine.pricing import Pricing
from bot.imagine.service import Service
from engine.fleet.settings import FleetSettings
from engine.request import DrawRequest
from engine.settings import EngineConfig
from storage.records.figures import Outcome
from tests.engine.fleet.raycluster import ONE_THREAD, actors, embedded, front_on, ray_cluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from engine.front import Front

DOCS = Path("docs")
FIGURES = DOCS / "benchmarks-cluster.json"
PAGE = DOCS / "benchmarks-cluster.md"
PROMPTS = (
    "an orange cat on a green meadow",
    "a red house with a blue door under a yellow sun",
    "a white boat on the sea",
    "a green tree left of a pink heart",
)
SIZE_PX, STEPS = 128, 8
PICTURES = 16
"""Different ones in the chaos run; each is drawn again and again."""
UNCACHED = EngineConfig(result_cache_bytes=0)


def request(name: str, n: int) -> DrawRequest:
    return DrawRequest(
        job_id=name,
        prompt=PROMPTS[n % len(PROMPTS)],
        width=SIZE_PX,
        height=SIZE_PX,
        steps=STEPS,
        seed=n,
        flow=f"f{n % 8}",
    )


async def hands(engine: Front, count: int) -> None:
    """Until so many workers are there."""
    while len(engine.snapshot().workers) < count:  # noqa: ASYNC110 - another process comes up
        await asyncio.sleep(0.1)


async def speedup(rounds: int, jobs: int) -> dict[str, Any]:
    """Images a minute of one worker and of two, by turns. While one draws, the other rests in the front."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    with cluster(2) as head:
        async with front_on(head.address, 2, config=UNCACHED) as engine:
            await hands(engine, 2)
            await draw_all(engine, "warm", 8)
            for turn in range(rounds):
                for workers in (1, 2) if turn % 2 else (2, 1):
                    resting = engine._roster.members[f"worker-{1 + turn % 2}"]
                    resting.rests_until = math.inf if workers == 1 else 0.0
                    seconds = await draw_all(engine, f"{turn}-{workers}", jobs)
                    resting.rests_until = 0.0
                    rates[workers].append(60 * jobs / seconds)
    one, two = statistics.median(rates[1]), statistics.median(rates[2])
    return {"jobs": jobs, "one_a_minute": rates[1], "two_a_minute": rates[2], "speedup": two / one}


async def draw_all(engine: Front, name: str, jobs: int) -> float:
    """Seconds until so many pictures are there, all asked for at once."""
    began = time.perf_counter()
    tickets = [engine.submit(request(f"{name}-{n}", n), accepted_before=True) for n in range(jobs)]
    await asyncio.gather(*(ticket.result() for ticket in tickets))
    return time.perf_counter() - began


async def overhead(jobs: int) -> dict[str, Any]:
    """Seconds of one picture on an idle engine, in this process and in an actor, by turns."""
    took: dict[str, list[float]] = {"local": [], "ray": []}
    with cluster(1) as head:
        async with local_engine() as here, front_on(head.address, 1, config=UNCACHED) as front:
            await hands(front, 1)
            engines = {"local": here, "ray": front}
            for turn in range(-2, jobs):
                for name, engine in sorted(engines.items(), reverse=turn % 2 == 1):
                    began = time.perf_counter()
                    await engine.submit(request(f"{name}{turn}", turn % 16)).result()
                    if turn >= 0:
                        took[name].append(time.perf_counter() - began)
    local_s, ray_s = (statistics.median(took[name]) for name in ("local", "ray"))
    return {
        "jobs": jobs,
        "local_ms": 1e3 * local_s,
        "ray_ms": 1e3 * ray_s,
        "overhead_ms": 1e3 * (ray_s - local_s),
        "overhead_part": ray_s / local_s - 1,
    }


async def chaos(minutes: float, kill_every_s: float, at_once: int) -> dict[str, Any]:
    """The bot under load; every so often a worker's process is killed. What came of it, by the ledger."""
    rng, ended, pictures = random.Random(7), Counter[str](), {}
    async with local_engine() as here:
        for n in range(PICTURES):
            pictures[n] = np.asarray((await here.submit(request(f"ref{n}", n)).result()).image, np.int16)
    kills, worst, equal = 0, 0, 0
    with cluster(2) as head, tempfile.TemporaryDirectory() as folder:
        async with bot(head.address, Path(folder)) as (service, engine):
            await hands(engine, 2)
            until, waits = time.monotonic() + 60 * minutes, []

            async def member(number: int) -> None:
                nonlocal worst, equal
                asker, turn = Asker("chaos", str(number)), 0
                while time.monotonic() < until:
                    n, turn = rng.randrange(PICTURES), turn + 1
                    options = Options(
                        prompt=PROMPTS[n % len(PROMPTS)],
                        size=f"{SIZE_PX}x{SIZE_PX}",
                        steps=str(STEPS),
                        seed=str(n),
                    )
                    began = time.monotonic()
                    live = await service.imagine(asker, options, key=f"{number}-{turn}", address={})
                    outcome = await live.outcome()
                    waits.append(time.monotonic() - began)
                    if isinstance(outcome, Done):
                        outcome = await service.read(outcome)
                    ended[type(outcome).__name__] += 1
                    if isinstance(outcome, Done):
                        apart = int(np.abs(pixels(outcome.pictures[0].png) - pictures[n]).max())
                        worst, equal = max(worst, apart), equal + (apart == 0)
                        await service.delivered(live, f"{number}-{turn}")

            async def reaper() -> None:
                nonlocal kills
                while True:
                    await asyncio.sleep(kill_every_s)
                    if found := list(actors(head)):
                        os.kill(rng.choice(found), signal.SIGKILL)
                        kills += 1

            killing = asyncio.create_task(reaper())
            await asyncio.gather(*(member(number) for number in range(at_once)))
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
            rows = await service.store.ledger.rows(limit=10**6)
            findings = [finding.sentence for finding in await service.store.check()]
            counts = engine.snapshot()
    asked, charged = sum(ended.values()), sum(row.charged for row in rows)
    return {
        "minutes": minutes,
        "kill_every_s": kill_every_s,
        "kills": kills,
        "asked": asked,
        "drawn": ended["Done"],
        "lost": asked - len(rows),
        "charged": charged,
        "charged_twice": charged - sum(row.outcome is Outcome.DELIVERED for row in rows),
        "failed": counts.failed,
        "findings": findings,
        "pixels_equal": equal / max(1, ended["Done"]),
        "largest_difference_of_255": worst,
        "median_wait_s": statistics.median(waits),
        "longest_wait_s": max(waits),
    }


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    from io import BytesIO

    from PIL import Image

    return np.asarray(Image.open(BytesIO(png)).convert("RGB"), np.int16)


@contextlib.contextmanager
def cluster(cpus: int) -> Iterator[Any]:
    head = ray_cluster(cpus=cpus)
    try:
        yield head
    finally:
        head.shutdown()


@contextlib.asynccontextmanager
async def local_engine() -> AsyncIterator[Front]:
    from engine.build import build_engine

    engine = await asyncio.to_thread(build_engine, ONE_THREAD, UNCACHED)
    async with engine:
        yield engine


@contextlib.asynccontextmanager
async def bot(address: str, folder: Path) -> AsyncIterator[tuple[Service, Front]]:
    """A service whose engine is the front; nobody has an allowance or a cache."""
    config = Config.model_validate(
        {
            "storage": {"folder": folder},
            "default_tier": "enterprise",
            "engine": {"result_cache_mb": 0},
            "rent": [{"valid_from": "2025-01-01", "gpu_an_hour": 4.2}],
        }
    )
    settings = FleetSettings(health_every_s=1.0, health_timeout_s=5.0, aside_s=5.0)
    terms = engine_config(config)
    async with (
        open_store(config) as store,
        front_on(address, 2, build=embedded(), settings=settings, config=terms) as engine,
    ):
        service = Service(
            config=config,
            models=Models(Model(load_capabilities("embedded"), engine)),
            store=store,
            pricing=Pricing(config),
        )
        await service.start()
        yield service, engine
        await engine.stop(0.0)
        await service.stop()


def write(part: str, figures: dict[str, Any]) -> None:
    """Put this part beside the others, and the page anew."""
    told = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    told[part] = {**figures, "machine": machine()}
    FIGURES.write_text(json.dumps(told, indent=1) + "\n")
    PAGE.write_text(page(told) + scale(told))


def page(told: dict[str, Any]) -> str:
    lines = [
        "# More than one GPU, measured",
        "",
        f"With the embedded model at {SIZE_PX}x{SIZE_PX} in {STEPS} steps, one thread a worker, by "
        "`make bench-cluster`. The machine of each part is in benchmarks-cluster.json.",
        "",
        "| what | must hold | measured |",
        "|---|---|---|",
    ]
    if found := told.get("speedup"):
        one, two = (statistics.median(found[name]) for name in ("one_a_minute", "two_a_minute"))
        measured = f"{found['speedup']:.2f} ({one:.1f} and {two:.1f} images a minute)"
        lines.append(f"| two workers over one, by turns in one run | >= 1.7 | {measured} |")
    if found := told.get("overhead"):
        measured = (
            f"{found['overhead_ms']:.0f} ms, {found['overhead_part']:.1%} "
            f"({found['local_ms']:.0f} ms here, {found['ray_ms']:.0f} ms in an actor)"
        )
        lines.append(
            f"| one picture through Ray, over an engine in this process | <= 10 % or 30 ms | {measured} |"
        )
    if found := told.get("chaos"):
        load = f"{found['minutes']:g} minutes, a worker killed every {found['kill_every_s']:g} s"
        measured = (
            f"{found['kills']} kills, {found['asked']} asked, {found['drawn']} drawn, {found['lost']} lost, "
            f"{found['charged_twice']} charged twice, {len(found['findings'])} findings of `easel check`"
        )
        lines.append(f"| {load} | 0 lost, 0 charged twice | {measured} |")
        measured = (
            f"none differs by more than {found['largest_difference_of_255']} of 255 in any pixel; "
            f"{found['pixels_equal']:.0%} are the same to the last bit"
        )
        lines.append(f"| its pictures, against each drawn alone by one engine | equal | {measured} |")
        waited = f"median {found['median_wait_s']:.1f} s, longest {found['longest_wait_s']:.1f} s"
        lines.append(f"| its waits, from asking to the picture | bounded | {waited} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("part", choices=("speedup", "overhead", "chaos"))
    parser.add_argument("--rounds", type=int, default=5, help="speedup: turns of each")
    parser.add_argument("--jobs", type=int, default=40, help="pictures a turn, or in all")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--kill-every", type=float, default=20.0, help="seconds")
    parser.add_argument("--at-once", type=int, default=8, help="members who ask again and again")
    options = parser.parse_args()
    parts = {
        "speedup": partial(speedup, options.rounds, options.jobs),
        "overhead": partial(overhead, options.jobs),
        "chaos": partial(chaos, options.minutes, options.kill_every, options.at_once),
    }
    before = load_average()
    figures = asyncio.run(parts[options.part]())
    print(json.dumps(figures, indent=1))
    write(options.part, {**figures, "load_before": before})


if __name__ == "__main__":
    main()
