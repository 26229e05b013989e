"""`make bench`: Easel against the usual ways to put diffusers behind a bot, and against itself.

    python -m benchmarks.bench                 everything, into docs/benchmarks.md and .json
    python -m benchmarks.bench queue one       only these; the other sections of the files stay
    python -m benchmarks.bench --quick         a short check that it runs; writes nothing

It takes about twenty minutes and wants the machine for itself.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from benchmarks import cores, load, memory, one, pictures, queueing
from benchmarks.machine import load_average, machine
from benchmarks.report import render
from benchmarks.waits_chart import waits_chart

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[1] / "docs"

Section = dict[str, Any]

FULL: dict[str, Callable[[], Section]] = {
    "queue": queueing.queueing,
    "one": one.one,
    "batch": one.batch,
    "load": lambda: load.load(load.Plan()),
    "cores": cores.use_of_cores,
    "pictures": pictures.pictures,
    "memory": memory.memory,
}
QUICK: dict[str, Callable[[], Section]] = {
    "queue": lambda: queueing.queueing(3),
    "one": lambda: one.one(2, warm_up=1),
    "batch": lambda: one.batch(2, warm_up=1),
    "load": lambda: load.load(load.QUICK),
    "cores": lambda: cores.use_of_cores(8),
    "pictures": lambda: pictures.pictures(10, rounds=1),
    "memory": lambda: memory.memory(60),
}
HEADLINES = {
    "load": (
        "paying_p95_over_best",
        "images_per_minute_over_best",
        "failures",
        "max_pixel_difference",
        "billed_over_busy",
    ),
    "one": ("one_job_over_pipeline",),
}
"""Figures that stand at the top level of the JSON, by the section they come from."""


def measure(section: Callable[[], Section]) -> Section:
    """A section's figures, with when they were taken and how busy the machine was before."""
    began, busy = dt.datetime.now(dt.UTC), load_average()
    figures = section()
    return {"measured_at": began.isoformat(timespec="seconds"), "load_average_before": busy, **figures}


def gather(sections: dict[str, Section]) -> dict[str, Any]:
    """The JSON document."""
    headlines = {
        name: sections[section][name]
        for section, names in HEADLINES.items()
        if section in sections
        for name in names
    }
    return {**headlines, "machine": machine(), "sections": sections}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sections", nargs="*", choices=[*FULL, []], help="what to measure; all by default")
    parser.add_argument("--quick", action="store_true", help="a short check; writes nothing")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    known = {} if options.quick or not options.sections else _known()
    for name in options.sections or FULL:
        print(f"{name} ...", flush=True)
        known[name] = measure((QUICK if options.quick else FULL)[name])
        document = gather({section: known[section] for section in FULL if section in known})
        if not options.quick:
            (DOCS / "benchmarks.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
            (DOCS / "benchmarks.md").write_text(render(document))
            if "load" in known:
                (DOCS / "waits.svg").write_text(waits_chart(known["load"]["rows"]))
    print(render(document))


def _known() -> dict[str, Section]:
    """The sections measured before."""
    path = DOCS / "benchmarks.json"
    sections: dict[str, Section] = json.loads(path.read_text())["sections"] if path.exists() else {}
    return sections


if __name__ == "__main__":
    main()
