"""The engine's promises, with a model that stands for the GPU."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import tempfile
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from engine.build import engine_with
from engine.events import Phase
from engine.request import (
    Adapter,
    Cancelled,
    Draining,
    DrawFailed,
    Drawing,
    JobState,
    Progress,
    QueueFull,
    TooLarge,
    Undrawable,
)
from engine.worker.memory import Mode
from tests.engine.fakes import PROFILE, FakeModel
from tests.engine.studio import Studio, ended, request, same, until
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


async def test_pictures_come_out_right_and_accounted() -> None:
    async with Studio() as studio:
        tickets = [
            studio.submit("a", seed=3),
            studio.submit("b", guidance=2.0, negative_prompt="grey"),
            studio.submit("c", width=128, height=128, steps=2),
        ]
        drawings = [await ticket.result() for ticket in tickets]
        assert all(studio.draws_right(drawing) for drawing in drawings)
        for drawing in drawings:
            usage = drawing.usage
            assert min(usage.encode_s, usage.denoise_s, usage.decode_s, usage.gpu_s) > 0
            assert usage.billable
            assert usage.started
        assert sum(d.usage.gpu_s for d in drawings) == pytest.approx(studio.engine.snapshot().totals.busy_s)
        assert drawings[1].usage.queue_s <= 2.0, "until the prompts of the others were encoded"


async def test_at_most_max_active_share_the_device_and_same_shapes_share_a_forward() -> None:
    async with Studio(max_active=3) as studio:
        studio.model.gate.close()
        tickets = [studio.submit(name) for name in "abcd"]
        await until(lambda: len(studio.model.names("encode")) >= 1)
        studio.model.gate.open()
        for ticket in tickets:
            await ticket.result()
        steps = studio.model.names("step")
        assert max(map(len, steps)) == 3
        in_turn = [studio.heard.of("job_admitted")[n].job_id for n in range(4)]
        assert in_turn == list("abcd")


async def test_updates_tell_the_newest_and_end() -> None:
    async with Studio(max_active=1) as studio:
        first, second = studio.submit("a", preview_every=2), studio.submit("b")
        told: list[Progress] = [progress async for progress in first.updates()]
        assert told[-1].state is JobState.DONE
        steps = [progress.step for progress in told]
        assert steps == sorted(steps)
        assert any(progress.preview is not None for progress in told)
        assert told[-1] == first.progress() == studio.engine.progress("a")
        assert [progress async for progress in second.updates()][-1].state is JobState.DONE
        again = [progress async for progress in second.updates()]
        assert [progress.state for progress in again] == [JobState.DONE]


@pytest.mark.parametrize(("weights_bytes", "wanted"), [(8 << 30, [True]), (8 << 20, [])])
async def test_large_weights_are_loaded_by_one_process_of_a_machine_at_a_time(
    weights_bytes: int, wanted: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    held: list[bool] = []

    def load(_: object) -> None:
        for path in tmp_path.glob("*.lock"):
            with path.open() as file, pytest.raises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.append(True)

    model = FakeModel()
    model.profile = replace(PROFILE, weights_bytes={"transformer": weights_bytes})
    model.before["load"] = load
    async with engine_with(model):
        assert held == wanted


async def test_position_and_eta_count_down() -> None:
    async with Studio(max_active=1) as studio:
        studio.model.gate.close()
        tickets = [studio.submit(name) for name in "abcd"]
        await until(lambda: len(studio.model.names("step")) == 1)
        progress = [ticket.progress() for ticket in tickets]
        assert [p.position for p in progress[1:]] == [0, 1, 2]
        etas = [p.eta_s for p in progress]
        assert etas == sorted(etas)
        one_s = 0.5 + 4 * 1.0 + 0.5
        assert etas[3] == pytest.approx(4 * one_s, abs=1.0)


async def test_the_eta_of_who_steps_later_counts_those_before_it() -> None:
    async with Studio(max_active=2) as studio:
        studio.model.gate.close()
        tickets = [studio.submit(name, width=64 * n, steps=4) for n, name in ((1, "a"), (2, "b"))]
        await until(lambda: len(studio.model.names("step")) == 1)
        studio.model.gate.let(1)
        await until(lambda: len(studio.model.names("step")) == 2)
        first, second = (ticket.progress().eta_s for ticket in tickets)
        assert first == pytest.approx(3 * 1.0 + 0.5, abs=0.5)
        assert second == pytest.approx(first + 4 * 2.0 + 0.5, abs=1.5)


async def test_the_engine_shares_by_tier_what_it_really_used() -> None:
    async with Studio(max_active=1) as studio:
        studio.engine.pause_admission()
        for n in range(40):
            for tier in ("free", "paid"):
                studio.engine.submit(request(f"{tier}{n}", tier, f"{tier}{n}", seed=n), accepted_before=True)
        studio.engine.resume_admission()
        await until(lambda: len(studio.heard.of("job_done")) >= 30)
        first = [event.job_id or "" for event in studio.heard.of("job_done")][:30]
        assert 2 <= sum(job_id.startswith("free") for job_id in first) <= 4


async def test_who_pays_takes_a_place_at_the_next_boundary_and_who_was_paused_goes_on() -> None:
    async with Studio(max_active=1) as studio:
        studio.model.gate.close()
        free = studio.submit("free", "free")
        await until(lambda: len(studio.model.names("step")) == 1)
        paid = studio.submit("paid", "paid")
        studio.model.gate.let(1)
        await until(lambda: free.progress().state is JobState.PAUSED)
        assert free.progress().step == 1
        assert studio.engine.snapshot().paused == 1
        await until(lambda: len(studio.model.names("step")) == 2)
        assert studio.model.names("step")[-1] == ("paid",)
        studio.model.gate.open()
        drawings = [await paid.result(), await free.result()]
        assert all(studio.draws_right(drawing) for drawing in drawings)
        steps = [jobs for jobs in studio.model.names("step") if "free" in jobs]
        assert len(steps) == 4, "no step is done twice"
        assert len(studio.model.names("encode")) == 2, "nor the encoding"
        assert [event.job_id for event in studio.heard.of("job_resumed")] == ["free"]
        assert drawings[1].usage.queue_s > 0


class TestCancel:
    async def test_waiting(self) -> None:
        async with Studio(max_active=1) as studio:
            studio.model.gate.close()
            first, second = studio.submit("a"), studio.submit("b")
            await until(lambda: len(studio.model.names("step")) == 1)
            assert second.cancel()
            error = await ended(second)
            assert isinstance(error, Cancelled)
            assert error.usage.gpu_s == 0.0
            assert not error.usage.started
            assert not second.cancel(), "it is over"
            studio.model.gate.open()
            assert studio.draws_right(await first.result())

    async def test_after_the_encode_and_before_the_first_step(self) -> None:
        async with Studio() as studio:
            reached, go = threading.Event(), threading.Event()

            def hold(_: object) -> None:
                reached.set()
                assert go.wait(PATIENCE_S)

            studio.model.before["encode"] = hold
            ticket = studio.submit("a")
            await until(reached.is_set)
            assert ticket.cancel()
            go.set()
            error = await ended(ticket)
            assert isinstance(error, Cancelled)
            assert error.usage.encode_s > 0
            assert not error.usage.started
            assert studio.model.names("step") == []

    async def test_between_two_steps(self) -> None:
        async with Studio() as studio:
            studio.model.gate.close()
            ticket, mate = studio.submit("a"), studio.submit("b")
            await until(lambda: len(studio.model.names("step")) == 1)
            studio.model.gate.let(1)
            await until(lambda: len(studio.model.names("step")) >= 2)
            assert ticket.cancel()
            studio.model.gate.open()
            error = await ended(ticket)
            assert isinstance(error, Cancelled)
            assert error.usage.started
            assert not error.usage.billable
            assert studio.draws_right(await mate.result())
            assert sum("a" in jobs for jobs in studio.model.names("step")) <= 2

    async def test_while_decoding(self) -> None:
        async with Studio() as studio:
            reached, go = threading.Event(), threading.Event()

            def hold(_: object) -> None:
                reached.set()
                assert go.wait(PATIENCE_S)

            studio.model.before["decode"] = hold
            ticket = studio.submit("a")
            await until(reached.is_set)
            assert ticket.cancel()
            go.set()
            assert isinstance(await ended(ticket), Cancelled)

    async def test_paused(self) -> None:
        async with Studio(max_active=1) as studio:
            studio.model.gate.close()
            free = studio.submit("free", "free")
            await until(lambda: len(studio.model.names("step")) == 1)
            paid = studio.submit("paid", "paid")
            studio.model.gate.let(1)
            await until(lambda: free.progress().state is JobState.PAUSED)
            assert free.cancel()
            error = await ended(free)
            assert isinstance(error, Cancelled)
            assert error.usage.started
            studio.model.gate.open()
            assert studio.draws_right(await paid.result())

    async def test_of_the_waiting_task_leaves_the_job_alone(self) -> None:
        async with Studio() as studio:
            studio.model.gate.close()
            ticket = studio.submit("a")
            waiter = asyncio.create_task(ticket.result())
            await until(lambda: len(studio.model.names("step")) == 1)
            waiter.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiter
            studio.model.gate.open()
            assert studio.draws_right(await ticket.result())

    async def test_of_what_is_not_known(self) -> None:
        async with Studio() as studio:
            assert not studio.engine.cancel("nobody")
            with pytest.raises(KeyError):
                studio.engine.progress("nobody")


class TestRefusals:
    async def test_caps(self) -> None:
        async with Studio(max_active=1) as studio:
            studio.engine.pause_admission()
            for n in range(4):
                studio.submit(f"mine{n}", flow="me")
            with pytest.raises(QueueFull) as full:
                studio.submit("mine4", flow="me")
            assert full.value.flow
            known = request("before", flow="me")
            studio.engine.submit(known, accepted_before=True)
            studio.submit("yours", flow="you")

    async def test_too_large_for_the_budget(self) -> None:
        async with Studio(memory_budget_bytes=12_000) as studio:
            assert studio.draws_right(await studio.submit("small").result())
            with pytest.raises(TooLarge):
                studio.submit("large", width=128, height=128)

    async def test_what_no_model_could_draw(self) -> None:
        async with Studio() as studio:
            with pytest.raises(Undrawable, match="cannot be drawn"):
                studio.submit("a", width=100)
            with pytest.raises(Undrawable, match="cannot be drawn"):
                studio.submit("b", steps=0)
            studio.engine.pause_admission()
            studio.submit("c")
            with pytest.raises(ValueError, match="already"):
                studio.submit("c")


async def test_admission_can_be_paused_and_resumed() -> None:
    async with Studio() as studio:
        studio.model.gate.close()
        first = studio.submit("a")
        await until(lambda: len(studio.model.names("step")) == 1)
        studio.engine.pause_admission()
        second = studio.submit("b")
        studio.model.gate.open()
        await first.result()
        await until(lambda: studio.engine.snapshot().active == 0)
        assert second.progress().state is JobState.QUEUED
        assert studio.engine.snapshot().admission_paused
        studio.engine.resume_admission()
        assert studio.draws_right(await second.result())


async def test_two_jobs_go_together_only_where_memory_allows() -> None:
    async with Studio(memory_budget_bytes=11_500) as studio:
        tickets = [studio.submit(name) for name in "abc"]
        for ticket in tickets:
            assert studio.draws_right(await ticket.result())
        assert max(map(len, studio.model.names("step"))) == 1


async def test_an_encoder_that_has_to_travel_comes_once_for_all_who_wait() -> None:
    async with Studio(memory_mode=Mode.MEDIUM, max_active=3) as studio:
        studio.model.gate.close()
        first = studio.submit("a", steps=2)
        await until(lambda: studio.model.names("step") == [("a",)])
        others = [studio.submit(name) for name in "bcd"]
        await until(lambda: studio.engine.snapshot().active == 4)
        studio.model.gate.open()
        drawings = [await ticket.result() for ticket in [first, *others]]
        assert all(studio.draws_right(drawing) for drawing in drawings)
        together = ("prompt of b", "prompt of c", "prompt of d")
        assert studio.model.names("encode") == [("prompt of a",), together]
        shares = {drawing.usage.encode_s for drawing in drawings[1:]}
        assert sum(d.usage.gpu_s for d in drawings) == pytest.approx(studio.engine.snapshot().totals.busy_s)
        assert len(shares) == 1, "they came for it together"


async def test_memory_that_others_hold_counts() -> None:
    async with Studio() as studio:
        studio.model.available_bytes = 11_500 + (256 << 20)
        await studio.submit("first").result()
        tickets = [studio.submit(name) for name in "abc"]
        for ticket in tickets:
            await ticket.result()
        assert max(map(len, studio.model.names("step"))) == 1


async def test_a_job_that_waits_for_memory_in_other_hands_is_looked_at_again() -> None:
    async with Studio(look_again_s=0.05) as studio:
        studio.model.before["decode"] = lambda _: setattr(studio.model, "available_bytes", 1)
        await studio.submit("first").result()
        studio.model.available_bytes = None
        ticket = studio.submit("second")
        for _ in range(100):
            await asyncio.sleep(0)
        assert ticket.progress().state is JobState.QUEUED
        studio.clock.advance(60.0)
        drawing = await ended(ticket)
        assert isinstance(drawing, Drawing), "drawn soon, without anybody poking the engine"


class TestShutdown:
    async def test_lets_the_active_finish_and_keeps_the_rest(self) -> None:
        async with Studio(max_active=1) as studio:
            studio.model.gate.close()
            tickets = [studio.submit(name) for name in "abc"]
            await until(lambda: len(studio.model.names("step")) == 1)
            stopping = asyncio.create_task(studio.engine.stop(10.0))
            await until(lambda: studio.engine.snapshot().draining)
            with pytest.raises(Draining):
                studio.submit("late")
            studio.model.gate.open()
            assert await stopping == ("b", "c")
            assert studio.draws_right(await tickets[0].result())
            for ticket in tickets[1:]:
                assert isinstance(await ended(ticket), Draining)
            assert studio.model.names("close") == [()]

    async def test_does_not_wait_for_ever(self) -> None:
        async with Studio(max_active=1) as studio:
            studio.model.gate.close()
            tickets = [studio.submit(name) for name in "ab"]
            await until(lambda: len(studio.model.names("step")) == 1)
            stopping = asyncio.create_task(studio.engine.stop(0.01))
            assert isinstance(await ended(tickets[0]), Draining)
            studio.model.gate.open()
            assert await stopping == ("a", "b")

    async def test_is_orderly_where_nobody_wants_to_wait(self) -> None:
        async with Studio(max_active=1) as studio:
            studio.model.gate.close()
            ticket = studio.submit("a")
            await until(lambda: len(studio.model.names("step")) == 1)
            stopping = asyncio.create_task(studio.engine.stop(600.0))
            await until(lambda: studio.engine.snapshot().draining)
            stopping.cancel()
            assert isinstance(await ended(ticket), Draining)
            studio.model.gate.open()
            with pytest.raises(asyncio.CancelledError):
                await stopping
            assert studio.model.names("close") == [()]

    async def test_leaves_no_task_behind(self) -> None:
        before = asyncio.all_tasks()
        async with Studio() as studio:
            for name in "abc":
                studio.submit(name)
            await until(lambda: bool(studio.model.names("step")))
        assert asyncio.all_tasks() == before

    async def test_stops_before_it_has_started_anything(self) -> None:
        async with Studio() as studio:
            assert await studio.engine.stop(1.0) == ()


async def test_a_model_that_fails_on_one_job_fails_that_job() -> None:
    async with Studio(max_active=1) as studio:

        def refuse(canvases: Any) -> None:
            if canvases[0].request.job_id == "bad":
                raise ZeroDivisionError("no such colour")

        studio.model.before["step"] = refuse
        tickets = [studio.submit(name) for name in ("good", "bad", "later")]
        outcomes = [await ended(ticket) for ticket in tickets]
        assert isinstance(outcomes[1], DrawFailed)
        assert "no such colour" in str(outcomes[1])
        assert not outcomes[1].usage.billable
        for outcome in (outcomes[0], outcomes[2]):
            assert isinstance(outcome, Drawing)
            assert studio.draws_right(outcome)


async def test_an_observer_that_fails_harms_nobody() -> None:
    async with Studio() as studio:
        studio.heard.fail = OSError("disk full")
        assert studio.draws_right(await studio.submit("a").result())


async def test_observers_hear_how_long_each_job_waited_and_each_call_took() -> None:
    async with Studio(max_active=1) as studio:
        await studio.submit("a", "free", width=128, height=64, steps=3, waited_s=7.0).result()
        (admitted,) = studio.heard.of("job_admitted")
        assert admitted.fields == {"tier": "free", "waited_s": 7.0, "worker": "local"}
        told = [(work.phase, work.jobs, work.width, work.height) for work in studio.heard.works]
        assert told == [(phase, 1, 128, 64) for phase in (Phase.ENCODE, *[Phase.DENOISE] * 3, Phase.DECODE)]
        assert sum(work.wall_s for work in studio.heard.works) == pytest.approx(
            studio.engine.snapshot().totals.busy_s
        )


async def test_the_longest_wait_is_told_by_tier() -> None:
    async with Studio(max_active=1) as studio:
        studio.engine.pause_admission()
        for name, tier, waited_s in (("a", "free", 5.0), ("b", "free", 2.0), ("c", "paid", 3.0)):
            studio.submit(name, tier, waited_s=waited_s)
        state = studio.engine.snapshot()
        assert state.oldest_wait_by_tier_s == {"free": 5.0, "paid": 3.0}
        assert state.oldest_wait_s == 5.0


async def test_it_says_whether_its_model_is_there() -> None:
    studio = Studio()
    assert not studio.engine.snapshot().loaded
    async with studio:
        assert studio.engine.snapshot().loaded
    assert not studio.engine.snapshot().loaded


class TestCaches:
    async def test_the_same_picture_of_the_same_member_takes_no_gpu(self) -> None:
        async with Studio() as studio:
            first = await studio.submit("a", flow="me", prompt="x").result()
            studio.model.calls.clear()
            again = await studio.submit("b", flow="me", prompt="x").result()
            assert studio.model.calls == []
            assert again.usage.cached
            assert again.usage.gpu_s == 0.0
            assert again.usage.billable
            assert same(first.image, again.image)
            again.image.putpixel((0, 0), (1, 2, 3))
            assert same(first.image, studio.model.picture_of(first.request))
            first.image.putpixel((0, 0), (1, 2, 3))
            third = await studio.submit("c", flow="me", prompt="x").result()
            assert studio.draws_right(third), "a watermark drawn on one is not on the next"

    @pytest.mark.parametrize(
        "change",
        [
            {"flow": "you"},
            {"prompt": "y"},
            {"seed": 2},
            {"steps": 3},
            {"width": 128},
            {"guidance": 1.0},
            {"tier": "paid"},
        ],
        ids=lambda change: next(iter(change)),
    )
    async def test_anything_else_is_drawn(self, change: dict[str, Any]) -> None:
        async with Studio() as studio:
            await studio.submit("a", flow="me", prompt="x").result()
            other = await studio.submit("b", **({"flow": "me", "prompt": "x"} | change)).result()
            assert not other.usage.cached
            assert studio.draws_right(other)

    async def test_the_same_words_are_encoded_once(self) -> None:
        async with Studio() as studio:
            for n in range(3):
                await studio.submit(f"{n}", prompt="x", seed=n).result()
            assert studio.model.names("encode") == [("x",)]
            await studio.submit("g", prompt="x", guidance=2.0, negative_prompt="n").result()
            assert studio.model.names("encode") == [("x",), ("n",)]

    async def test_can_be_switched_off(self) -> None:
        async with Studio(embedding_cache_bytes=0, result_cache_bytes=0) as studio:
            for n in range(2):
                drawing = await studio.submit(f"{n}", flow="me", prompt="x").result()
                assert not drawing.usage.cached
            assert len(studio.model.names("encode")) == 2


async def test_a_long_prompt_is_told_to_be_cut() -> None:
    async with Studio() as studio:
        assert (await studio.submit("a", prompt="x" * 513).result()).prompt_truncated
        assert not (await studio.submit("b", prompt="x" * 512).result()).prompt_truncated


async def test_the_event_loop_turns_while_a_step_runs() -> None:
    async with Studio() as studio:
        studio.model.gate.close()
        ticket = studio.submit("a")
        await until(lambda: len(studio.model.names("step")) == 1)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert ticket.progress().step == 0
        assert threading.current_thread().name not in studio.model.threads


@pytest.fixture
async def two_threads() -> AsyncIterator[Studio]:
    async with Studio(step_threads=2, max_active=2) as studio:
        yield studio


async def test_two_threads_step_side_by_side_and_share_the_bill(two_threads: Studio) -> None:
    together = threading.Barrier(2, timeout=PATIENCE_S)
    two_threads.model.before["step"] = lambda _: together.wait() and None
    tickets = [two_threads.submit("a"), two_threads.submit("b", width=128, height=128)]
    drawings = [await ticket.result() for ticket in tickets]
    assert all(two_threads.draws_right(drawing) for drawing in drawings)
    billed = sum(drawing.usage.gpu_s for drawing in drawings)
    assert billed == pytest.approx(two_threads.engine.snapshot().totals.busy_s)


async def test_small_jobs_step_on_while_a_large_one_holds_its_thread(two_threads: Studio) -> None:
    reached, go = threading.Event(), threading.Event()

    def hold(canvases: Any) -> None:
        if canvases[0].request.job_id == "large":
            reached.set()
            assert go.wait(PATIENCE_S)

    two_threads.model.before["step"] = hold
    large = two_threads.submit("large", width=128, height=128)
    await until(reached.is_set)
    small = await two_threads.submit("small").result()
    assert two_threads.draws_right(small)
    go.set()
    assert two_threads.draws_right(await large.result())


async def test_loras_are_loaded_at_nobodys_expense() -> None:
    async with Studio() as studio:

        def load(_: object) -> None:
            *before, adapters = studio.model.adapters
            if adapters not in before:
                studio.clock.advance(20.0)

        studio.model.before["adapters"] = load
        plain = await studio.submit("a").result()
        ink = (Adapter("ink", 0.8),)
        first, second = [await studio.submit(name, adapters=ink).result() for name in "bc"]
        assert ink in studio.model.adapters
        assert first.usage.gpu_s == pytest.approx(second.usage.gpu_s) == pytest.approx(plain.usage.gpu_s)
        totals = studio.engine.snapshot().totals
        assert totals.overhead_s >= 20.0
        assert sum(d.usage.gpu_s for d in (plain, first, second)) == pytest.approx(totals.busy_s)
