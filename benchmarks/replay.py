"""Plays a trace to one contender, in a process of its own, and writes down what came of each request.

`python -m benchmarks.replay FOLDER` reads FOLDER/order.json (contender, arrivals) and leaves there
outcome.json and one PNG for each picture.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import structlog

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.trace import Arrival, backlog

PROBE_EVERY_S = 0.01
WARM_UP = 4
"""Pictures drawn before the clock starts."""


class LagProbe:
    """How late the event loop comes round, in seconds."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            due = time.perf_counter() + PROBE_EVERY_S
            await asyncio.sleep(PROBE_EVERY_S)
            self.lags.append(max(0.0, time.perf_counter() - due))

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def replay(
    contender: Contender, arrivals: list[Arrival]
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Ask for each picture at its time, whatever became of those before (an open loop)."""
    rows: list[dict[str, Any]] = []
    pictures: dict[str, bytes] = {}
    began = time.perf_counter()

    async def ask(arrival: Arrival) -> None:
        asked_s = time.perf_counter() - began
        error = ""
        try:
            pictures[arrival.name] = await contender.draw(arrival)
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
        done_s = time.perf_counter() - began
        rows.append(
            {"name": arrival.name, "tier": arrival.tier, "at_s": asked_s, "done_s": done_s, "error": error}
        )

    async with asyncio.TaskGroup() as asking:
        for arrival in arrivals:
            await asyncio.sleep(max(0.0, arrival.at_s - (time.perf_counter() - began)))
            asking.create_task(ask(arrival))
    return rows, pictures


async def main(folder: Path) -> None:
    order = json.loads((folder / "order.json").read_text())
    arrivals = [Arrival(**fields) for fields in order["arrivals"]]
    async with CONTENDERS[order["contender"]]() as contender:
        await replay(contender, backlog(WARM_UP, seed=3))
        before = await contender.figures()
        probe = LagProbe()
        began_s = time.process_time()
        rows, pictures = await replay(contender, arrivals)
        cpu_s = time.process_time() - began_s
        await probe.stop()
        figures = {name: value - before[name] for name, value in (await contender.figures()).items()}
    for name, content in pictures.items():
        (folder / f"{name}.png").write_bytes(content)
    outcome = {"rows": rows, "figures": figures, "lags": probe.lags, "cpu_s": cpu_s}
    (folder / "outcome.json").write_text(json.dumps(outcome))


if __name__ == "__main__":
    import logging

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(main(Path(sys.argv[1])))
