"""How much of the machine's cores becomes pictures: Easel, one plain loop, and as many of those as cores.

Cores share caches and memory, so plain loops that run side by side draw less than as many times what one
draws alone. The last row tells how much there is to have here; whoever waits for a lock leaves a core idle.
"""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.load import EASEL, run
from benchmarks.machine import cores
from benchmarks.trace import backlog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.load import Run

PLAIN = "plain loop, 1 torch thread"
EASEL_EACH = "Easel, a process a core"
"""By Ray on this machine, where that is installed."""


def use_of_cores(pictures: int = 100, rounds: int = 2) -> dict[str, Any]:
    """Images a minute of a backlog that is long enough for its end not to matter; means, by turns.

    Easel counts in its better setting, as every contender does.
    """
    count = cores()
    shares = [backlog(pictures)[n::count] for n in range(count)]
    every = f"{count} plain loops, each in a process of its own"
    rows: dict[str, list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for name in (EASEL, EASEL_EACH, PLAIN):
            if name != EASEL_EACH or importlib.util.find_spec("ray") is not None:
                row = _row(name, [run(name, backlog(pictures))], elsewhere=name == EASEL_EACH)
                rows.setdefault(name, []).append(row)
        with ThreadPoolExecutor(count) as pool:
            side_by_side = list(pool.map(partial(run, PLAIN), shares))
        rows.setdefault(every, []).append(_row(every, side_by_side))
    means = {name: _mean(of) for name, of in rows.items()}
    best = max(means[name]["images_per_minute"] for name in (EASEL, EASEL_EACH) if name in means)
    return {
        "pictures": pictures,
        "rounds": rounds,
        "rows": list(means.values()),
        "images_per_minute_over_cores": best / (count * means[PLAIN]["images_per_minute"]),
    }


def _mean(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of the figures of several rounds."""
    figures = ("images_per_minute", "cores_busy", "cpu_s_each")
    return rows[0] | {
        figure: sum(row[figure] for row in rows) / len(rows)
        for figure in figures
        if rows[0][figure] is not None
    }


def _row(name: str, runs: Sequence[Run], *, elsewhere: bool = False) -> dict[str, Any]:
    """Runs at the same time, as one. `elsewhere`: other processes drew, whose time nobody took."""
    row: dict[str, Any] = {
        "contender": name,
        "images_per_minute": sum(made.images_per_minute for made in runs),
        "cores_busy": None,
        "cpu_s_each": None,
    }
    print(f"  {name}: {row['images_per_minute']:.0f} images/min")
    if not elsewhere:
        row["cores_busy"] = sum(made.cpu_s / made.drained_s for made in runs)
        row["cpu_s_each"] = sum(made.cpu_s for made in runs) / sum(made.completed for made in runs)
    return row
