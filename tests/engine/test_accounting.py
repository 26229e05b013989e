"""Every second of the device is somebody's, or overhead, or idle; nobody's second is billed twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import Phase
from engine.request import Drawing, EngineError
from engine.worker.accounting import Meter
from tests.engine.fakes import FakeClock
from tests.engine.studio import Studio, ended

if TYPE_CHECKING:
    from engine.request import Usage


def test_two_calls_side_by_side_get_half_each() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    meter.begin("left", Phase.DENOISE, {"a": 1})
    clock.advance(2.0)
    meter.begin("right", Phase.DECODE, {"b": 1})
    clock.advance(4.0)
    assert meter.end("left") == {"a": 4.0}
    clock.advance(1.0)
    assert meter.end("right") == {"b": 3.0}
    clock.advance(3.0)
    totals = meter.totals()
    assert (totals.busy_s, totals.overhead_s, totals.idle_s) == (7.0, 0.0, 3.0)
    assert meter.spent("a").denoise_s == 6.0
    assert meter.spent("b").decode_s == 5.0


def test_a_forward_is_split_by_tokens() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    meter.begin("call", Phase.DENOISE, {"a": 100, "b": 300})
    clock.advance(4.0)
    assert meter.end("call") == {"a": 1.0, "b": 3.0}


def test_overhead_is_nobodys_and_what_the_device_did_not_work_is_idle() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    meter.begin("call", Phase.DENOISE, {})
    clock.advance(2.0)
    assert meter.end("call") == {}
    meter.begin("call", Phase.DENOISE, {"a": 1})
    clock.advance(5.0)
    assert meter.end("call", device_s=4.0) == {"a": 4.0}
    totals = meter.totals()
    assert (totals.busy_s, totals.overhead_s, totals.idle_s) == (4.0, 2.0, 1.0)


def test_energy_follows_the_bill() -> None:
    clock = FakeClock()
    meter = Meter(clock, joules=lambda from_s, to_s: 100.0 * (to_s - from_s))
    meter.begin("left", Phase.DENOISE, {"a": 1, "b": 3})
    meter.begin("right", Phase.DECODE, {"c": 1})
    clock.advance(4.0)
    meter.end("left")
    meter.end("right")
    spent = [meter.close(job) for job in "abc"]
    assert [s.energy_j for s in spent] == [50.0, 150.0, 200.0]
    assert meter.close("a").gpu_s == 0.0, "an account is handed out once"


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", "ab", ""]), st.floats(0, 9)), max_size=60
    )
)
def test_bills_add_up_to_the_union_of_the_calls(events: list[tuple[int, str, float]]) -> None:
    clock = FakeClock()
    meter = Meter(clock)
    working: dict[int, str] = {}
    billed = union = overhead_only = 0.0
    for call, jobs, seconds in events:
        if call in working:
            billed += sum(meter.end(call).values())
            del working[call]
        else:
            meter.begin(call, Phase.DENOISE, dict.fromkeys(jobs, 7))
            working[call] = jobs
        clock.advance(seconds)
        if working:
            union += seconds
            overhead_only += seconds * sum(not jobs for jobs in working.values()) / len(working)
    for call in list(working):
        billed += sum(meter.end(call).values())
    totals = meter.totals()
    assert totals.busy_s + totals.overhead_s == pytest.approx(union)
    assert billed == pytest.approx(totals.busy_s) == pytest.approx(union - overhead_only)
    assert totals.busy_s + totals.overhead_s + totals.idle_s == pytest.approx(clock() - 1000.0)


mixes = st.lists(
    st.tuples(
        st.sampled_from(["free", "paid"]),
        st.sampled_from([64, 128]),
        st.integers(1, 5),
        st.booleans(),
        st.sampled_from([None, None, "now", "later"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(mixes, st.integers(1, 3), st.integers(1, 4))
def test_the_sum_over_jobs_is_the_busy_time(
    mix: list[tuple[str, int, int, bool, str | None]], threads: int, max_active: int
) -> None:
    """Random mixes with pauses and cancels, on one to three threads: within 1 % (here: exactly)."""

    async def draw() -> None:
        async with Studio(step_threads=threads, max_active=max_active) as studio:
            tickets = []
            for n, (tier, side, steps, guided, cancel) in enumerate(mix):
                guidance = 2.0 if guided else 0.0
                ticket = studio.engine.submit(
                    studio.request(
                        str(n), tier, f"u{n}", width=side, height=side, steps=steps, guidance=guidance
                    ),
                    accepted_before=True,
                )
                tickets.append(ticket)
                if cancel == "now":
                    ticket.cancel()
                elif cancel == "later":
                    for _ in range(30):
                        await asyncio.sleep(0)
                    ticket.cancel()
            outcomes = [await ended(ticket) for ticket in tickets]
            usages: list[Usage] = [outcome.usage for outcome in outcomes]
            totals = studio.engine.snapshot().totals
            assert sum(usage.gpu_s for usage in usages) == pytest.approx(totals.busy_s, rel=0.01)
            for outcome in outcomes:
                assert outcome.usage.billable == isinstance(outcome, Drawing)
                if isinstance(outcome, EngineError):
                    continue
                assert studio.draws_right(outcome)

    asyncio.run(draw())
