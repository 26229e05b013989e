"""The fair queue: tiers by weight, flows in turn, nobody starves, nobody is lost."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.queue import FairQueue
from engine.request import QueueFull
from engine.shares import ShareTerms

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


@dataclass(eq=False)
class Item:
    job_id: str
    tier: str = "free"
    flow: str = "a"
    cost_s: float = 1.0
    arrived_at: float = 0.0
    model: str = ""


TIERS = {"free": ShareTerms(share=0.1), "member": ShareTerms(3), "premium": ShareTerms(6)}


def serve(queue: FairQueue[Item]) -> Item | None:
    """Draw the next job to its end."""
    job = queue.peek()
    if job is not None:
        queue.take(job)
        queue.served(job, job.cost_s)
        queue.leave(job)
    return job


def drain(queue: FairQueue[Item], count: int = 10**9) -> list[Item]:
    served = []
    while len(served) < count and (job := serve(queue)) is not None:
        served.append(job)
    return served


def backlog(queue: FairQueue[Item], tier: str, count: int, cost_s: float = 1.0) -> None:
    for n in range(count):
        queue.push(Item(f"{tier}{n}", tier, flow=f"user{n}", cost_s=cost_s))


@pytest.mark.parametrize("paying", [["member"], ["premium"], ["member", "premium"]])
@pytest.mark.parametrize("cost_s", [0.3, 1.0, 5.0])
def test_free_has_a_tenth_whoever_pays_and_waits(paying: list[str], cost_s: float) -> None:
    queue = FairQueue[Item](TIERS)
    backlog(queue, "free", 1000, cost_s)
    for tier in paying:
        backlog(queue, tier, 1000)
    served = drain(queue, 700)
    total = sum(job.cost_s for job in served)
    free = sum(job.cost_s for job in served if job.tier == "free")
    assert free / total == pytest.approx(0.1, abs=0.02)


def test_weights_divide_what_the_paying_have() -> None:
    queue = FairQueue[Item](TIERS)
    for tier in TIERS:
        backlog(queue, tier, 1000)
    served = drain(queue, 600)
    members, premium = (sum(job.tier == tier for job in served) for tier in ("member", "premium"))
    assert premium / members == pytest.approx(2, rel=0.05)


def test_free_has_all_of_it_when_nobody_pays() -> None:
    queue = FairQueue[Item](TIERS)
    backlog(queue, "free", 50)
    assert len(drain(queue)) == 50


def test_a_lone_free_user_is_served_among_a_thousand_premium_jobs() -> None:
    queue = FairQueue[Item](TIERS)
    backlog(queue, "premium", 1000)
    drain(queue, 5)
    queue.push(Item("lone", "free", "nobody"))
    order = [job.job_id for job in drain(queue, 30)]
    assert "lone" in order
    assert order.index("lone") <= 11


def test_idleness_earns_no_credit() -> None:
    queue = FairQueue[Item](TIERS)
    backlog(queue, "member", 300)
    drain(queue, 200)
    backlog(queue, "premium", 300)
    tiers = [job.tier for job in drain(queue, 30)]
    assert 18 <= tiers.count("premium") <= 22, "two thirds from now on, not all of what it missed"


def test_ten_jobs_of_one_do_not_hold_up_anothers_first() -> None:
    queue = FairQueue[Item](TIERS)
    for n in range(10):
        queue.push(Item(f"mine{n}", flow="me"))
    serve(queue)
    queue.push(Item("yours", flow="you"))
    assert "yours" in [job.job_id for job in drain(queue, 2)]


def test_a_newcomer_among_flows_earns_no_credit_for_its_absence() -> None:
    queue = FairQueue[Item](TIERS)
    for n in range(60):
        queue.push(Item(f"old{n}", flow="old"))
    drain(queue, 30)
    for n in range(30):
        queue.push(Item(f"new{n}", flow="new"))
    flows = [job.flow for job in drain(queue, 20)]
    assert 9 <= flows.count("new") <= 11


def test_turns_are_counted_in_seconds_not_in_jobs() -> None:
    queue = FairQueue[Item](TIERS)
    for n in range(100):
        queue.push(Item(f"large{n}", flow="large", cost_s=4.0))
        queue.push(Item(f"small{n}", flow="small", cost_s=1.0))
    served = drain(queue, 50)
    large = sum(job.cost_s for job in served if job.flow == "large")
    small = sum(job.cost_s for job in served if job.flow == "small")
    assert large == pytest.approx(small, rel=0.2)


def test_a_turn_given_up_is_not_paid_for() -> None:
    queue = FairQueue[Item](TIERS)
    mine = [Item(f"mine{n}", flow="me") for n in range(6)]
    for job in mine:
        queue.push(job)
    for n in range(3):
        queue.push(Item(f"yours{n}", flow="you"))
    for job in mine[:5]:
        queue.remove(job)
    assert "mine5" in [job.job_id for job in drain(queue, 2)]


def test_who_waited_in_an_earlier_life_comes_first() -> None:
    queue = FairQueue[Item](TIERS)
    queue.push(Item("new", flow="new", arrived_at=100.0))
    queue.push(Item("old", flow="old", arrived_at=40.0))
    assert [job.job_id for job in drain(queue)] == ["old", "new"]


def test_what_comes_back_comes_first_and_costs_only_the_rest() -> None:
    queue = FairQueue[Item](TIERS)
    backlog(queue, "free", 5)
    job = queue.peek()
    assert job is not None
    queue.take(job)
    queue.served(job, 0.75)
    job.cost_s = 0.25
    queue.give_back(job)
    assert queue.peek() is job
    assert queue.ahead(job) == (0, 0.0)


def test_caps_are_told_apart() -> None:
    queue = FairQueue[Item]({"free": ShareTerms(max_waiting_per_flow=2)}, max_waiting=3)
    for n in range(2):
        queue.check("free", "a")
        queue.push(Item(f"a{n}"))
    with pytest.raises(QueueFull) as mine:
        queue.check("free", "a")
    assert (mine.value.flow, mine.value.limit) == (True, 2)
    queue.check("free", "b")
    queue.push(Item("b", flow="b"))
    with pytest.raises(QueueFull) as everybody:
        queue.check("free", "c")
    assert (everybody.value.flow, everybody.value.limit) == (False, 3)


jobs = st.lists(
    st.tuples(
        st.sampled_from(["free", "member", "premium", "new"]),
        st.sampled_from("abc"),
        st.floats(0.1, 20),
        st.sampled_from(["push", "push", "serve", "cancel", "pause"]),
    ),
    max_size=60,
)


@given(jobs)
def test_nothing_is_lost_and_positions_come_true(steps: list[tuple[str, str, float, str]]) -> None:
    queue = FairQueue[Item](TIERS)
    waiting: dict[str, Item] = {}
    for n, (tier, flow, cost_s, what) in enumerate(steps):
        if what == "push" or not waiting:
            waiting[str(n)] = Item(str(n), tier, flow, cost_s)
            queue.push(waiting[str(n)])
        elif what == "serve":
            served = serve(queue)
            assert served is not None
            del waiting[served.job_id]
        elif what == "cancel":
            queue.remove(waiting.pop(next(iter(waiting))))
        else:
            paused = queue.peek()
            assert paused is not None
            queue.take(paused)
            queue.served(paused, paused.cost_s / 2)
            paused.cost_s /= 2
            queue.give_back(paused)
        assert len(queue) == len(waiting) == sum(queue.depths().values())
    assert {job.job_id for job in drain(queue)} == set(waiting)


@given(
    st.lists(
        st.tuples(st.sampled_from(["member", "premium"]), st.sampled_from("abc"), st.floats(0.5, 4)),
        min_size=1,
        max_size=40,
    )
)
def test_position_is_how_many_are_served_before(jobs: list[tuple[str, str, float]]) -> None:
    queue = FairQueue[Item](TIERS)
    items = [Item(str(n), tier, flow, cost_s) for n, (tier, flow, cost_s) in enumerate(jobs)]
    for item in items:
        queue.push(item)
    told = {item.job_id: queue.ahead(item) for item in items}
    seconds = 0.0
    for place, job in enumerate(drain(queue)):
        position, ahead_s = told[job.job_id]
        assert abs(position - place) <= 1
        assert abs(ahead_s - seconds) <= 4.0 + 1e-6
        seconds += job.cost_s


def test_every_operation_is_logarithmic() -> None:
    """Counted in lines of Python, not timed: a hundred times the queue, about twice the lines."""

    def lines_run(call: Callable[[], object]) -> int:
        count = 0

        def trace(frame: FrameType, event: str, arg: object) -> Callable[..., object]:
            nonlocal count
            count += event == "line"
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            call()
        finally:
            sys.settrace(before)
        return count

    def lines_by_operation(size: int) -> dict[str, int]:
        queue = FairQueue[Item](TIERS)
        for n in range(size):
            queue.push(Item(f"{n}", "free", f"u{n % (size // 10)}"))
        serve(queue)  # forgets flows in bulk now and then: O(1) a job, but not in one
        job = Item("probe", "free", "p")
        operations: dict[str, Callable[[], object]] = {
            "push": lambda: queue.push(job),
            "position": lambda: queue.ahead(job),
            "cancel": lambda: queue.remove(job),
            "pop": lambda: serve(queue),
        }
        return {name: lines_run(call) for name, call in operations.items()}

    few, many = lines_by_operation(300), lines_by_operation(30_000)
    for name in few:
        assert many[name] < 3 * few[name], name


def test_in_a_tier_it_goes_turn_by_turn_whatever_the_model_and_the_seconds() -> None:
    queue = FairQueue[Item](TIERS)
    queue.push(Item("long", flow="a", cost_s=8.0, model="one"))
    queue.push(Item("short", flow="b", cost_s=1.0, arrived_at=1.0, model="other"))
    queue.push(Item("next", flow="c", cost_s=1.0, arrived_at=2.0, model="other"))
    assert [head.job_id for head in queue.heads()] == ["long", "short"], "the first of each model"
    assert (queue.peek(), queue.peek("other")) == tuple(queue.heads())
    queue.take(queue.heads()[1])
    assert [head.job_id for head in queue.heads()] == ["long", "next"]
