"""docs/benchmarks-cluster.md from the document that docs/benchmarks-cluster.json holds."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.machine import load_average, machine
from tests.benchmarks.report import table

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parents[2] / "docs"


def keep(section: str, figures: dict[str, Any]) -> None:
    """Write one section's figures; the others stay as they are."""
    path = DOCS / "benchmarks-cluster.json"
    sections: dict[str, Any] = json.loads(path.read_text())["sections"] if path.exists() else {}
    at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    sections[section] = {"measured_at": at, "load_average_after": load_average(), **figures}
    document = {"machine": machine(), "sections": sections}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    (DOCS / "benchmarks-cluster.md").write_text(render(document))


def render(document: dict[str, Any]) -> str:
    """The page."""
    at, sections = document["machine"], document["sections"]
    head = (
        "# Benchmarks of the cluster\n\n"
        f"On {at['cpu']}, {at['cores']} cores, {at['memory_gb']} GB; Python {at['python']}, "
        f"torch {at['torch']}, diffusers {at['diffusers']}.\n\n"
        "*This page is written by `tests.benchmarks.cluster_scale` and its neighbours, all figures with it. "
        "A GPU was not measured.*"
    )
    return (
        "\n\n".join([head, *(WRITERS[name](sections[name]) for name in WRITERS if name in sections)]) + "\n"
    )


def _front(section: dict[str, Any]) -> str:
    return (
        "## 64 simulated workers before one front on one core\n\n"
        "Each worker sleeps the seconds of the seed's A10G for 1024x1024 pictures in 8 steps, 3.2 s each, "
        "and stands still only while it has no job. 456 requests are open at any time: 256 with the "
        "workers, 200 in the queue, of 50 members in three tiers. The workers run in the front's process; "
        "what their simulation costs is counted as the front's; so is writing the log.\n\n" + _scale(section)
    )


def _whole(section: dict[str, Any]) -> str:
    return (
        "### The same with the whole bot around it, still on one core\n\n"
        "Quota, jobs, PNG, file, delivery and ledger of each picture.\n\n" + _scale(section)
    )


def _scale(section: dict[str, Any]) -> str:
    rows = [
        (
            f"{row['faster']:g}",
            f"{100 * row['busy']:.1f} %",
            f"{row['jobs_per_s']:.1f}",
            f"{100 * row['cpu']:.0f} %",
            f"{row['jobs_per_core_s']:.0f}",
        )
        for row in section["rows"]
    ]
    head = ("times an A10G's speed", "workers busy", "jobs/s", "of the core", "jobs per second of the core")
    return table(head, rows)


WRITERS: dict[str, Callable[[dict[str, Any]], str]] = {"front": _front, "whole": _whole}
"""The sections, in the page's order."""
