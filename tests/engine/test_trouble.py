"""Out of memory, hung steps, a model that does not come back: who suffers, who does not, who is told."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from engine.request import Draining, DrawFailed, Drawing, DrawRequest, ModelLost, OutOfMemory
from engine.worker.errors import is_out_of_memory
from engine.worker.executor import attempt
from engine.worker.memory import Mode
from engine.worker.watchdog import Cause, WatchdogSettings
from tests.engine.fakes import OutOfMemoryError
from tests.engine.studio import Studio, ended, until
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.tickets import Ticket
    from tests.engine.fakes import FakeCanvas

LIMIT_S = 100.0
STRICT = WatchdogSettings(deadline_floor_s=LIMIT_S, first_deadline_s=LIMIT_S, keep_warm_every_s=None)


BEATING = WatchdogSettings(keep_warm_every_s=300.0)


async def beat(studio: Studio) -> None:
    """Let the next heartbeat fall due."""
    studio.clock.advance(301.0)
    studio.worker.wake()


class Hang:
    """A step that never ends, for these jobs; the clock moves past its deadline meanwhile."""

    def __init__(self, studio: Studio, *jobs: str) -> None:
        self.begun, self.release = threading.Event(), threading.Event()
        self._studio = studio
        self._jobs = jobs

    def __call__(self, canvases: Sequence[FakeCanvas]) -> None:
        if canvases[0].request.job_id in self._jobs and not self.begun.is_set():
            self._studio.clock.advance(LIMIT_S + 1)
            self.begun.set()
            assert self.release.wait(PATIENCE_S)

    async def is_noticed(self) -> None:
        await until(self.begun.is_set)
        self._studio.worker.wake()


def starve(
    when: Callable[[Sequence[FakeCanvas]], bool], error: type[BaseException] = OutOfMemoryError
) -> Any:
    """A device that runs out of memory for some calls."""

    def check(canvases: Sequence[FakeCanvas]) -> None:
        if when(canvases):
            raise error("CUDA out of memory. Tried to allocate 2.50 GiB")

    return check


class TestOutOfMemory:
    async def test_a_group_is_halved_until_it_fits(self) -> None:
        async with Studio(max_active=4) as studio:
            studio.model.before["step"] = starve(lambda canvases: len(canvases) > 1)
            studio.engine.pause_admission()
            tickets = [studio.submit(name) for name in "abcd"]
            studio.engine.resume_admission()
            for ticket in tickets:
                drawing = await ended(ticket)
                assert isinstance(drawing, Drawing)
                assert studio.draws_right(drawing)
            assert studio.model.released > 0, "cached memory is given back before the next try"

    async def test_the_cap_comes_down_and_recovers(self) -> None:
        async with Studio(max_active=3, recover_after_s=5.0) as studio:
            studio.model.before["step"] = starve(lambda canvases: len(canvases) > 2)
            studio.model.gate.close()
            tickets = [studio.submit(name) for name in "abc"]
            await until(lambda: studio.engine.snapshot().out_of_memory == 1)
            assert studio.worker.snapshot().cap == 2
            studio.model.gate.open()
            for ticket in tickets:
                await ticket.result()
            studio.clock.advance(5.0)
            studio.worker.wake()
            await until(lambda: studio.worker.snapshot().cap == 3)
            assert [event.fields["cap"] for event in studio.heard.of("cap_raised")] == [3]

    async def test_a_decode_is_tried_in_smaller_and_smaller_tiles(self) -> None:
        async with Studio() as studio:
            studio.model.before["decode"] = starve(lambda _: studio.model.tiles[-1] in (None, 32))
            studio.model.tiles.clear()
            drawing = await studio.submit("a").result()
            assert studio.draws_right(drawing)
            assert studio.model.tiles == [None, 32, 32, 16], "smaller tiles, caches dropped, smaller still"

    async def test_encoding_is_tried_again(self) -> None:
        async with Studio() as studio:
            tries = iter([True, False])
            studio.model.before["encode"] = starve(lambda _: next(tries, False))
            assert studio.draws_right(await studio.submit("a").result())

    async def test_a_step_is_tried_alone_with_the_device_to_itself(self) -> None:
        async with Studio(max_active=2, step_threads=2) as studio:
            lock = threading.Lock()
            inside: list[str] = []
            crowded: list[bool] = []

            def needs_room(canvases: Sequence[FakeCanvas]) -> None:
                name = canvases[0].request.job_id
                with lock:
                    inside.append(name)
                    others = len(inside) > 1
                try:
                    if name == "large":
                        first = not crowded
                        crowded.append(others)
                        if first:
                            raise OutOfMemoryError("CUDA out of memory.")
                finally:
                    with lock:
                        inside.remove(name)

            studio.model.before["step"] = needs_room
            tickets = [studio.submit("large", width=128, height=128), studio.submit("small", steps=12)]
            for ticket in tickets:
                drawing = await ended(ticket)
                assert isinstance(drawing, Drawing)
                assert studio.draws_right(drawing)
            assert not any(crowded[1:])

    @pytest.mark.parametrize("call", ["encode", "step", "decode"])
    async def test_a_job_that_never_fits_fails_and_the_others_are_drawn(self, call: str) -> None:
        async with Studio(embedding_cache_bytes=0) as studio:

            def hopeless(canvases: Sequence[FakeCanvas]) -> None:
                mine = any(canvas.request.job_id == "bad" for canvas in canvases)
                if mine or (call == "encode" and studio.model.calls[-1][1] == ("prompt of bad",)):
                    raise OutOfMemoryError("CUDA out of memory.")

            studio.model.before[call] = hopeless
            tickets = [studio.submit(name) for name in ("good", "bad", "fine", "later")]
            outcomes = [await ended(ticket) for ticket in tickets]
            error = outcomes.pop(1)
            assert isinstance(error, OutOfMemory)
            assert not error.usage.billable
            for outcome in outcomes:
                assert isinstance(outcome, Drawing)
                assert studio.draws_right(outcome)
            assert [alert.cause for alert in studio.heard.alerts] == [Cause.OUT_OF_MEMORY]
            remedies = [event.fields["remedy"] for event in studio.heard.of("out_of_memory")]
            assert remedies[-1] == "fail the job"
            assert "drop the caches" in remedies

    @pytest.mark.parametrize(
        "error",
        [
            MemoryError(),
            OutOfMemoryError("CUDA out of memory."),
            RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        ],
    )
    def test_is_recognised_in_all_its_forms(self, error: Exception) -> None:
        assert is_out_of_memory(error)

    def test_is_not_seen_everywhere(self) -> None:
        assert not is_out_of_memory(RuntimeError("shape mismatch"))
        assert not is_out_of_memory(ValueError("out of memory"))

    def test_what_failed_pins_nothing(self) -> None:
        """An exception kept would keep its frames, and every tensor in them."""

        class Tensor:
            alive = 0

            def __init__(self) -> None:
                Tensor.alive += 1

            def __del__(self) -> None:
                Tensor.alive -= 1

        def call() -> None:
            tensor = Tensor()
            raise OutOfMemoryError(f"CUDA out of memory in {type(tensor)}")

        outcome = attempt(call)
        assert outcome.out_of_memory
        assert Tensor.alive == 0


class TestABadJob:
    """What no other job is the worse for."""

    @pytest.mark.parametrize("mode", [Mode.HIGH, Mode.MEDIUM])
    @pytest.mark.parametrize("call", ["begin", "step"])
    async def test_the_others_of_its_group_are_drawn(self, call: str, mode: Mode) -> None:
        async with Studio(max_active=4, memory_mode=mode) as studio:

            def refuse(canvases: Sequence[FakeCanvas]) -> None:
                if any(canvas.request.job_id == "bad" for canvas in canvases):
                    raise ZeroDivisionError("no such colour")

            studio.model.before[call] = refuse
            studio.engine.pause_admission()
            tickets = {name: studio.submit(name) for name in ("good", "bad", "fine")}
            studio.engine.resume_admission()
            assert isinstance(await ended(tickets.pop("bad")), DrawFailed)
            for ticket in tickets.values():
                drawing = await ended(ticket)
                assert isinstance(drawing, Drawing)
                assert studio.draws_right(drawing)


class TestALostDevice:
    """In this process nothing can cure it: every job is handed back, and the process is to end."""

    async def everything_is_handed_back(self, studio: Studio, *tickets: Ticket, cause: Cause) -> None:
        for ticket in tickets:
            error = await ended(ticket)
            assert isinstance(error, Draining)
            assert not error.usage.billable
        with pytest.raises(ModelLost):
            await studio.engine.wait()
        with pytest.raises(Draining):
            studio.submit("another")
        assert [alert.cause for alert in studio.heard.alerts] == [cause]
        assert not studio.engine.snapshot().loaded

    @pytest.mark.parametrize(
        "error",
        [
            "CUDA error: an illegal memory access was encountered",
            "CUDA error: device-side assert triggered",
            "CUDA error: unspecified launch failure",
            "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
        ],
    )
    async def test_a_broken_context_fails_nobodys_picture(self, error: str) -> None:
        async with Studio() as studio:

            def broken(_: object) -> None:
                raise RuntimeError(error)

            studio.model.before["step"] = broken
            tickets = [studio.submit(f"{n}") for n in range(20)]
            await self.everything_is_handed_back(studio, *tickets, cause=Cause.GPU_LOST)
            assert studio.engine.snapshot().failed == 0

    async def test_a_hung_step(self) -> None:
        async with Studio(max_active=1, watchdog=STRICT) as studio:
            studio.model.before["step"] = hang = Hang(studio, "stuck")
            stuck, later = studio.submit("stuck"), studio.submit("later")
            await hang.is_noticed()
            await self.everything_is_handed_back(studio, stuck, later, cause=Cause.HUNG_STEP)
            hang.release.set()

    async def test_three_jobs_in_a_row_that_fail_are_the_devices_fault(self) -> None:
        async with Studio(max_active=1) as studio:

            def broken(_: object) -> None:
                raise ZeroDivisionError("no such colour")

            studio.model.before["step"] = broken
            tickets = [studio.submit(f"{n}") for n in range(5)]
            outcomes = [await ended(ticket) for ticket in tickets]
            assert [type(outcome) for outcome in outcomes] == [DrawFailed] * 3 + [Draining] * 2


async def test_jobs_that_wait_while_the_device_idles_are_told_of_with_the_numbers() -> None:
    async with Studio(memory_budget_bytes=20_000) as studio:
        studio.model.own_bytes = 10_000
        studio.telemetry.tell_free(500)
        studio.submit("a")
        while not studio.heard.alerts:
            studio.clock.advance(10.0)
            studio.worker.wake()
            await asyncio.sleep(0)
        (alert,) = studio.heard.alerts
        assert alert.cause is Cause.STALLED
        assert {alert.details["budget_bytes"], alert.details["available_bytes"]} == {20_000, 10_500}
        assert alert.details["needed_bytes"] > 10_000


async def test_what_this_process_holds_is_its_allocators_word_not_the_drivers() -> None:
    """In a container the driver may say that it holds nothing."""
    async with Studio(memory_budget_bytes=20_000) as studio:
        studio.model.own_bytes = 10_000
        studio.telemetry.tell_free(5_000 + (256 << 20))
        assert studio.draws_right(await studio.submit("a").result())


async def test_a_model_that_does_not_load_is_told_at_start() -> None:
    studio = Studio()

    def broken(_: object) -> None:
        raise OSError("no such folder")

    studio.model.before["load"] = broken
    with pytest.raises(ModelLost, match="no such folder"):
        await studio.engine.start()
    assert studio.model.names("close") == [()]


class TestWarmth:
    async def test_the_model_is_warm_before_the_first_job(self) -> None:
        studio = Studio()
        await studio.engine.start()
        assert studio.model.names("step") == [("warm-up",)]
        assert studio.model.names("decode") == [("warm-up",)]
        totals = studio.engine.snapshot().totals
        assert totals.overhead_s > 0
        assert totals.busy_s == 0
        for _ in range(100):
            await asyncio.sleep(0)
        await studio.submit("a").result()
        assert studio.model.names("step").count(("warm-up",)) == 1, "and not warmed again at once"
        await studio.engine.stop(0)

    async def test_there_is_no_heartbeat_while_somebodys_step_takes_long(self) -> None:
        async with Studio(watchdog=WatchdogSettings(keep_warm_every_s=300.0)) as studio:
            studio.model.gate.close()
            ticket = studio.submit("a")
            await until(lambda: len(studio.model.names("step")) == 1)
            studio.clock.advance(400.0)
            studio.worker.wake()
            for _ in range(100):
                await asyncio.sleep(0)
            studio.model.gate.open()
            assert studio.draws_right(await ticket.result())
            assert studio.heard.of("kept_warm") == []

    async def test_a_heartbeat_keeps_it_warm_and_is_overhead(self) -> None:
        watchdog = WatchdogSettings(keep_warm_every_s=300.0)
        async with Studio(watchdog=watchdog) as studio:
            await studio.submit("a").result()
            before = studio.engine.snapshot().totals
            studio.clock.advance(299.0)
            studio.worker.wake()
            for _ in range(20):
                await asyncio.sleep(0)
            assert studio.heard.of("kept_warm") == []
            studio.clock.advance(2.0)
            studio.worker.wake()
            await until(lambda: len(studio.heard.of("kept_warm")) == 1)
            after = studio.engine.snapshot().totals
            assert after.busy_s == before.busy_s
            assert after.overhead_s > before.overhead_s

    async def test_a_heartbeat_without_memory_is_told_and_the_next_is_tried(self) -> None:
        async with Studio(watchdog=BEATING) as studio:
            studio.model.before["warm-up"] = starve(lambda _: not studio.heard.alerts)
            await beat(studio)
            await until(lambda: [alert.cause for alert in studio.heard.alerts] == [Cause.OUT_OF_MEMORY])
            await beat(studio)
            await until(lambda: len(studio.heard.of("kept_warm")) == 1)
            assert studio.model.loads == 1
            assert studio.draws_right(await studio.submit("a").result())

    async def test_a_health_check_that_fails_ends_it_before_a_picture_is_lost(self) -> None:
        async with Studio(watchdog=BEATING) as studio:
            studio.model.before["warm-up"] = starve(lambda _: True, ZeroDivisionError)
            await beat(studio)
            await until(lambda: bool(studio.heard.of("heartbeat_failed")))


async def test_slow_steps_are_reported_once_with_a_cause() -> None:
    async with Studio(max_active=1) as studio:
        for n in range(3):
            await studio.submit(f"usual{n}", steps=4, seed=n).result()

        def slow(_: object) -> None:
            studio.clock.advance(2.0)

        studio.model.before["step"] = slow
        for n in range(4):
            await studio.submit(f"slow{n}", steps=8, seed=n).result()
        assert [alert.cause for alert in studio.heard.alerts] == [Cause.UNKNOWN]
        assert studio.engine.snapshot().slow is Cause.UNKNOWN


def test_a_request_may_say_where_it_waited_before() -> None:
    assert DrawRequest("x", 64, 64, 1, 0, waited_s=5.0, job_id="a").waited_s == 5.0
