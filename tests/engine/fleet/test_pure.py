"""Placement, trust and the number of workers: rules without a clock of their own."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.fleet.autoscale import Autoscaler, ScaleSettings
from engine.fleet.circuit import Circuit, Trust
from engine.fleet.member import Assignment, Member
from engine.job import Job
from engine.request import DrawRequest
from engine.worker.protocol import Card, Drawn
from tests.engine.fakes import PROFILE


def member(name: str) -> Member:
    worker: Any = SimpleNamespace(name=name)
    return Member(worker, Card("card", (Drawn(PROFILE),)), Circuit())


async def test_a_worker_that_has_kept_the_caption_would_be_done_sooner() -> None:
    cold, warm = member("a"), member("b")
    job = Job(
        request := DrawRequest("a cat", 64, 64, 8, 0, job_id="j"), PROFILE.plan(request), 0.0, 1.0, "fake"
    )
    sent = Assignment(job, asyncio.ensure_future(asyncio.sleep(0)), 0.0, 0.0, 1.0)
    warm.take(sent)
    assert warm.done_in_s(job) > cold.done_in_s(job), "it outweighs no work that is waiting there"
    warm.give_up(sent)
    assert warm.done_in_s(job) == cold.done_in_s(job) - PROFILE.encode_s
    await sent.task


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=60), st.integers(1, 5))
def test_only_failures_in_a_row_set_a_worker_aside(history: list[tuple[bool, float]], limit: int) -> None:
    circuit, now, run = Circuit(failures=limit, aside_s=30.0), 0.0, 0
    for good, passed in history:
        now += passed
        before = circuit.trust(now)
        if good:
            circuit.succeeded()
            run = 0
            assert circuit.trust(now) is Trust.FULL
        else:
            set_aside = circuit.failed(now, None)
            run += 1
            assert set_aside == (before is Trust.TRIAL or (before is Trust.FULL and run >= limit))
            assert not set_aside or circuit.trust(now) is Trust.ASIDE
        assert circuit.trust(now) is Trust.FULL or circuit.aside_for_s(now) <= 1800.0


def test_each_trial_in_vain_doubles_the_time_aside() -> None:
    circuit = Circuit(failures=2, aside_s=30.0, longest_s=100.0)
    assert [circuit.failed(0.0, None), circuit.failed(0.0, None)] == [False, True]
    assert circuit.trust(29.0) is Trust.ASIDE
    assert circuit.trust(30.0) is Trust.TRIAL
    assert circuit.failed(30.0, None)
    assert circuit.aside_for_s(30.0) == 60.0
    assert circuit.failed(90.0, None)
    assert circuit.aside_for_s(90.0) == 100.0
    circuit.succeeded()
    assert [circuit.failed(500.0, None), circuit.failed(500.0, None)] == [False, True]
    assert circuit.aside_for_s(500.0) == 30.0


SCALE = ScaleSettings(min_workers=1, max_workers=8, work_s=60.0, cool_down_s=300.0)


@given(st.lists(st.tuples(st.floats(0.1, 200), st.floats(0, 1000)), min_size=1, max_size=60))
def test_never_fewer_than_the_cool_down_needed(history: list[tuple[float, float]]) -> None:
    scaler, now, needs = Autoscaler(SCALE), 0.0, []
    for passed, work_s in history:
        now += passed
        needs.append((now, min(8, max(1, -int(-work_s // 60.0)))))
        wanted = scaler.decide(now, work_s)
        assert wanted == max(need for at, need in needs if at > now - 300.0)


def test_from_none_to_many_and_back() -> None:
    scaler = Autoscaler(ScaleSettings(min_workers=0, max_workers=4, work_s=60.0, cool_down_s=300.0))
    assert scaler.decide(0.0, 0.0) == 0
    assert scaler.decide(1.0, 0.5) == 1, "somebody waits"
    assert scaler.decide(2.0, 1000.0) == 4, "and no more than there may be"
    assert scaler.decide(301.0, 0.0) == 4, "none leaves before the cool-down"
    assert scaler.decide(303.0, 0.0) == 0
