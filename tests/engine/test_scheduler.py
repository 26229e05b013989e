"""Fairness, preemption and grouping: the real scheduler on an imagined device, hours in milliseconds."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.families.model import Caption
from engine.families.profile import Curve, Peaks, Profile
from engine.predict import Predictor
from engine.queue import FairQueue, LaneTerms
from engine.request import DrawRequest, JobState
from engine.simulation import Arrival, Outcome, simulate
from engine.worker.job import Job
from engine.worker.memory import MemoryGate
from engine.worker.scheduler import Scheduler

LANES = {"free": LaneTerms(share=0.1), "member": LaneTerms(3), "premium": LaneTerms(6)}
PAYING = ("member", "premium")
PROFILE = Profile(
    "imagined",
    step_s=Curve(((512 * 512, 0.25), (1024 * 1024, 1.0))),
    encode_s=0.1,
    decode_s=Curve(((512 * 512, 0.1), (1024 * 1024, 0.4))),
    peaks=Peaks(step=Curve(((512 * 512, 1e9), (1024 * 1024, 3e9)))),
)
STEP_S = 1.0
PICTURE_S = 8 * STEP_S + 0.5


def request(name: str, lane: str = "free", flow: str = "", side: int = 1024, steps: int = 8) -> DrawRequest:
    return DrawRequest(name, "a cat", side, side, steps, seed=0, lane=lane, flow=flow or name)


def flood(lane: str, count: int, at_s: float = 0.0, **more: int) -> list[Arrival]:
    return [Arrival(at_s, request(f"{lane}{n}", lane, **more)) for n in range(count)]


def draw(arrivals: list[Arrival], max_active: int = 3, **more: float) -> Outcome:
    return simulate(arrivals, PROFILE, lanes=LANES, max_active=max_active, **more)  # type: ignore[arg-type]


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
    assert sum(story.pauses for story in outcome.stories.values()) == 1


def test_three_who_pay_take_all_three_places() -> None:
    arrivals = flood("free", 20) + flood("member", 3, at_s=4.0)
    stories = draw(arrivals).stories
    for n in range(3):
        assert stories[f"member{n}"].took_s < 3 * PICTURE_S + 5 * STEP_S
    assert sum(story.pauses for story in stories.values()) == 3


def test_a_free_job_never_takes_the_place_of_one_who_pays() -> None:
    stories = draw([*flood("premium", 3), Arrival(2.0, request("free"))]).stories
    assert all(story.pauses == 0 for story in stories.values())


def test_those_of_one_lane_do_not_push_each_other_out() -> None:
    stories = draw([*flood("free", 3), Arrival(2.0, request("late"))]).stories
    assert all(story.pauses == 0 for story in stories.values())


def test_work_within_a_share_runs_on() -> None:
    """Under lasting load each free job, once its turn has come, is drawn to its end."""
    arrivals = flood("premium", 300) + flood("free", 300)
    stories = draw(arrivals, until_s=1500).stories.values()
    free = [story for story in stories if story.request.lane == "free" and story.finished_s]
    assert len(free) > 10
    assert all(story.pauses == 0 for story in free)


def test_a_place_won_while_others_waited_is_kept_when_a_third_lane_comes() -> None:
    drawn_by = draw(flood("member", 100) + flood("free", 100), 1, until_s=300).stories.values()
    free = next(story for story in drawn_by if story.request.lane == "free" and story.started_s)
    assert free.started_s is not None
    premium = flood("premium", 1, at_s=free.started_s + 2 * STEP_S)
    outcome = draw(flood("member", 100) + flood("free", 100) + premium, 1, until_s=300)
    assert outcome.stories[free.request.job_id].pauses == 0


def test_no_ping_pong() -> None:
    """However they arrive, each pause makes way for one newcomer, who is not paused for it in turn."""
    rng = random.Random(5)
    arrivals = [
        Arrival(rng.uniform(0, 3000), request(str(n), rng.choice(["free"] * 3 + ["member", "premium"])))
        for n in range(380)
    ]
    stories = draw(arrivals).stories.values()
    newcomers = sum(story.request.lane in PAYING for story in stories)
    assert 0 < sum(story.pauses for story in stories) <= newcomers
    assert all(story.pauses == 0 for story in stories if story.request.lane == "premium")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 60),
            st.sampled_from(sorted(LANES)),
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
        Arrival(at, request(str(n), lane, flow, side, steps))
        for n, (at, lane, flow, side, steps) in enumerate(jobs)
    ]
    outcome = draw(arrivals, max_active, budget_bytes=budget_gb * 10**9)
    for story in outcome.stories.values():
        assert story.finished_s is not None, "starved"
    assert sum(story.gpu_s for story in outcome.stories.values()) == pytest.approx(outcome.busy_s)


class Bench:
    """A scheduler with jobs put where a test wants them."""

    def __init__(self, max_active: int = 3, budget_bytes: int = 1 << 60, **profile: object) -> None:
        changed = dataclasses.replace(PROFILE, **profile)  # type: ignore[arg-type]
        self.queue: FairQueue[Job] = FairQueue(LANES)
        self.scheduler = Scheduler(
            self.queue, MemoryGate(changed, budget_bytes), Predictor(changed), max_active=max_active
        )

    def add(self, name: str, *, tokens: tuple[int, ...] = (20,), lane: str = "free", side: int = 512) -> Job:
        guidance = 2.0 if len(tokens) > 1 else 0.0
        made = dataclasses.replace(request(name, lane, side=side), guidance=guidance)
        job = Job(made, 0.0, 1.0)
        job.captions = tuple(Caption(None, count, 0) for count in tokens)
        self.queue.push(job)
        return job

    def groups(self, lanes: int) -> list[set[str]]:
        self.scheduler.admit(0.0)
        return [{job.job_id for job in work.jobs} for work in self.scheduler.pick(lanes, decoder=False)]


def test_same_size_and_padded_caption_share_a_forward() -> None:
    bench = Bench(max_active=8)
    bench.add("a", tokens=(3,))
    bench.add("b", tokens=(32,))
    bench.add("longer", tokens=(33,))
    bench.add("wider", side=768)
    bench.add("guided", tokens=(20, 40))
    bench.add("guided too", tokens=(31, 64))
    bench.add("evenly guided", tokens=(20, 31))
    assert sorted(map(sorted, bench.groups(4))) == [
        ["a", "b", "evenly guided"],
        ["guided", "guided too"],
        ["longer"],
        ["wider"],
    ]


def test_groups_split_where_workers_would_idle() -> None:
    bench = Bench(max_active=8)
    for n in range(8):
        bench.add(str(n))
    assert sorted(len(group) for group in bench.groups(2)) == [4, 4]


def test_no_batch_where_the_profile_says_it_does_not_pay() -> None:
    bench = Bench(batch_gain=Curve(((512 * 512, 1.3), (1024 * 1024, 1.0))))
    bench.add("a", side=1024)
    bench.add("b", side=1024)
    assert bench.groups(1) in ([{"a"}], [{"b"}])
    small = Bench(batch_gain=Curve(((512 * 512, 1.3), (1024 * 1024, 1.0))))
    small.add("a")
    small.add("b")
    assert small.groups(1) == [{"a", "b"}]


def test_groups_take_turns() -> None:
    bench = Bench()
    for name, side in (("a", 512), ("b", 768), ("c", 1024)):
        bench.add(name, side=side)
    seen = []
    for step in range(6):
        (group,) = bench.groups(1)
        (name,) = group
        seen.append(name)
        bench.scheduler.active[name].stepped_at = step + 1.0
    assert sorted(seen[:3]) == sorted(seen[3:]) == ["a", "b", "c"]


def test_the_lane_that_is_due_first_steps_first() -> None:
    bench = Bench()
    bench.add("free", lane="free", side=512)
    bench.scheduler.admit(0.0)
    bench.add("paying", lane="premium", side=768)
    bench.scheduler.active["free"].stepped_at = 0.0
    assert bench.groups(1) == [{"paying"}]
    for _ in range(30):
        bench.queue.served(bench.scheduler.active["paying"], 1.0)
    assert bench.groups(1) == [{"free"}], "but not for ever"


def test_a_job_in_a_workers_hands_is_left_alone() -> None:
    bench = Bench(max_active=1)
    job = bench.add("running")
    bench.scheduler.admit(0.0)
    job.in_flight = True
    bench.add("paying", lane="premium")
    changes = bench.scheduler.admit(1.0)
    assert changes.paused == (job,)
    assert job.state is JobState.RUNNING, "not before its step is over"
    assert [added.job_id for added in changes.admitted] == ["paying"]
    bench.scheduler.park(job, 2.0)
    assert job.state is JobState.PAUSED


def test_one_on_the_way_out_is_enough_for_one_newcomer() -> None:
    bench = Bench(max_active=2, budget_bytes=3 * 10**9)
    for name in ("a", "b"):
        bench.add(name)
    bench.scheduler.admit(0.0)
    for job in bench.scheduler.active.values():
        job.in_flight = True
    bench.add("paying", lane="premium", side=768)
    assert len(bench.scheduler.admit(1.0).paused) == 1
    assert bench.scheduler.admit(2.0).paused == ()


def test_a_place_taken_back_is_no_longer_borrowed() -> None:
    bench = Bench(max_active=1)
    bench.add("running")
    bench.scheduler.admit(0.0)
    bench.scheduler.active["running"].in_flight = True
    paying = bench.add("paying", lane="premium")
    bench.scheduler.admit(1.0)
    assert not paying.borrowed


def test_nobody_is_paused_before_its_last_step() -> None:
    bench = Bench(max_active=1)
    job = bench.add("running")
    bench.scheduler.admit(0.0)
    job.step = job.request.steps - 1
    bench.add("paying", lane="premium")
    assert bench.scheduler.admit(1.0).paused == ()


def test_nobody_is_paused_for_one_who_would_not_fit_anyway() -> None:
    bench = Bench(max_active=3, budget_bytes=3 * 10**9)
    held = bench.add("held", lane="member", side=512)
    kept = bench.add("kept", lane="free", side=512)
    bench.scheduler.admit(0.0)
    held.borrowed = False
    bench.add("large", lane="premium", side=1024)
    changes = bench.scheduler.admit(1.0)
    assert (changes.admitted, changes.paused) == ((), ())
    assert set(bench.scheduler.active) == {held.job_id, kept.job_id}


def test_the_newcomer_waits_for_the_memory_of_who_is_on_the_way_out() -> None:
    bench = Bench(max_active=1, budget_bytes=3 * 10**9)
    job = bench.add("running", side=1024)
    bench.scheduler.admit(0.0)
    job.in_flight = True
    bench.add("paying", lane="premium", side=1024)
    assert bench.scheduler.admit(1.0).admitted == ()
    bench.scheduler.park(job, 2.0)
    job.in_flight = False
    assert [added.job_id for added in bench.scheduler.admit(2.0).admitted] == ["paying"]
