"""Fairness, preemption and grouping: the real scheduler on an imagined device, hours in milliseconds."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.simulation import Arrival, Blank, Outcome, simulate
from engine.events import Phase
from engine.families.plan import Need, Plan
from engine.families.profile import Curve, Peaks, Profile
from engine.predict import Predictor
from engine.request import Adapter, DrawRequest, JobState
from engine.shares import Shares, ShareTerms
from engine.worker.job import Job
from engine.worker.memory import MemoryGate
from engine.worker.residency import Held, Residency
from engine.worker.scheduler import Scheduler

TIERS = {"free": ShareTerms(share=0.1), "member": ShareTerms(3), "premium": ShareTerms(6)}
PAYING = ("member", "premium")
PROFILE = Profile(
    "imagined",
    step_s=Curve(((512 * 512, 0.25), (1024 * 1024, 1.0))),
    encode_s=0.1,
    decode_s=Curve(((512 * 512, 0.1), (1024 * 1024, 0.4))),
    peaks=Peaks(step=Curve(((512 * 512, 1e9), (1024 * 1024, 3e9)))),
    batch_gain=Curve(((512 * 512, 1.27), (1024 * 1024, 1.075))),
)
STEP_S = 1.0
PICTURE_S = 8 * STEP_S + 0.5


def request(name: str, tier: str = "free", flow: str = "", side: int = 1024, steps: int = 8) -> DrawRequest:
    return DrawRequest("a cat", side, side, steps, seed=0, tier=tier, flow=flow or name, job_id=name)


def flood(tier: str, count: int, at_s: float = 0.0, **more: int) -> list[Arrival]:
    return [Arrival(at_s, request(f"{tier}{n}", tier, **more)) for n in range(count)]


def draw(arrivals: list[Arrival], max_active: int = 3, **more: float) -> Outcome:
    return simulate(arrivals, PROFILE, tiers=TIERS, max_active=max_active, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("max_active", [1, 3])
@pytest.mark.parametrize("paying", ["member", "premium"])
def test_free_has_a_tenth_of_the_seconds_while_one_who_pays_waits(paying: str, max_active: int) -> None:
    outcome = draw(flood("free", 400) + flood(paying, 400), max_active, until_s=2000)
    assert outcome.gpu_s["free"] / outcome.busy_s == pytest.approx(0.1, abs=0.02)


def test_free_has_all_of_it_when_nobody_who_pays_waits() -> None:
    outcome = draw(flood("free", 400), until_s=1000)
    assert outcome.gpu_s["free"] / 1000 > 0.99


def test_a_lone_free_user_is_drawn_among_a_thousand_premium_jobs() -> None:
    outcome = draw([*flood("premium", 1000), Arrival(1.0, request("lone"))])
    assert outcome.stories["lone"].took_s < 15 * PICTURE_S


@pytest.mark.parametrize("max_active", [1, 2, 3])
@pytest.mark.parametrize("after_s", [0.05, 3.3, 9.9, 26.0])
def test_who_pays_steps_at_once_where_free_jobs_hold_all_places(max_active: int, after_s: float) -> None:
    outcome = draw([*flood("free", 20), Arrival(after_s, request("paid", "premium"))], max_active)
    paid = outcome.stories["paid"]
    assert paid.started_s is not None
    boundary = encode = STEP_S
    round_s = max_active * STEP_S
    assert paid.started_s - paid.arrived_s <= boundary + encode + round_s


def test_three_who_pay_take_all_three_places() -> None:
    arrivals = flood("free", 20) + flood("member", 3, at_s=4.0)
    stories = draw(arrivals).stories
    for n in range(3):
        assert stories[f"member{n}"].took_s < 3 * PICTURE_S + 5 * STEP_S


def test_a_free_job_never_takes_the_place_of_one_who_pays() -> None:
    stories = draw([*flood("premium", 3), Arrival(2.0, request("free"))]).stories
    assert all(story.pauses == 0 for story in stories.values())


def test_those_of_one_tier_do_not_push_each_other_out() -> None:
    stories = draw([*flood("free", 3), Arrival(2.0, request("late"))]).stories
    assert all(story.pauses == 0 for story in stories.values())


def test_pauses_are_few() -> None:
    """Who pays is hardly ever paused, and nobody again and again."""
    rng = random.Random(5)
    arrivals = [
        Arrival(rng.uniform(0, 3000), request(str(n), rng.choice(["free"] * 3 + ["member", "premium"])))
        for n in range(380)
    ]
    stories = draw(arrivals).stories.values()
    assert sum(story.pauses for story in stories) <= 3 * len(stories)
    assert sum(story.pauses for story in stories if story.request.tier == "premium") <= len(arrivals) // 10


def waits(arrivals: list[Arrival], profile: Profile) -> float:
    """Mean seconds from arrival to picture."""
    stories = simulate(arrivals, profile, tiers=TIERS).stories.values()
    return sum(story.took_s for story in stories) / len(stories)


def test_pictures_are_finished_one_by_one_where_a_shared_forward_gains_nothing() -> None:
    """Three in turn would all end last."""
    alone = dataclasses.replace(PROFILE, batch_gain=Curve(((1.0, 1.0),)))
    assert waits(flood("free", 3), alone) == pytest.approx(2 * PICTURE_S, rel=0.1)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 60),
            st.sampled_from(sorted(TIERS)),
            st.sampled_from("abc"),
            st.sampled_from([512, 768, 1024]),
            st.integers(1, 12),
        ),
        max_size=30,
    ),
    st.integers(1, 4),
    st.integers(4, 12),
)
def test_everything_is_drawn_and_billed_within_any_budget(
    jobs: list[tuple[float, str, str, int, int]], max_active: int, budget_gb: int
) -> None:
    arrivals = [
        Arrival(at, request(str(n), tier, flow, side, steps))
        for n, (at, tier, flow, side, steps) in enumerate(jobs)
    ]
    outcome = draw(arrivals, max_active, budget_bytes=budget_gb * 10**9)
    for story in outcome.stories.values():
        assert story.finished_s is not None, "starved"
    assert sum(story.gpu_s for story in outcome.stories.values()) == pytest.approx(outcome.busy_s)


def encoded(made: DrawRequest, arrived_at: float, captions: int = 1) -> Job:
    """A job that has its canvas."""
    plan = Plan(("",) * captions, made.steps, Need(made.width, made.height, captions))
    return Job(made, plan, arrived_at, canvas=Blank(plan.need))


class Bench:
    """A scheduler with jobs put where a test wants them."""

    def __init__(self, max_active: int = 3, budget_bytes: int = 1 << 60, **profile: object) -> None:
        changed = dataclasses.replace(PROFILE, **profile)  # type: ignore[arg-type]
        self.scheduler = Scheduler(
            Shares(TIERS),
            Residency([Held("", MemoryGate(changed, budget_bytes), Predictor(changed))]),
            max_active=max_active,
        )

    def add(
        self,
        name: str,
        *,
        tier: str = "free",
        side: int = 512,
        captions: int = 1,
        lora: str = "",
        at_s: float | None = None,
    ) -> Job:
        adapters = (Adapter(lora),) if lora else ()
        made = dataclasses.replace(request(name, tier, side=side), adapters=adapters)
        job = encoded(made, float(len(self.scheduler)) if at_s is None else at_s, captions)
        self.scheduler.add(job)
        return job

    def groups(self, threads: int) -> list[set[str]]:
        return [{job.job_id for job in work.jobs} for work in self.scheduler.pick(threads)]


def test_equal_keys_share_a_forward() -> None:
    bench = Bench(max_active=8)
    bench.add("a")
    bench.add("b")
    bench.add("wider", side=768)
    bench.add("guided", captions=2)
    bench.add("guided too", captions=2)
    assert sorted(map(sorted, bench.groups(3))) == [
        ["a", "b"],
        ["guided", "guided too"],
        ["wider"],
    ]


def test_a_forward_is_shared_only_with_the_same_loras_and_others_do_not_step_at_the_same_time() -> None:
    bench = Bench(max_active=8)
    for name, lora in (("a", "ink"), ("b", ""), ("c", "ink"), ("d", "")):
        bench.add(name, lora=lora)
    assert bench.groups(2) == [{"b"}, {"d"}], "none were in use"
    (work,) = bench.scheduler.pick(1)
    bench.scheduler.begin(work)
    bench.scheduler.jobs["a"].step = 4  # so that it is due first
    assert bench.groups(1) == [], "the step in flight has none"
    for job in work.jobs:
        job.in_flight = False
    assert bench.groups(1) == [{"a", "c"}]


def test_nobody_is_overtaken_for_their_loras_by_those_who_came_much_later() -> None:
    bench = Bench(max_active=1)
    bench.add("waits", lora="ink", at_s=0.0)
    bench.add("soon", at_s=1.0)
    bench.add("late", at_s=60.0)
    assert bench.groups(1) == [{"soon"}]
    bench.scheduler.drop(bench.scheduler.jobs["soon"])
    assert bench.groups(1) == [{"waits"}]


def test_groups_split_where_threads_would_idle() -> None:
    bench = Bench(max_active=8)
    for n in range(8):
        bench.add(str(n))
    assert sorted(len(group) for group in bench.groups(2)) == [4, 4]


def test_no_batch_where_the_profile_says_it_does_not_pay() -> None:
    bench = Bench(batch_gain=Curve(((512 * 512, 1.3), (1024 * 1024, 1.0))))
    bench.add("a", side=1024)
    bench.add("b", side=1024)
    assert bench.groups(1) == [{"a"}]
    small = Bench(batch_gain=Curve(((512 * 512, 1.3), (1024 * 1024, 1.0))))
    small.add("a")
    small.add("b")
    assert small.groups(1) == [{"a", "b"}]


def test_no_more_join_a_forward_than_memory_holds() -> None:
    bench = Bench(budget_bytes=5 * 10**9 // 2)
    for name in "abc":
        bench.add(name)
    assert bench.groups(1) == [{"a", "b"}]
    bench.scheduler.begin(bench.scheduler.pick(1)[0])
    assert bench.groups(1) == [], "nor beside it"


def test_who_has_the_fewest_steps_left_is_finished_first() -> None:
    bench = Bench()
    for name, side in (("a", 512), ("b", 768), ("c", 1024)):
        bench.add(name, side=side)
    bench.scheduler.jobs["b"].step = 1
    seen = []
    while bench.scheduler.jobs:
        (work,) = bench.scheduler.pick(1)
        bench.scheduler.done(work.phase, work.jobs[0])
        seen.append(work.jobs[0].job_id)
    assert seen == ["b"] * 8 + ["a"] * 9 + ["c"] * 9, "its steps, and its decode"


def test_the_tier_that_is_due_first_steps_first() -> None:
    bench = Bench()
    bench.add("free", tier="free", side=512)
    paying = bench.add("paying", tier="premium", side=768)
    assert bench.groups(1) == [{"paying"}]
    bench.scheduler.served(paying, 300.0)
    assert bench.groups(1) == [{"free"}], "but not for ever"


def test_who_is_overtaken_pauses_at_the_next_step_and_goes_on_later() -> None:
    bench = Bench(max_active=1)
    job = bench.add("running")
    job.step = 1
    (work,) = bench.scheduler.pick(1)
    bench.scheduler.begin(work)
    paying = bench.add("paying", tier="premium")
    assert bench.groups(1) == [{"paying"}]
    assert job.state is JobState.RUNNING, "not before its step is over"
    job.in_flight = False
    assert bench.groups(1) == [{"paying"}]
    assert job.state is JobState.PAUSED
    bench.scheduler.drop(paying)
    assert bench.groups(1) == [{"running"}]
    assert job.state is JobState.RUNNING


def test_a_tier_that_was_behind_in_the_queue_is_behind_at_the_worker() -> None:
    bench = Bench()
    member = bench.add("member", tier="member", side=768)
    bench.scheduler.served(member, 6.0)
    late = encoded(request("late", "free", side=512), 1.0)
    bench.scheduler.add(late, lead_s=-100.0)
    assert bench.groups(1) == [{"late"}]


def test_one_decode_at_a_time_and_before_other_steps() -> None:
    bench = Bench(max_active=2)
    for name in "ab":
        job = bench.add(name)
        job.step, job.state = 8, JobState.DECODING
    bench.add("c")
    picked = [(work.phase, work.jobs[0].job_id) for work in bench.scheduler.pick(3)]
    assert picked == [
        (Phase.DECODE, "a"),
        (Phase.DENOISE, "c"),
    ]
