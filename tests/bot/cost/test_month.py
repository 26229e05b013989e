"""A simulated day with real scheduler, quotas and ledger: the report agrees with a recount, to the micro."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from tests.benchmarks.month import differences, simulate

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_day_of_sixty_members_is_the_same_counted_twice(tmp_path: Path) -> None:
    simulated = await simulate(tmp_path, days=1, members=60, images=400)
    assert simulated.report.total.images > 100
    assert simulated.report.rent.total_micro == 24 * 5_000_000
    assert differences(simulated) == []
    report = simulated.report
    one_more = dataclasses.replace(report.total, cost_micro=report.total.cost_micro + 1)
    later = dataclasses.replace(simulated, report=dataclasses.replace(report, total=one_more))
    assert len(differences(later)) == 1
