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


def use_of_cores(pictures: int = 200) -> dict[str, Any]:
    """Images a minute of a backlog that is long enough for its end not to matter."""
    count = cores()
    shares = [backlog(pictures)[n::count] for n in range(count)]
    with ThreadPoolExecutor(count) as pool:
        side_by_side = list(pool.map(partial(run, PLAIN), shares))
    easel, plain = (_row(name, [run(name, backlog(pictures))]) for name in (EASEL, PLAIN))
    rows = [easel, plain, _row(f"{count} plain loops, each in a process of its own", side_by_side)]
    if importlib.util.find_spec("ray") is not None:
        rows.insert(1, _row(EASEL_EACH, [run(EASEL_EACH, backlog(pictures))], elsewhere=True))
    return {
        "pictures": pictures,
        "rows": rows,
        "images_per_minute_over_cores": easel["images_per_minute"] / (count * plain["images_per_minute"]),
        "images_per_minute_over_loops": easel["images_per_minute"] / rows[-1]["images_per_minute"],
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
