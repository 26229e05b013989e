"""Five thousand small jobs in a row through the whole bot: what stays in memory."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
from typing import Any

from benchmarks.contenders import Easel
from benchmarks.trace import Arrival

SIDE = 64
STEPS = 1
AT_ONCE = 3
WARM = 0.1
"""Part of the jobs that is drawn before the first look."""


def memory(jobs: int = 5_000) -> dict[str, Any]:
    """Resident megabytes at the tenth part of the jobs and at their end, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", str(jobs)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    samples = [(int(n), float(mb)) for n, mb in json.loads(done.stdout.splitlines()[-1])]
    first = next(mb for n, mb in samples if n >= WARM * jobs)
    rows = [{"jobs": n, "resident_mb": mb} for n, mb in samples]
    return {"jobs": jobs, "rows": rows, "growth_mb": samples[-1][1] - first}


async def _draw(jobs: int) -> list[tuple[int, float]]:
    samples: list[tuple[int, float]] = []
    places = asyncio.Semaphore(AT_ONCE)

    async def draw(easel: Easel, n: int) -> None:
        try:
            arrival = Arrival(f"{n}", 0.0, "member", f"user {n % 40}", f"cat {n}", SIDE, SIDE, STEPS, n)
            await easel.draw(arrival)
        finally:
            places.release()

    async with Easel() as easel, asyncio.TaskGroup() as drawing:
        for n in range(jobs):
            if n % max(1, jobs // 20) == 0:
                samples.append((n, _resident_mb()))
            await places.acquire()
            drawing.create_task(draw(easel, n))
        for _ in range(AT_ONCE):
            await places.acquire()
        samples.append((jobs, _resident_mb()))
    return samples


def _resident_mb() -> float:
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(json.dumps(asyncio.run(_draw(int(sys.argv[1])))))
