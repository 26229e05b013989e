"""The gate: from a profile's table to what was learned here; who comes in, and who never could."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import Phase
from engine.families.model import Measurement
from engine.families.plan import Need, Plan
from engine.families.registry import load_profile
from engine.predict import Predictor
from engine.request import DrawRequest
from engine.worker import hostmemory
from engine.worker.executor import Outcome, Result
from engine.worker.experience import Experience
from engine.worker.job import Job
from engine.worker.memory import RESERVE_BYTES, MemoryGate, Mode, choose_mode, resident_bytes
from engine.worker.residency import Held, Residency
from engine.worker.scheduler import Work
from tests.engine.fakes import PROFILE, OutOfMemoryError
from tests.engine.studio import Studio
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.engine.fakes import FakeCanvas

GB = 10**9
TURBO = load_profile("z-image-turbo")
SEED = load_profile("seed-a10g")
LARGE = Need(1024, 1024)
REQUEST = DrawRequest("a cat", 64, 64, steps=1, seed=1, job_id="a")


def fit(gate: MemoryGate, calls: Sequence[tuple[Phase, Need]], available_bytes: int | None = None) -> bool:
    """Whether these calls of the only model may run at the same time."""
    model = Held("", gate, Predictor(PROFILE))
    jobs = [(phase, Job(REQUEST, Plan((), 1, need), 0.0)) for phase, need in calls]
    return Residency([model]).fits(jobs, available_bytes)


class TestTheProfiles:
    def test_the_seeds_table_is_there_to_the_digit(self) -> None:
        gate = MemoryGate(SEED, 24 * GB)
        peaks = {512: 5.1, 768: 5.6, 1024: 6.2, 1536: 7.9, 2048: 9.4}
        for side, gb in peaks.items():
            assert gate.resident_bytes + gate.peak_bytes(Need(side, side)) == pytest.approx(gb * GB)

    def test_by_the_seeds_table_24_gb_hold_three_and_not_four_with_what_it_needs_each(self) -> None:
        """Its own rule, memory over peak, is for whole copies; sharing the weights leaves room for more."""
        gate = MemoryGate(SEED, 24 * GB)
        assert 24 * GB // (6.2 * GB) == 3
        assert fit(gate, [(Phase.DECODE, LARGE)] * 4)

    def test_what_counts_is_the_call_that_runs_not_all_that_a_picture_will_ever_take(self) -> None:
        gate = MemoryGate(TURBO, 24 * GB)
        assert fit(gate, [(Phase.DECODE, LARGE), (Phase.DENOISE, LARGE)])
        assert not fit(gate, [(Phase.DECODE, LARGE)] * 2)
        assert fit(gate, [(Phase.DENOISE, LARGE)] * 6), "a forward for six pictures"
        assert not fit(gate, [(Phase.DENOISE, LARGE)] * 7)

    def test_offloaded_each_part_is_there_alone(self) -> None:
        """8-bit weights: what is largest is the encoder, then a step; the decoder works without either."""
        gate = MemoryGate(TURBO.quantised(), 9 * GB, Mode.LOW)
        assert gate.ever_fits(Need(2048, 2048))
        assert not MemoryGate(TURBO.quantised(), 8 * GB, Mode.LOW).ever_fits(Need(512, 512)), "the encoder"
        assert not MemoryGate(TURBO, 12 * GB, Mode.LOW).ever_fits(Need(512, 512)), "the transformer"

    def test_more_pixels_never_need_less(self) -> None:
        for profile in (TURBO, SEED, load_profile("embedded")):
            peaks = [MemoryGate(profile, GB).peak_bytes(Need(side, side)) for side in range(64, 2049, 64)]
            assert peaks == sorted(peaks)
            assert peaks[0] >= 0


class TestModes:
    @pytest.mark.parametrize(
        ("card_gb", "mode"), [(80, "high"), (24, "high"), (22, "medium"), (16, "low"), (8, "low")]
    )
    def test_the_card_decides(self, card_gb: int, mode: str) -> None:
        assert choose_mode(TURBO, card_gb * GB, 1024 * 1024).value == mode

    def test_medium_leaves_the_encoder_out_while_steps_run(self) -> None:
        assert resident_bytes(TURBO, Mode.MEDIUM) == resident_bytes(TURBO, Mode.HIGH) - 8_044_936_192
        gate = MemoryGate(TURBO, 21 * GB, Mode.MEDIUM)
        assert fit(gate, [(Phase.DECODE, LARGE)] * 3)
        assert not fit(gate, [(Phase.ENCODE, LARGE), (Phase.DENOISE, LARGE)])
        assert not MemoryGate(TURBO, 20 * GB, Mode.MEDIUM).ever_fits(LARGE), "it must fit while it encodes"


class TestLearning:
    def test_a_learned_peak_replaces_the_profiles_of_its_phase(self) -> None:
        gate = MemoryGate(TURBO, 24 * GB)
        told = gate.call_bytes(Phase.DECODE, LARGE)
        gate.learn(Phase.DENOISE, LARGE, GB // 10)
        assert gate.call_bytes(Phase.DENOISE, LARGE) == pytest.approx(0.105 * GB)
        assert gate.peak_bytes(LARGE) == told, "a first step says nothing of the decoder"
        gate.learn(Phase.DECODE, LARGE, GB)
        assert gate.peak_bytes(LARGE) == pytest.approx(1.05 * GB)
        assert gate.peak_bytes(LARGE, pictures=1) == TURBO.peak_bytes(Phase.BEGIN, LARGE.pixels), "not yet"

    def test_a_higher_peak_counts_at_once_and_a_lower_one_little_by_little(self) -> None:
        gate = MemoryGate(TURBO, 24 * GB)
        assert gate.learn(Phase.DECODE, LARGE, 2 * GB)
        assert gate.learn(Phase.DECODE, LARGE, GB)
        assert 1.9 * GB < gate.learned()["decode"]["1024x1024x1"] < 2 * GB
        for _ in range(100):
            gate.learn(Phase.DECODE, LARGE, GB)
        assert gate.learned()["decode"]["1024x1024x1"] == pytest.approx(GB, rel=0.01)
        assert not gate.learn(Phase.DECODE, LARGE, GB), "no news"
        assert gate.learn(Phase.DECODE, LARGE, 2 * GB)
        assert gate.learned()["decode"]["1024x1024x1"] == 2 * GB

    def test_two_sizes_learned_tell_of_those_between(self) -> None:
        gate = MemoryGate(TURBO, 24 * GB)
        gate.learn(Phase.DENOISE, Need(512, 512), GB)
        gate.learn(Phase.DENOISE, LARGE, 4 * GB)
        middle = Need(512, 1024)
        assert GB < gate.call_bytes(Phase.DENOISE, middle) < 4 * GB
        beyond = Need(2048, 2048)
        assert gate.peak_bytes(beyond) >= MemoryGate(TURBO, 24 * GB).peak_bytes(beyond)

    @given(
        st.dictionaries(
            st.tuples(
                st.sampled_from(Phase),
                st.builds(Need, st.integers(16, 4096), st.integers(16, 4096), st.integers(1, 2)),
            ),
            st.integers(1, 1 << 40),
            max_size=5,
        )
    )
    def test_what_was_learned_survives_the_trip_to_disk(self, peaks: dict[tuple[Phase, Need], int]) -> None:
        gate, later = MemoryGate(TURBO, GB), MemoryGate(TURBO, GB)
        for (phase, need), peak in peaks.items():
            gate.learn(phase, need, peak)
        later.restore(json.loads(json.dumps(gate.learned())))
        assert later.learned() == gate.learned()


def test_what_others_hold_counts_less_a_reserve() -> None:
    gate = MemoryGate(PROFILE, 10**12)
    small = Need(64, 64)
    enough = gate.resident_bytes + gate.call_bytes(Phase.DECODE, small) + RESERVE_BYTES
    assert fit(gate, [(Phase.DECODE, small)], enough)
    assert not fit(gate, [(Phase.DECODE, small)], enough - 1)
    assert not fit(gate, [(Phase.DECODE, small)] * 2, enough)


@given(st.lists(st.sampled_from([64, 96, 128]), max_size=6), st.sampled_from([64, 128]), st.integers(10, 40))
def test_nothing_comes_in_beyond_the_budget(active: list[int], side: int, budget_kb: int) -> None:
    gate = MemoryGate(PROFILE, budget_kb * 1000)
    needs = [Need(other, other) for other in [*active, side]]
    total = gate.resident_bytes + sum(gate.call_bytes(Phase.DENOISE, need) for need in needs)
    assert fit(gate, [(Phase.DENOISE, need) for need in needs]) == (total <= gate.budget_bytes)


class TestOnDisk:
    async def test_peaks_and_speeds_are_there_after_a_restart(self, tmp_path: Path) -> None:
        path = tmp_path / "state" / "learned.json"
        async with Studio(learned_path=path) as studio:
            studio.model.peak_bytes = 777
            await studio.submit("a").result()
        kept = json.loads(path.read_text())
        assert kept["peak_bytes"] == {phase: {"64x64x1": 777} for phase in ("encode", "denoise", "decode")}
        assert kept["factors"]["4096"] == pytest.approx(1.0)
        async with Studio(learned_path=path) as studio:
            assert studio.worker.gate.peak_bytes(Need(64, 64)) == round(777 * 1.05)

    async def test_each_phase_has_its_own_peak(self) -> None:
        async with Studio() as studio:
            model = studio.model
            for call, peak in (("encode", 9999), ("step", 500), ("decode", 700)):
                model.before[call] = lambda _, peak=peak: setattr(model, "peak_bytes", peak)
            await studio.submit("a").result()
            learned = {phase: peaks["64x64x1"] for phase, peaks in studio.worker.gate.learned().items()}
            assert learned == {"encode": 9999, "denoise": 500, "decode": 700}

    async def test_a_prompt_that_is_known_says_nothing_of_what_encoding_takes(self) -> None:
        async with Studio(result_cache_bytes=0) as studio:
            studio.model.peak_bytes = 777
            await studio.submit("a", prompt="a cat").result()
            studio.model.peak_bytes = 5
            await studio.submit("b", prompt="a cat").result()
            assert studio.worker.gate.learned()["encode"] == {"64x64x1": 777}

    @pytest.mark.parametrize(
        "text", ["", "[]", "{", '{"key": 1}', '{"key":"x","peak_bytes":{"decode":{"a":1}},"factors":{}}']
    )
    async def test_a_broken_file_is_no_reason_not_to_draw(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "learned.json"
        path.write_text(text)
        async with Studio(learned_path=path) as studio:
            assert studio.draws_right(await studio.submit("a").result())

    async def test_another_cards_lessons_are_not_taken(self, tmp_path: Path) -> None:
        path = tmp_path / "learned.json"
        async with Studio(learned_path=path, device_name="one card") as studio:
            studio.model.peak_bytes = 777
            await studio.submit("a").result()
        async with Studio(learned_path=path, device_name="another") as studio:
            assert not studio.worker.gate.knows(Need(64, 64))

    @pytest.mark.parametrize("compiles", [False, True])
    async def test_calibration_happens_once_and_at_each_start_where_blocks_are_compiled(
        self, tmp_path: Path, compiles: bool
    ) -> None:
        path = tmp_path / "learned.json"
        calibrate = (Need(64, 64), Need(128, 128, 2))
        for expected in (1, int(compiles)):
            studio = Studio(learned_path=path, calibrate=calibrate, compiles=compiles)
            studio.model.peak_bytes = 555
            async with studio:
                assert len(studio.heard.of("memory_calibrated")) == expected
                assert studio.worker.gate.knows(calibrate[1])


def test_the_kernel_tells_a_calls_peak() -> None:
    def take() -> None:
        held = bytearray(50 << 20)
        held[::4096] = b"x" * len(held[::4096])

    peak = hostmemory.peak_of(take)
    if peak is None:
        pytest.skip("this kernel does not tell")
    assert 40 << 20 < peak < 120 << 20
    small = hostmemory.peak_of(lambda: None)
    assert small is not None
    assert small < 10 << 20


def test_captions_count_twice() -> None:
    gate = MemoryGate(PROFILE, 10**12)
    assert gate.peak_bytes(Need(64, 64, 2)) == 2 * gate.peak_bytes(Need(64, 64))
    assert gate.peak_bytes(replace(Need(64, 64), captions=1)) == 1000


class TestThreads:
    """On a CPU a call that runs alone takes all cores, unless one is faster for its shape."""

    def learned(self, seconds: dict[int, float]) -> int:
        experience = Experience(PROFILE, MemoryGate(PROFILE, 10**12), key="", path=None)
        request = DrawRequest("", 64, 64, 4, 0, job_id="a")
        job = Job(request, PROFILE.plan(request), 0.0)
        work = Work(Phase.DENOISE, (job,))
        for _ in range(20):
            tried = experience.with_threads(work, max(seconds))
            done = Result(tried, Outcome(), {"a": 1.0}, seconds[tried.threads])
            experience.learn(done, Measurement())
        return experience.with_threads(work, max(seconds)).threads

    def test_the_faster_is_found(self) -> None:
        assert self.learned({1: 0.10, 2: 0.06}) == 2
        assert self.learned({1: 0.05, 2: 0.06}) == 1

    def test_work_that_is_not_small_is_never_tried_on_one(self) -> None:
        assert self.learned({2: 60.0}) == 2

    def test_side_by_side_each_has_one(self) -> None:
        assert self.learned({1: 1.0}) == 1

    async def test_the_engine_divides_the_cores(self) -> None:
        async with Studio(threads=2, step_threads=2, max_active=2) as studio:
            together = threading.Barrier(2, timeout=PATIENCE_S)
            studio.model.before["step"] = lambda _: together.wait() and None
            tickets = [studio.submit("a", steps=2), studio.submit("b", width=128, steps=2)]
            studio.model.used_threads.clear()
            for ticket in tickets:
                await ticket.result()
            assert studio.model.used_threads[:6] == [1] * 6, "two encode, and step twice"
            studio.model.before.clear()
            await studio.submit("c", steps=12, seed=9).result()
            assert 2 in studio.model.used_threads


async def test_a_size_that_does_not_fit_at_the_start_is_no_reason_not_to_start() -> None:
    studio = Studio(calibrate=(Need(64, 64), Need(128, 128)))

    def starve(canvases: Sequence[FakeCanvas]) -> None:
        if canvases[0].request.width == 128:
            raise OutOfMemoryError("CUDA out of memory.")

    studio.model.peak_bytes = 555
    studio.model.before["warm-up"] = starve
    async with studio:
        assert studio.worker.gate.knows(Need(64, 64))
        assert not studio.worker.gate.knows(Need(128, 128))
        assert studio.draws_right(await studio.submit("a").result())
