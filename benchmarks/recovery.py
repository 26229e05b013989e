"""A worker in a process of its own: what becomes of the pictures when it is killed, and what it costs.

    python -m benchmarks.recovery                     killed every 10 s for 5 minutes, then child against here
    python -m benchmarks.recovery killed --minutes 1  only that, shorter; --signal STOP: stopped, not killed
    python -m benchmarks.recovery pairs               one picture in the child, one in this process, by turns

The killing goes on below the whole bot: members of three tiers ask all the time, and every picture is stored,
delivered and charged. Each is compared with the one that an undisturbed worker draws afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import itertools
import json
import logging
import os
import signal
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from PIL import Image

from benchmarks.cluster_scale import TIERS, settings
from benchmarks.machine import load_average
from bot.app import engine_config
from bot.folders import open_store
from bot.imagine.asker import Asker
from bot.imagine.capabilities import load_capabilities
from bot.imagine.events import Done
from bot.imagine.models import Model, Models
from bot.imagine.options import Options
from bot.imagine.pricing import Pricing
from bot.imagine.service import Service
from engine.build import build_engine, child_worker, local_front
from engine.events import Action, Event, Observer
from engine.request import DrawRequest
from engine.settings import EngineConfig, ModelSettings, Reach

if TYPE_CHECKING:
    from engine.fleet.child import ChildWorker
    from engine.front import Front
    from storage.store import Store

EVERY_S = 10.0
ASKERS = 9
KINDS = 24
"""Different pictures that are asked for, over and over; nothing is taken from a cache."""
SIDE, STEPS = 128, 8
WARM_UP = 8
"""Pictures that each of a pair draws before the first that counts."""
MODEL = ModelSettings(device="cpu")
PROMPT = "an orange cat on a green meadow, number"


class Returns(Observer):
    """How long after each blow a worker was there again, and a picture."""

    def __init__(self) -> None:
        self.worker_s: list[float] = []
        self.picture_s: list[float] = []
        self._struck_at: float | None = None
        self._joined = False

    def struck(self) -> None:
        self._struck_at, self._joined = time.perf_counter(), False

    @property
    def back(self) -> bool:
        return self._struck_at is None

    def on_event(self, event: Event) -> None:
        if self._struck_at is None:
            return
        since_s = time.perf_counter() - self._struck_at
        if event.action is Action.WORKER_JOINED:
            self._joined = True
            self.worker_s.append(since_s)
        elif event.action is Action.DONE and self._joined:
            self._struck_at = None
            self.picture_s.append(since_s)


def in_child(config: EngineConfig, *observers: Observer) -> tuple[Front, ChildWorker]:
    """What `worker = "child"` builds, and the worker itself."""
    worker = child_worker(MODEL, config)
    front = local_front(worker, config, observers=observers, replaces=True, on_close=worker.close)
    return front, worker


async def killed(lasts_s: float, blow: signal.Signals) -> dict[str, Any]:
    """Strike the worker again and again while members ask."""
    returns = Returns()
    with tempfile.TemporaryDirectory() as name:
        config = settings(Path(name))
        config = config.model_copy(update={"engine": config.engine.model_copy(update={"result_cache_mb": 0})})
        front, worker = in_child(engine_config(config), returns)
        async with open_store(config) as store, front:
            model = load_capabilities(MODEL.source)
            service = Service(
                config=config, models=Models(Model(model, front)), store=store, pricing=Pricing(config)
            )
            await service.start()
            pictures: list[tuple[int, bytes]] = []
            asking = [asyncio.create_task(ask(service, n, pictures, lasts_s)) for n in range(ASKERS)]
            striking = asyncio.create_task(strike(worker, blow, returns, lasts_s))
            asked = sum(await asyncio.gather(*asking))
            await striking
            figures = await accounts(store, len(pictures))
            await service.stop()
    return {
        "blows": len(returns.worker_s),
        "asked": asked,
        "lost": asked - len(pictures),
        **figures,
        "worst_pixel": await compare(pictures),
        "worker_back_s": spread(returns.worker_s),
        "picture_back_s": spread(returns.picture_s),
    }


async def ask(service: Service, member: int, pictures: list[tuple[int, bytes]], lasts_s: float) -> int:
    """One member who asks for the next picture as soon as the last is there. Returns how many were asked."""
    asker = Asker("bench", f"m{member}", tier=TIERS[member % len(TIERS)])
    until = time.perf_counter() + lasts_s
    for number in itertools.count():
        if time.perf_counter() >= until:
            return number
        seed = (ASKERS * number + member) % KINDS
        options = Options(f"{PROMPT} {seed}", size=f"{SIDE}x{SIDE}", steps=str(STEPS), seed=str(seed))
        live = await service.imagine(asker, options, key=f"k{member}-{number}", address={})
        outcome = await live.outcome()
        if isinstance(outcome, Done):
            (picture,) = outcome.pictures
            pictures.append((seed, await service.store.pictures.get(picture.image)))
            await service.delivered(live, f"r{member}-{number}")
    raise AssertionError("never")


async def strike(worker: ChildWorker, blow: signal.Signals, returns: Returns, lasts_s: float) -> None:
    until = time.perf_counter() + lasts_s
    while time.perf_counter() + EVERY_S < until:
        await asyncio.sleep(EVERY_S)
        if returns.back and worker.pid is not None:
            returns.struck()
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, blow)


async def accounts(store: Store, handed_out: int) -> dict[str, Any]:
    """What the ledger says: one row charged for each picture handed out, and its own invariants."""
    charged = after = 0
    while rows := await store.ledger.rows(after=after):
        after = rows[-1].entry
        charged += sum(row.charged for row in rows)
    return {"charged": charged, "charged_twice": charged - handed_out, "findings": len(await store.check())}


async def compare(pictures: list[tuple[int, bytes]]) -> int:
    """The largest difference, of 255, to what a worker draws that nothing befalls."""
    async with build_engine(MODEL, EngineConfig(), reach=Reach.HERE) as front:
        requests = [request(f"r{seed}", seed, f"{PROMPT} {seed}") for seed in range(KINDS)]
        tickets = [front.submit(one) for one in requests]
        wanted = [np.asarray((await ticket.result()).image, np.int16) for ticket in tickets]
    worst = 0
    for seed, png in pictures:
        with Image.open(io.BytesIO(png)) as picture:
            worst = max(worst, int(np.abs(np.asarray(picture.convert("RGB"), np.int16) - wanted[seed]).max()))
    return worst


async def pairs(rounds: int) -> dict[str, Any]:
    """Milliseconds that a picture takes longer in the child than in this process."""
    config = EngineConfig(result_cache_bytes=0, embedding_cache_bytes=0)
    child, _ = in_child(config)
    took: dict[str, list[float]] = {"child": [], "here": []}
    async with child, build_engine(MODEL, config, reach=Reach.HERE) as here:
        for number in range(rounds + WARM_UP):
            fronts = {"child": child, "here": here}
            for name in sorted(fronts, reverse=bool(number % 2)):
                began = time.perf_counter()
                await fronts[name].submit(request(f"{number}", number, f"{PROMPT} {number}")).result()
                took[name].append(1e3 * (time.perf_counter() - began))
    apart = [one - other for one, other in zip(took["child"][WARM_UP:], took["here"][WARM_UP:], strict=True)]
    return {
        "rounds": rounds,
        "here_ms": round(statistics.median(took["here"][WARM_UP:]), 1),
        "child_over_here_ms": round(statistics.median(apart), 1),
    }


def request(job_id: str, seed: int, prompt: str) -> DrawRequest:
    return DrawRequest(prompt, SIDE, SIDE, STEPS, seed, job_id=job_id)


def spread(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {"median": round(statistics.median(seconds), 2), "worst": round(max(seconds), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["killed", "pairs", []], help="both by default")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long it is killed")
    parser.add_argument("--signal", choices=["KILL", "STOP"], default="KILL")
    parser.add_argument("--rounds", type=int, default=60, help="pairs of pictures")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    for part in options.parts or ["killed", "pairs"]:
        before = load_average()
        if part == "killed":
            figures = asyncio.run(killed(60 * options.minutes, signal.Signals[f"SIG{options.signal}"]))
        else:
            figures = asyncio.run(pairs(options.rounds))
        print(part, json.dumps({"load_before": before, **figures}, indent=1), flush=True)


if __name__ == "__main__":
    main()
