"""A simulated day with real scheduler, quotas and ledger: the report agrees with a recount, to the micro."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from benchmarks.month import differences, simulate
from benchmarks.month_card import Card
from bot.app import tier_terms
from bot.config.schema import Config
from engine.request import DrawRequest

if TYPE_CHECKING:
    from pathlib import Path

    from engine.worker.accounting import Spent


async def test_a_day_of_sixty_members_is_the_same_counted_twice(tmp_path: Path) -> None:
    simulated = await simulate(tmp_path, days=1, members=60, images=400)
    assert simulated.report.total.images > 100
    assert simulated.report.rent.total_micro == 24 * 5_000_000
    assert differences(simulated) == []
    report = simulated.report
    one_more = dataclasses.replace(report.total, cost_micro=report.total.cost_micro + 1)
    later = dataclasses.replace(simulated, report=dataclasses.replace(report, total=one_more))
    assert len(differences(later)) == 1


def test_free_images_get_a_tenth_of_the_card_while_anyone_who_pays_waits() -> None:
    gpu_s = {"free": 0.0, "member": 0.0}

    def drawn(job_id: str, _at_s: float, _waited_s: float, spent: Spent) -> None:
        gpu_s[job_id.partition("-")[0]] += spent.gpu_s

    card = Card(tier_terms(Config()), started=lambda _job, _at_s: None, drawn=drawn)
    for n in range(600):
        for tier in gpu_s:
            flow = f"{tier}-{n % 200}"
            card.submit(
                DrawRequest("a cat", 768, 768, 20, seed=n, tier=tier, flow=flow, job_id=f"{tier}-{n}")
            )
    card.run_until(900.0)
    assert card.queue.depths()["member"] > 0  # they still wait: this was contention all along
    assert 0.08 <= gpu_s["free"] / sum(gpu_s.values()) <= 0.12
