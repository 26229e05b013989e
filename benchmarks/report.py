"""docs/benchmarks.md from the document that docs/benchmarks.json holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.waits_chart import OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

TARGETS: dict[str, tuple[str, str, str, Callable[[float], bool]]] = {
    "paying_p95_over_best": (
        "paying p95 time to image, over the best contender's", "{:.3f}", "<= 0.03", lambda x: x <= 0.03,
    ),
    "images_per_minute_over_best": (
        "images a minute, over the best contender's", "{:.3f}", ">= 1.10", lambda x: x >= 1.10,
    ),
    "images_per_minute_over_cores": (
        "images a minute, a process a core, over the cores times the plain loop", "{:.3f}", ">= 0.90",
        lambda x: x >= 0.90,
    ),
    "failures": ("failed requests", "{:.0f}", "0", lambda x: x == 0),
    "max_pixel_difference": (
        "largest pixel difference to the solo run, of 255", "{:.0f}", "<= 2", lambda x: x <= 2,
    ),
    "billed_over_busy": (
        "billed over busy seconds", "{:.4f}", "0.99 - 1.01", lambda x: 0.99 <= x <= 1.01,
    ),
    "loop_lag_p99_ms": ("event-loop lag p99 while drawing, ms", "{:.1f}", "<= 50", lambda x: x <= 50),
    "mixed_over_expected": (
        "images a minute with 40 % from pictures, over what their steps predict", "{:.3f}", "0.95 - 1.05",
        lambda x: 0.95 <= x <= 1.05,
    ),
    "one_job_over_pipeline": (
        "one job alone, over ZImagePipeline.__call__", "{:.3f}", "<= 0.95", lambda x: x <= 0.95,
    ),
    "batch_over_loop": (
        "eight 64x64 jobs together, throughput over the plain loop's", "{:.2f}", ">= 2", lambda x: x >= 2,
    ),
    "growth_per_tenfold": (
        "submit and pop, growth per tenfold waiting", "{:.2f}", "< 1.6", lambda x: x < 1.6,
    ),
    "growth_mb": ("resident memory over 5,000 jobs, MB more", "{:.1f}", "< 50", lambda x: x < 50),
}  # fmt: skip
"""Each figure: what it is, how it is written, what is wanted, and whether it is had."""


def render(document: dict[str, Any]) -> str:
    """The page."""
    sections = document["sections"]
    parts = [_head(document["machine"]), _conclusion(sections), _verdicts(sections)]
    writers: dict[str, Callable[[dict[str, Any]], str]] = {
        "load": _load, "cores": _cores, "pictures": _pictures, "one": _one, "batch": _batch, "queue": _queue,
        "memory": _memory,
    }  # fmt: skip
    parts += [
        write(sections[name]) + f"\n\n*Measured on {sections[name]['measured_at'][:10]}.*"
        for name, write in writers.items()
        if name in sections
    ]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _head(machine: dict[str, Any]) -> str:
    return (
        "# Benchmarks\n\n"
        f"On {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB; "
        f"Python {machine['python']}, torch {machine['torch']}, diffusers {machine['diffusers']}, "
        f"Gradio {machine['gradio']}. The embedded model in fp32.\n\n"
        "*This page is written by `make bench`, all figures with it. A GPU was not measured.*"
    )


def _conclusion(sections: dict[str, Any]) -> str:
    """What it all says, in two sentences and a picture."""
    if "load" not in sections:
        return ""
    rows = {row["contender"]: row for row in sections["load"]["rows"]}
    ours = rows.pop(OURS)
    best = min(rows.values(), key=lambda row: float(row["paying_p95_s"]))
    gain = sections["load"]["images_per_minute_over_best"]
    return (
        "More is asked for than the machine can draw. Of a hundred paying members ninety-five have their "
        f"picture within **{ours['paying_p95_s']:.1f} s**; with the best of the usual ways to put diffusers "
        f"behind a bot ({best['contender']}) within {best['paying_p95_s']:.1f} s. All in all Easel draws "
        f"{gain:.2f} times as many images a minute as the fastest of them, and bills exactly the seconds "
        "that it drew.\n\n![Waits of paying members, by contender](waits.svg)"
    )


def _verdicts(sections: dict[str, Any]) -> str:
    found = {name: value for section in sections.values() for name, value in section.items()}
    rows = [
        (what, form.format(found[name]), wanted, "yes" if holds(found[name]) else "**no**")
        for name, (what, form, wanted, holds) in TARGETS.items()
        if found.get(name) is not None
    ]
    return table(("", "measured", "wanted", "holds"), rows)


def _load(section: dict[str, Any]) -> str:
    rows = [
        (
            row["contender"], row["runs"], f"{row['completed']}", row["failures"],
            f"{row['images_per_minute']:.0f}",
            f"{row['paying_p50_s']:.2f}", f"{row['paying_p95_s']:.2f}",
            f"{row['free_p50_s']:.1f}", f"{row['free_p95_s']:.1f}", row["max_pixel_difference"],
        )
        for row in section["rows"]
    ]  # fmt: skip
    head = (
        "", "runs", "drawn", "failed", "images/min", "paying p50, s", "paying p95, s", "free p50, s",
        "free p95, s", "pixel difference",
    )  # fmt: skip
    swept = [(name, f"{rate:.0f}") for name, rate in section["swept"].items()]
    return (
        "## Under load\n\n"
        f"{section['requests']} requests in {section['seconds']:.0f} s, Poisson arrivals at "
        f"{section['per_minute']:.0f} a minute: 1.2 times the saturation of the best contender, which "
        f"draws a backlog of {section['saturation_pictures']} at {section['saturation']:.0f} a minute. "
        "70 % free, "
        "20 % member, 10 % premium; 40 users; 128x128, 192x192 and 256x192 in 4 and 8 steps; every prompt is "
        "unique, caches and caps are off. Times run from the request to the PNG; images a minute are those "
        "completed, over the time until all are drawn. Easel is the whole bot below its faces, with its "
        "ledger. Each run has a process of its own; where a contender ran twice, at different times, the "
        "times count together.\n\n"
        + table(head, rows)
        + "\n\nEach contender is run in its best setting, its captions unpadded, as it "
        "draws a backlog of "
        f"{section['swept_pictures']} of the same mix:\n\n" + table(("", "images/min"), swept)
    )


def _cores(section: dict[str, Any]) -> str:
    rows = [
        (
            row["contender"],
            f"{row['images_per_minute']:.0f}",
            "" if row["cores_busy"] is None else f"{row['cores_busy']:.2f}",
            "" if row["cpu_s_each"] is None else f"{1000 * row['cpu_s_each']:.0f}",
        )
        for row in section["rows"]
    ]
    return (
        f"## All cores\n\nA backlog of {section['pictures']} of the same mix; means of {section['rounds']} "
        "rounds, by turns. Cores share caches and memory: what plain loops draw side by side is all that "
        "this machine has to give to them. A thread that "
        'waits for a lock would leave cores idle. A process a core is `[engine] backend = "ray"` with '
        "`[ray] workers = 2, gpus = 0, cpus = 1` on two cores.\n\n"
        + table(("", "images/min", "cores busy", "processor time a picture, ms"), rows)
    )


def _pictures(section: dict[str, Any]) -> str:
    return (
        f"## From pictures\n\nA backlog of {section['pictures']} of the same mix, from words alone: "
        f"{section['words_per_minute']:.0f} images a minute. With 30 % of them varied from a picture at a "
        f"strength of 0.6 and 10 % inpainted: {section['mixed_per_minute']:.0f}. Their steps, and encoding "
        f"the pictures, predict {section['expected_work']:.3f} times the work. Medians, by turns."
    )


def _one(section: dict[str, Any]) -> str:
    rows = [
        (
            f"{row['size']}, {row['steps']} steps",
            f"{1000 * row['engine_s']:.0f} ms", f"{1000 * row['pipeline_s']:.0f} ms", f"{row['ratio']:.3f}",
        )
        for row in section["rows"]
    ]  # fmt: skip
    return (
        "## One job alone\n\nThe engine and one call of diffusers' pipeline by turns, the pipeline in its "
        "faster thread setting; medians.\n\n" + table(("", "engine", "pipeline", "ratio"), rows)
    )


def _batch(section: dict[str, Any]) -> str:
    return (
        "## Small pictures together\n\nEight jobs of 64x64 in 8 steps with `max_active = 8`: "
        f"{1000 * section['engine_s']:.0f} ms; one after the other through the pipeline: "
        f"{1000 * section['loop_s']:.0f} ms. Medians; the figure at the top is the median of what each pair "
        "of runs gave."
    )


def _queue(section: dict[str, Any]) -> str:
    rows = [(f"{row['waiting']:,}", f"{row['submit_and_pop_us']:.1f} µs") for row in section["rows"]]
    return "## The queue\n\n" + table(("waiting", "one submit and one pop"), rows)


def _memory(section: dict[str, Any]) -> str:
    rows = [(f"{row['jobs']:,}", f"{row['resident_mb']:.1f}") for row in section["rows"]]
    return (
        "## Memory\n\nSmall jobs in a row through the whole bot, three at a time. Growth counts from the "
        "tenth part of the jobs on.\n\n" + table(("jobs drawn", "resident, MB"), rows)
    )
