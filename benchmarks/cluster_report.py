"""The part of docs/benchmarks-cluster.md that tells how much one front can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.report import table

if TYPE_CHECKING:
    from collections.abc import Callable


def scale(told: dict[str, Any]) -> str:
    """The sections that were measured; nothing where none was."""
    writers: dict[str, Callable[[dict[str, Any]], str]] = {"front": _front, "whole": _whole}
    return "".join(f"\n{write(told[name])}\n" for name, write in writers.items() if name in told)


def _front(section: dict[str, Any]) -> str:
    return (
        "## 64 simulated workers before one front on one core\n\n"
        "Each worker sleeps as long as an A10G takes for pictures of 1024x1024 in 8 steps, 3.2 s each, "
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
