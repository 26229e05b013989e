"""`python -m tests.world 0:300`: worlds by their seeds; `python -m tests.world 17 --trace` replays one."""

from __future__ import annotations

import argparse
import faulthandler
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.world.machine import take_over

SHARED_MEMORY = Path("/dev/shm")
PART = 250
"""Seeds for one process; each tells when it is done, so that a long run can go on from there."""
STUCK_S = 300.0
"""Of real time: a world takes a fraction of a second."""


def main() -> int:
    """0 where every world holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    parser.add_argument("seeds", help="one seed, or FIRST:LAST, the last one not included")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--trace", action="store_true", help="tell all that happens")
    parser.add_argument("--twice", action="store_true", help="look whether a seed replays exactly")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    first, _, last = options.seeds.partition(":")
    seeds = range(int(first), int(last) if last else int(first) + 1)
    if options.part:
        return _play(seeds, trace=options.trace, twice=options.twice)
    return _share_out(seeds, options)


def _share_out(seeds: range, options: argparse.Namespace) -> int:
    """Worlds have processes of their own, whose clocks and threads are theirs, and whose strings always hash
    alike.
    """
    size = min(PART, -(-len(seeds) // options.processes))
    parts = [seeds[at : at + size] for at in range(0, len(seeds), size)]
    flags = [flag for flag, on in (("--trace", options.trace), ("--twice", options.twice)) if on]

    began, done, bad, counting = time.perf_counter(), 0, 0, threading.Lock()

    def play(part: range) -> int:
        nonlocal done, bad
        named = f"{part.start}:{part.stop}"
        command = [sys.executable, "-m", "tests.world", named, "--part", *flags]
        failed = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "0"}, check=False).returncode
        with counting:
            done, bad = done + len(part), bad + failed
        if len(parts) > options.processes:
            lasted_s = time.perf_counter() - began
            print(
                f"{named} done: {done:,} of {len(seeds):,} worlds, {bad} failed, {lasted_s:.0f} s", flush=True
            )
        return failed

    with ThreadPoolExecutor(options.processes) as pool:
        failed = sum(pool.map(play, parts))
    print(f"{len(seeds)} worlds in {time.perf_counter() - began:.0f} s; {failed or 'none'} failed.")
    return int(bool(failed))


def _play(seeds: range, *, trace: bool, twice: bool) -> int:
    """How many fail, at most as many as an exit status holds."""
    take_over()
    import gc
    import logging

    from tests.world.invariants import broken
    from tests.world.world import World

    logging.disable()
    gc.collect()
    gc.freeze()
    gc.disable()

    def play(seed: int) -> World:
        where = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
        with tempfile.TemporaryDirectory(prefix=f"easel-world-{seed}-", dir=where) as folder:
            world = World(seed, Path(folder), verbose=trace).run()
            world.problems += broken(world)
            return world

    failed = 0
    for seed in seeds:
        faulthandler.dump_traceback_later(STUCK_S, exit=True)
        world = play(seed)
        problems = list(dict.fromkeys(world.problems))
        if twice and (again := play(seed)).digest != world.digest:
            problems.append(f"does not replay: {world.digest}, then {again.digest}")
        if trace:
            print(f"seed {seed}: {world.lives} lives, {world.now:.0f} s, digest {world.digest}")
        if problems:
            failed += 1
            print(f"seed {seed} FAILS; replay it: python -m tests.world {seed} --trace")
            print("".join(f"    {problem}\n" for problem in problems[:8]), end="", flush=True)
    return min(failed, 100)


if __name__ == "__main__":
    sys.exit(main())
