"""One picture at a time, and eight small ones at once: Easel's engine against the pipeline it is built on.

Both in one process over the same weights, by turns, so that whatever the machine does it does to both.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.contenders import call, load_pipeline
from engine.build import build_engine
from engine.request import DrawRequest
from engine.settings import EngineConfig, ModelSettings

if TYPE_CHECKING:
    from engine.front import Front

CASES = ((128, 128, 8), (192, 192, 8), (256, 192, 8), (128, 128, 4))
GROUP = 8
SIDE = 64
WARM_UP = 12
"""Jobs of a kind before the first that counts; the engine learns from them how many cores a call gains by."""


def one(rounds: int = 15, warm_up: int = WARM_UP) -> dict[str, Any]:
    """One job alone in the engine, over one call of the pipeline in its faster thread setting."""
    return asyncio.run(_one(rounds, warm_up))


def batch(rounds: int = 10, warm_up: int = 2) -> dict[str, Any]:
    """Eight jobs of 64x64 submitted together, over eight calls of the pipeline."""
    return asyncio.run(_batch(rounds, warm_up))


@dataclass(frozen=True, slots=True)
class Task:
    """Pictures of one kind, to be drawn as fast as may be."""

    width: int
    height: int
    steps: int
    names: tuple[str, ...]

    def prompt(self, name: str) -> str:
        return f"an orange cat, {name}"


class Loop:
    """The pipeline, one picture after the other, in each thread setting on a thread of its own."""

    def __init__(self) -> None:
        self._pipeline = load_pipeline()
        self._threads = {
            count: ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(count,))
            for count in (1, 2)
        }

    async def seconds(self, task: Task) -> dict[int, float]:
        """Seconds for the task, by number of torch threads."""
        loop = asyncio.get_running_loop()
        return {
            count: await loop.run_in_executor(thread, self._draw, task)
            for count, thread in self._threads.items()
        }

    def _draw(self, task: Task) -> float:
        gc.collect()
        began = time.perf_counter()
        for seed, name in enumerate(task.names):
            call(self._pipeline, task.prompt(name), task.width, task.height, task.steps, seed)
        return time.perf_counter() - began


def _engine(max_active: int) -> Front:
    config = EngineConfig(max_active=max_active, embedding_cache_bytes=0, result_cache_bytes=0)
    return build_engine(ModelSettings(device="cpu"), config)


async def _seconds(engine: Front, task: Task) -> float:
    """Seconds until the engine has drawn the task's pictures, submitted together."""
    gc.collect()
    began = time.perf_counter()
    tickets = [
        engine.submit(DrawRequest(task.prompt(name), task.width, task.height, task.steps, seed, job_id=name))
        for seed, name in enumerate(task.names)
    ]
    await asyncio.gather(*(ticket.result() for ticket in tickets))
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Pairs:
    """The same tasks in the engine and in the pipeline's faster setting, by turns."""

    engine_s: list[float]
    loop_s: list[float]

    @property
    def ratios(self) -> list[float]:
        return [mine / its for mine, its in zip(self.engine_s, self.loop_s, strict=True)]


async def _by_turns(engine: Front, loop: Loop, tasks: list[Task], warm_up: int) -> Pairs:
    engine_s: list[float] = []
    loop_s: dict[int, list[float]] = {}
    for task in tasks:
        for count, seconds in (await loop.seconds(task)).items():
            loop_s.setdefault(count, []).append(seconds)
        engine_s.append(await _seconds(engine, task))
    measured = [times[warm_up:] for times in loop_s.values()]
    return Pairs(engine_s[warm_up:], min(measured, key=statistics.median))


async def _one(rounds: int, warm_up: int) -> dict[str, Any]:
    loop = Loop()
    rows: list[dict[str, Any]] = []
    ratios: list[float] = []
    async with _engine(max_active=3) as engine:
        for width, height, steps in CASES:
            names = [f"{width}x{height} in {steps} steps, {n}" for n in range(warm_up + rounds)]
            tasks = [Task(width, height, steps, (name,)) for name in names]
            pairs = await _by_turns(engine, loop, tasks, warm_up)
            ratios += pairs.ratios
            rows.append(
                {
                    "size": f"{width}x{height}",
                    "steps": steps,
                    "engine_s": statistics.median(pairs.engine_s),
                    "pipeline_s": statistics.median(pairs.loop_s),
                    "ratio": statistics.median(pairs.ratios),
                }
            )
    return {"rows": rows, "one_job_over_pipeline": statistics.median(ratios)}


async def _batch(rounds: int, warm_up: int) -> dict[str, Any]:
    loop = Loop()
    tasks = [Task(SIDE, SIDE, 8, tuple(f"{n}-{i}" for i in range(GROUP))) for n in range(warm_up + rounds)]
    async with _engine(max_active=GROUP) as engine:
        pairs = await _by_turns(engine, loop, tasks, warm_up)
    return {
        "engine_s": statistics.median(pairs.engine_s),
        "loop_s": statistics.median(pairs.loop_s),
        "batch_over_loop": 1 / statistics.median(pairs.ratios),
    }
