"""The fair queue alone: what one more request costs, whatever waits already."""

from __future__ import annotations

import gc
import itertools
import random
import statistics
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.trace import TIERS
from engine.queue import FairQueue
from engine.shares import ShareTerms

WAITING = (1_000, 10_000, 100_000)
TERMS = {"free": ShareTerms(share=0.1), "member": ShareTerms(3), "premium": ShareTerms(6)}
PAIRS = 2_000
"""Submit and pop, as many times in each measurement."""


@dataclass(slots=True, eq=False)
class Claim:
    job_id: str
    tier: str
    flow: str
    cost_s: float
    arrived_at: float
    model: str = ""


class _Crowd:
    """A queue with so many waiting, which each `turn` leaves as long as it was."""

    def __init__(self, waiting: int) -> None:
        self.queue: FairQueue[Claim] = FairQueue(TERMS)
        self._chance = random.Random(waiting)
        self._users = max(40, waiting // 10)
        self._names = 0
        for claim in self._claims(waiting):
            self.queue.push(claim)

    def pairs_s(self) -> float:
        """Seconds for one submit and one pop."""
        claims = self._claims(PAIRS)
        began = time.perf_counter()
        for claim in claims:
            self._turn(claim)
        return (time.perf_counter() - began) / PAIRS

    def _turn(self, claim: Claim) -> None:
        self.queue.push(claim)
        job = self.queue.peek()
        assert job is not None
        self.queue.take(job)
        self.queue.served(job, job.cost_s)
        self.queue.leave(job)

    def _claims(self, count: int) -> list[Claim]:
        return [self._claim() for _ in range(count)]

    def _claim(self) -> Claim:
        self._names += 1
        tier = self._chance.choices(list(TIERS), list(TIERS.values()))[0]
        user = f"{tier}-{self._chance.randrange(self._users)}"
        return Claim(f"{self._names}", tier, user, self._chance.choice((0.2, 0.4, 0.8)), float(self._names))


def queueing(rounds: int = 15) -> dict[str, Any]:
    """Microseconds for one submit and one pop beside 10^3, 10^4 and 10^5 waiting, measured by turns."""
    crowds = {waiting: _Crowd(waiting) for waiting in WAITING}
    times: dict[int, list[float]] = {waiting: [] for waiting in WAITING}
    gc.collect()
    gc.freeze()  # the collector's rounds over what only waits are not the queue's time
    for _ in range(rounds):
        for waiting, crowd in crowds.items():
            times[waiting].append(crowd.pairs_s())
    gc.unfreeze()
    medians = {waiting: statistics.median(found) for waiting, found in times.items()}
    rows = [{"waiting": waiting, "submit_and_pop_us": 1e6 * s} for waiting, s in medians.items()]
    growth = [medians[b] / medians[a] for a, b in itertools.pairwise(WAITING)]
    return {"rows": rows, "growth_per_tenfold": max(growth)}
