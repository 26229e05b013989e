"""How long commands take from a cold start: `python -m benchmarks.cold [COMMAND ...] [--beside PYTHON]`.

Each command runs in a process of its own, in a folder with a database and one picture; bytecode is compiled
beforehand. What counts is the shortest of all runs, since other programs on the machine only add to it.
Processor time (user and system, all cores) depends less on them than the time on the clock.

`--beside` names the Python of another installation, such as an older checkout's `.venv/bin/python`. Its runs
take turns with ours.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from benchmarks.machine import load_average, machine

COMMANDS = {
    "easel --version": ("--version",),
    "easel stats": ("stats",),
    "easel key list": ("key", "list"),
    "easel check": ("check",),
    "easel imagine": ("imagine", "a red house", "--seed", "7"),
}


@dataclass(frozen=True, slots=True)
class Took:
    """One run."""

    wall_s: float
    cpu_s: float


def run(python: str, arguments: tuple[str, ...], folder: str) -> Took:
    """One command, to its end. Raises CalledProcessError where it fails."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [python, "-m", "bot", *arguments]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Took(time.perf_counter() - began, usage.ru_utime + usage.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--beside", metavar="PYTHON", help="of another installation, to compare with")
    parser.add_argument(
        "commands", nargs="*", metavar="COMMAND", help=f"by default all: {', '.join(COMMANDS)}"
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.commands) - set(COMMANDS):
        parser.error(f"not known: {', '.join(sorted(unknown))}")
    pythons = {"this": sys.executable}
    if chosen.beside:
        pythons["other"] = os.path.abspath(chosen.beside)
    print(machine(), f"load average {load_average():.1f}")
    with tempfile.TemporaryDirectory() as folder:
        for python in pythons.values():
            run(python, COMMANDS["easel imagine"], folder)
        for name in chosen.commands or COMMANDS:
            arguments = COMMANDS[name]
            took: dict[str, list[Took]] = {which: [] for which in pythons}
            for _ in range(chosen.runs):
                for which, python in pythons.items():
                    took[which].append(run(python, arguments, folder))
            for which, runs in took.items():
                wall_s = min(each.wall_s for each in runs)
                cpu_s = min(each.cpu_s for each in runs)
                print(f"{name:16} {which:6} {wall_s:6.2f} s, processor {cpu_s:6.2f} s")


if __name__ == "__main__":
    main()
