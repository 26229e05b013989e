"""A tier with jobs an hour has what nobody else has work for, and no less than those: hours in seconds."""

from __future__ import annotations

import dataclasses

from benchmarks.simulation import Arrival, Outcome, simulate
from engine.families.profile import Curve, Profile
from engine.shares import ShareTerms
from tests.engine import test_scheduler as scheduler
from tests.engine.test_scheduler import flood, request

STEP_S = 5.0
"""So long that an hour has few of them."""
PICTURE_S = 8 * STEP_S + 0.5
PROFILE = dataclasses.replace(scheduler.PROFILE, step_s=Curve(((1024 * 1024, STEP_S),)))

TIERS = {
    "free": ShareTerms(share=0.1),
    "member": ShareTerms(3),
    "premium": ShareTerms(6),
    "slow": ShareTerms(jobs_an_hour=1.0),
}
HOUR_S = 3600


def draw(arrivals: list[Arrival], until_s: float, profile: Profile = PROFILE) -> Outcome:
    return simulate(arrivals, profile, tiers=TIERS, until_s=until_s)


def drawn(outcome: Outcome, tier: str) -> int:
    return sum(s.finished_s is not None for s in outcome.stories.values() if s.request.tier == tier)


def test_beside_others_it_gets_about_a_picture_an_hour() -> None:
    outcome = draw(flood("slow", 40) + flood("premium", 300), 3 * HOUR_S)
    assert 2 <= drawn(outcome, "slow") <= 5
    assert outcome.gpu_s["slow"] / outcome.busy_s < 0.02


def test_beside_free_alone_it_gets_no_tenth_of_that() -> None:
    outcome = draw(flood("slow", 100) + flood("free", 1000), 1.5 * HOUR_S, scheduler.PROFILE)
    assert drawn(outcome, "slow") >= 3
    assert outcome.gpu_s["slow"] / outcome.busy_s < 0.03


def test_it_has_all_of_the_device_when_nobody_else_waits() -> None:
    outcome = draw(flood("slow", 100), HOUR_S)
    assert outcome.gpu_s["slow"] / HOUR_S > 0.99


def test_whoever_comes_does_not_wait_for_it() -> None:
    arrivals = [*flood("slow", 100), Arrival(100.0, request("p", "premium"))]
    outcome = draw(arrivals, 600)
    assert outcome.stories["p"].took_s <= PICTURE_S + 4 * STEP_S


def test_hours_alone_are_not_held_against_it() -> None:
    later = [Arrival(1.0 * HOUR_S, arrival.request) for arrival in flood("premium", 500)]
    outcome = draw(flood("slow", 150) + later, 6 * HOUR_S)
    stories = outcome.stories.values()
    after = [s for s in stories if s.request.tier == "slow" and (s.finished_s or 0) > HOUR_S + 60]
    assert 4 <= len(after) <= 8
