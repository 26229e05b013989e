"""How many workers one front keeps busy: 64 that sleep an A10G's step times, and a front pinned to one core.

    python -m benchmarks.cluster_scale             everything, into docs/benchmarks-cluster.md and .json
    python -m benchmarks.cluster_scale front       the front alone; `whole`: with the bot around it
    python -m benchmarks.cluster_scale --quick     a short check that it runs; writes nothing

Steps are then made shorter and shorter, until the workers wait for the front: there lies its limit. First the
front alone, then with service, store, ledger and PNG files around it. The workers are simulated in the
front's own process, on its own core, so what they cost counts as the front's. They hand over a file that is
ready, as workers do: compressing it is not the front's work.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from benchmarks.machine import load_average
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
from bot.logs import set_up_logs
from engine.families.profile import Curve
from engine.families.registry import load_profile
from engine.fleet.autoscale import ScaleSettings
from engine.fleet.settings import FleetSettings
from engine.front import Front
from engine.png import encode_png
from engine.predict import Predictor
from engine.request import Drawing, DrawRequest, JobState, PngFile, Usage
from engine.worker.protocol import Card, Drawn, Health, Moved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from engine.families.profile import Profile

WORKERS = 64
BACKLOG = 200
"""Jobs that wait, beside those that are with the workers."""
MEMBERS = 50
TIERS = ("free", "member", "premium")
STEPS = 8
SHEET = Path(__file__).parents[1] / "docs" / "contact-sheet.png"


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `faster`: so many times an A10G's speed."""

    whole: bool
    faster: float = 1.0
    warm_up_s: float = 20.0
    """Longer than a job is with its worker."""
    measured_s: float = 20.0
    workers: int = WORKERS


def a10g(faster: float) -> Profile:
    """The seed profile, with all its seconds divided."""
    profile = load_profile("seed-a10g")

    def scaled(curve: Curve) -> Curve:
        return Curve(tuple((pixels, seconds / faster) for pixels, seconds in curve.points))

    return replace(
        profile,
        step_s=scaled(profile.step_s),
        decode_s=scaled(profile.decode_s),
        encode_s=profile.encode_s / faster,
    )


class Sleeper:
    """A worker whose device is a clock. Its jobs take turns, step by step, as an engine's do.

    The device goes on by its own time: it loses none where the loop wakes it late, and stands still only
    when no job was there. So what it idles is what the front kept it waiting.
    """

    def __init__(self, name: str, profile: Profile, picture: bytes) -> None:
        self.name = name
        self.spans: list[tuple[float, float]] = []
        """When it worked, on the loop's clock."""
        self._profile = profile
        self._predictor = Predictor(profile)
        self._picture = picture
        self._turn = asyncio.Lock()
        self._free_at = 0.0
        self._jobs: set[str] = set()

    async def fetch(self) -> None: ...
    async def start(self) -> Card:
        return Card("NVIDIA A10G", (Drawn(self._profile, "one"),))

    async def draw(
        self, request: DrawRequest, hear: Callable[[Moved], None], *, lead_s: float = 0.0
    ) -> Drawing:
        self._jobs.add(request.job_id)
        need = self._profile.plan(request).need
        pixels, captions = need.pixels, need.captions
        encode_s, decode_s = self._predictor.encode_s(captions), self._predictor.decode_s(pixels)
        step_s = self._predictor.step_s(pixels, captions)
        at = await self._work(asyncio.get_running_loop().time(), encode_s)
        for step in range(request.steps):
            at = await self._work(at, step_s)
            hear(Moved(JobState.RUNNING, step + 1))
        await self._work(at, decode_s)
        self._jobs.discard(request.job_id)
        denoise_s = request.steps * step_s
        usage = Usage(request.waited_s, encode_s, denoise_s, decode_s, encode_s + denoise_s + decode_s)
        return Drawing(request, self._picture, usage)

    async def _work(self, ready_at: float, seconds: float) -> float:
        async with self._turn:
            began = max(ready_at, self._free_at)
            self._free_at = began + seconds
            self.spans.append((began, self._free_at))
            await asyncio.sleep(self._free_at - asyncio.get_running_loop().time())
            return self._free_at

    def busy_s(self, from_s: float, to_s: float) -> float:
        return sum(max(0.0, min(end, to_s) - max(began, from_s)) for began, end in self.spans)

    def snapshot(self) -> None: ...
    async def cancel(self, job_id: str) -> None: ...
    async def clear_caches(self) -> None: ...
    async def stop(self) -> None: ...

    async def health(self) -> Health:
        return Health(frozenset(self._jobs))


class Sleepers:
    """All of them, there from the start."""

    def __init__(self, workers: list[Sleeper]) -> None:
        self.workers = workers

    async def arrivals(self) -> AsyncIterator[Sleeper]:
        for worker in self.workers:
            yield worker
        await asyncio.Event().wait()

    def refill(self, worker: object) -> None: ...
    def want(self, count: int) -> None: ...
    async def close(self) -> None: ...


def build(plan: Plan, config: Config) -> tuple[Front, list[Sleeper]]:
    """A front and its workers. Their pictures have as much to compress as drawn ones."""
    with Image.open(SHEET) as sheet:
        picture = sheet.convert("RGB").crop((0, 0, 512, 512)).resize((1024, 1024), Image.Resampling.BICUBIC)
    profile, png = a10g(plan.faster), encode_png(picture, PngFile((("parameters", "a picture"),)))
    workers = [Sleeper(f"w{n}", profile, png) for n in range(plan.workers)]
    count = len(workers)
    front = Front(
        fleet=Sleepers(workers),
        profile=profile,
        config=engine_config(config),
        settings=FleetSettings(scale=ScaleSettings(min_workers=count, max_workers=count)),
    )
    return front, workers


def settings(folder: Path) -> Config:
    """The defaults, without caps and watermarks."""
    tier = {"max_size": 1024, "default_size": 1024, "max_steps": 50, "max_waiting": 1_000_000}
    return Config.model_validate(
        {
            "engine": {"max_waiting": 1_000_000},
            "storage": {"folder": folder},
            "tiers": {
                "free": {**tier, "billing": "none", "weight": 1},
                "member": {**tier, "price": "0.05", "weight": 3},
                "premium": {**tier, "price": "0.03", "weight": 6},
            },
        }
    )


async def alone(plan: Plan, config: Config) -> dict[str, float]:
    """The front and nothing else: a job that is done is followed by another."""
    front, workers = build(plan, config)
    serial = itertools.count()

    async def asking(member: int) -> None:
        while True:
            number = next(serial)
            request = DrawRequest(
                job_id=f"j{number}",
                prompt=f"picture {number}",
                width=1024,
                height=1024,
                seed=number,
                steps=STEPS,
                tier=TIERS[member % len(TIERS)],
                flow=f"m{member % MEMBERS}",
            )
            await front.submit(request).result()

    async with front:
        return await watched(plan, workers, asking)


async def whole(plan: Plan, config: Config) -> dict[str, float]:
    """With all that stands around it: quota, jobs, PNG, file, delivery, ledger."""
    async with open_store(config) as store:
        front, workers = build(plan, config)
        await front.start()
        model = load_capabilities("z-image-turbo")
        service = Service(
            config=config, models=Models(Model(model, front)), store=store, pricing=Pricing(config)
        )
        await service.start()
        serial = itertools.count()

        async def asking(member: int) -> None:
            asker = Asker("bench", f"m{member % MEMBERS}", tier=TIERS[member % len(TIERS)])
            while True:
                number = next(serial)
                options = Options(
                    f"picture {number}",
                    size="1024x1024",
                    steps=str(STEPS),
                    seed=str(number),
                )
                live = await service.imagine(asker, options, key=f"k{number}", address={})
                outcome = await live.outcome()
                if not isinstance(outcome, Done):
                    raise RuntimeError(outcome.message.id)
                await service.delivered(live, f"r{number}")

        try:
            return await watched(plan, workers, asking)
        finally:
            await front.stop(0.0)
            await service.stop()


async def watched(plan: Plan, workers: list[Sleeper], asking: Callable[[int], Any]) -> dict[str, float]:
    """Let as many ask as keeps a backlog, and look at the stretch after the warm-up."""
    clock = asyncio.get_running_loop().time
    card = a10g(plan.faster)
    job_s = Predictor(card).job_s(card.plan(DrawRequest("", 1024, 1024, STEPS, 0, job_id="")))
    count = 4 * plan.workers + BACKLOG

    async def late(number: int) -> None:
        await asyncio.sleep(number / count * 4 * job_s)  # pictures shall not all be done at the same moment
        await asking(number)

    askers = [asyncio.create_task(late(n)) for n in range(count)]
    await asyncio.sleep(plan.warm_up_s)
    began, cpu = clock(), time.process_time()
    await asyncio.sleep(plan.measured_s)
    ended, cpu_s = clock(), time.process_time() - cpu
    for task in askers:
        task.cancel()
    outcomes = await asyncio.gather(*askers, return_exceptions=True)
    broken = [error for error in outcomes if not isinstance(error, asyncio.CancelledError)]
    if broken:
        raise RuntimeError(f"{len(broken)} askers broke: {broken[0]!r}")
    took_s = ended - began
    busy_s = sum(worker.busy_s(began, ended) for worker in workers)
    jobs = busy_s / job_s
    return {
        "busy": busy_s / (took_s * plan.workers),
        "jobs_per_s": jobs / took_s,
        "cpu": cpu_s / took_s,
        "jobs_per_core_s": jobs / cpu_s,
    }


def once(plan: Plan) -> dict[str, Any]:
    """One run in this process, on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with (
        open(os.devnull, "w") as nowhere,
        tempfile.TemporaryDirectory() as name,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        set_up_logs("info", lambda text: text, json=True)
        figures = asyncio.run((whole if plan.whole else alone)(plan, settings(Path(name))))
    return {**asdict(plan), **figures}


def fresh(plan: Plan) -> dict[str, Any]:
    """One run in a process of its own."""
    order = [sys.executable, "-m", "benchmarks.cluster_scale", "--once", json.dumps(asdict(plan))]
    row: dict[str, Any] = json.loads(subprocess.run(order, check=True, capture_output=True).stdout)
    print(
        f"  {'whole' if plan.whole else 'front'} x{plan.faster:g}:"
        f" busy {row['busy']:.3f}, {row['jobs_per_s']:.1f} jobs/s, core {row['cpu']:.2f}",
        flush=True,
    )
    return row


FULL = {
    "front": [
        Plan(whole=False),
        *(Plan(whole=False, faster=n, warm_up_s=5.0, measured_s=6.0) for n in (8, 16, 32, 64)),
    ],
    "whole": [
        Plan(whole=True),
        Plan(whole=True, faster=2, warm_up_s=12.0, measured_s=12.0),
        Plan(whole=True, faster=4, warm_up_s=8.0, measured_s=12.0),
    ],
}
QUICK = [Plan(whole, faster=8, warm_up_s=3.0, measured_s=2.0, workers=8) for whole in (False, True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sections", nargs="*", choices=[*FULL, []], help="what to measure; all by default")
    parser.add_argument("--quick", action="store_true", help="a short check; writes nothing")
    parser.add_argument("--once", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once is not None:
        print(json.dumps(once(Plan(**options.once))))
    elif options.quick:
        for plan in QUICK:
            fresh(plan)
    else:
        from benchmarks.cluster import write  # which has Ray imported

        for section in options.sections or FULL:
            before = load_average()
            rows = [fresh(plan) for plan in FULL[section]]
            write(section, {"rows": rows, "load_before": before})


if __name__ == "__main__":
    main()
