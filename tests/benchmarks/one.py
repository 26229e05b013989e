"""One picture at a time, and eight small ones at once: Easel's engine against the pipeline it is built on.

Both in one process over the same weights, by turns, so that whatever the machine does it does to both.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from typing import TYPE_CHECKING, Any

import torch

from engine.build import build_engine
from engine.request import DrawRequest
from engine.settings import EngineConfig, ModelSettings
from tests.benchmarks.contenders import call, load_pipeline

if TYPE_CHECKING:
    from engine.engine import Engine

CASES = ((128, 128, 8), (192, 192, 8), (256, 192, 8), (128, 128, 4))
GROUP = 8
SIDE = 64


def one(rounds: int = 15) -> dict[str, Any]:
    """One job alone in the engine, over one call of the pipeline in its faster thread setting."""
    return asyncio.run(_one(rounds))


def batch(rounds: int = 10) -> dict[str, Any]:
    """Eight jobs of 64x64 submitted together, over eight calls of the pipeline."""
    return asyncio.run(_batch(rounds))


def _engine(max_active: int) -> Engine:
    config = EngineConfig(max_active=max_active, embedding_cache_bytes=0, result_cache_bytes=0)
    return build_engine(ModelSettings(device="cpu"), config)


async def _draw(engine: Engine, width: int, height: int, steps: int, names: list[str]) -> float:
    """Seconds until the engine has drawn them all."""
    began = time.perf_counter()
    tickets = [
        engine.submit(DrawRequest(name, f"an orange cat, {name}", width, height, steps, seed))
        for seed, name in enumerate(names)
    ]
    await asyncio.gather(*(ticket.result() for ticket in tickets))
    return time.perf_counter() - began


def _loop(pipeline: Any, width: int, height: int, steps: int, names: list[str]) -> float:
    began = time.perf_counter()
    for seed, name in enumerate(names):
        call(pipeline, f"an orange cat, {name}", width, height, steps, seed)
    return time.perf_counter() - began


def _by_threads(pipeline: Any, threads: int, *task: Any) -> float:
    torch.set_num_threads(threads)
    gc.collect()
    return _loop(pipeline, *task)


async def _one(rounds: int) -> dict[str, Any]:
    pipeline = load_pipeline()
    rows, ratios = [], []
    async with _engine(max_active=3) as engine:
        for width, height, steps in CASES:
            by_engine: list[float] = []
            by_pipeline: dict[int, list[float]] = {1: [], 2: []}
            for n in range(rounds + 1):
                names = [f"{width}x{height} {n}"]
                task = (width, height, steps, names)
                for threads, times in by_pipeline.items():
                    times.append(await asyncio.to_thread(_by_threads, pipeline, threads, *task))
                gc.collect()
                by_engine.append(await _draw(engine, *task))
            best = min(by_pipeline.values(), key=lambda times: statistics.median(times[1:]))
            pairs = [
                mine / its for mine, its in zip(by_engine[1:], best[1:], strict=True)
            ]  # the first warms up
            ratios += pairs
            rows.append(
                {
                    "size": f"{width}x{height}",
                    "steps": steps,
                    "engine_s": statistics.median(by_engine[1:]),
                    "pipeline_s": statistics.median(best[1:]),
                    "ratio": statistics.median(pairs),
                }
            )
    return {"rows": rows, "one_job_over_pipeline": statistics.median(ratios)}


async def _batch(rounds: int) -> dict[str, Any]:
    pipeline = load_pipeline()
    ratios, by_engine, by_loop = [], [], []
    async with _engine(max_active=GROUP) as engine:
        for n in range(rounds + 1):
            names = [f"{n}-{i}" for i in range(GROUP)]
            task = (SIDE, SIDE, 8, names)
            loop_s = min([await asyncio.to_thread(_by_threads, pipeline, k, *task) for k in (1, 2)])
            gc.collect()
            engine_s = await _draw(engine, *task)
            if n:  # the first warms up
                by_loop.append(loop_s)
                by_engine.append(engine_s)
                ratios.append(loop_s / engine_s)
    return {
        "engine_s": statistics.median(by_engine),
        "loop_s": statistics.median(by_loop),
        "batch_over_loop": statistics.median(ratios),
    }
