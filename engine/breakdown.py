"""A worker that is broken on purpose: `easel selftest` sees that another takes over and draws the same.

The device is broken where that can be done, on a GPU; elsewhere the process is killed. Not run on a GPU yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.build import NAME, build_worker, local_front
from engine.fleet.child import ChildWorker
from engine.request import DrawRequest
from engine.selftest import ENOUGH_DB, PROMPT, Check, Kind, Todo, judged, psnr_db, skipped
from engine.settings import EngineConfig, ModelSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.events import Observer
    from engine.front import Front
    from engine.request import Drawing
    from engine.worker.steploop import StepLoop

    Blow = Callable[[ChildWorker], None]

STEPS = 30
"""Enough for the blow to come in the middle."""
LIMIT_S = 480.0
"""A model is loaded three times within it."""
LOOK_S = 0.05


def breakdowns(settings: ModelSettings, side_px: int, *, on_gpu: bool) -> Iterator[Check]:
    """Both checks, in a loop of their own. Nothing else may hold the device's memory meanwhile."""
    if os.name != "posix":
        yield from (skipped(kind, "not on this system") for kind in (Kind.LOST, Kind.STOPPED))
        return
    with tempfile.TemporaryDirectory() as folder:
        flag = Path(folder) / "break"
        fault = partial(_break, flag) if on_gpu else partial(_signal, signal.SIGKILL)
        blows = {Kind.LOST: fault, Kind.STOPPED: partial(_signal, signal.SIGSTOP)}
        try:
            yield from asyncio.run(_struck(blows, settings, flag, side_px))
        except Exception as error:
            yield judged(Kind.LOST, f"{type(error).__name__}: {error}", False, Todo.REPORT)


def breakable_worker(
    flag: Path, settings: ModelSettings, config: EngineConfig, name: str, observers: Sequence[Observer]
) -> StepLoop:
    """In the worker's process: its device breaks as soon as `flag` is there."""
    threading.Thread(target=_break_at, args=(flag,), daemon=True).start()
    return build_worker(settings, config, name, observers)


def _break_at(flag: Path) -> None:
    while not flag.exists():
        time.sleep(LOOK_S)
    flag.unlink()  # the process that comes after shall last
    import torch

    there = torch.zeros(1, device="cuda")
    with contextlib.suppress(RuntimeError):  # whoever waits for the device hears of it as well
        _ = there[torch.full((1,), 1 << 20, device="cuda")]  # beyond its end: the kernel's assertion fails
        torch.cuda.synchronize()


def _break(flag: Path, _: ChildWorker) -> None:
    flag.touch()


def _signal(number: signal.Signals, worker: ChildWorker) -> None:
    if worker.pid is not None:
        os.kill(worker.pid, number)


async def _struck(
    blows: Mapping[Kind, Blow], settings: ModelSettings, flag: Path, side_px: int
) -> list[Check]:
    """One worker after the other, each struck while it draws."""
    config = EngineConfig(result_cache_bytes=0)
    worker = ChildWorker(NAME, partial(breakable_worker, flag, settings, config))
    checks = []
    async with asyncio.timeout(LIMIT_S), local_front(worker, config, replaces=True) as front:
        before = await front.submit(_request("before", side_px)).result()
        for kind, blow in blows.items():
            first = worker.pid
            after, took_s = await _drawn_despite(front, worker, side_px, blow)
            alike = psnr_db(before.image, after.image)
            found = f"the picture came {took_s:.1f} s after the blow, {alike:.1f} dB like before"
            figures = {"seconds": took_s, "psnr_db": min(alike, 999.0)}
            passed = worker.pid != first and alike >= ENOUGH_DB
            checks.append(judged(kind, found, passed, Todo.RESTART, figures=figures))
    return checks


async def _drawn_despite(
    front: Front, worker: ChildWorker, side_px: int, blow: Blow
) -> tuple[Drawing, float]:
    """A picture whose worker is struck while it is drawn, and how long it took from then on."""
    ticket = front.submit(_request("struck", side_px))
    async for progress in ticket.updates():
        if progress.step:
            break
    blow(worker)
    began = time.perf_counter()
    return await ticket.result(), time.perf_counter() - began


def _request(job_id: str, side_px: int) -> DrawRequest:
    return DrawRequest(PROMPT, side_px, side_px, STEPS, seed=7, job_id=job_id)
