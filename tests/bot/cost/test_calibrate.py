"""Calibration: it measures with a real engine, goes on where it stopped, and what it writes is read back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from bot.cost import calibration
from bot.cost.calibration import Points, Size, Together, as_card, fit
from bot.cost.calibration_chart import calibration_png
from bot.cost.calibration_text import markdown, profile_toml
from bot.cost.measure import LEAST_R2, Agenda, Calibration, Unsteady, agenda
from bot.imagine.capabilities import load_capabilities
from bot.messages import LANGUAGES, translator
from engine.build import engine_with
from engine.events import Phase
from engine.families.registry import load_profile
from engine.settings import EngineConfig, ModelSettings
from tests.easel import FieldModel

if TYPE_CHECKING:
    from pathlib import Path

    from engine.front import Front

SMALL = Agenda((64, 128), (1, 4), default_edge=64, default_steps=2, repeats=1, most_at_once=2)
MEASURED = Points(
    "embedded", "cpu x86_64", edge=128, memory_bytes=24_000_000_000, resident_bytes=49_500_000, encode_s=0.02,
    sizes={
        "64": Size(64, 0.15, 0.012, 0.005, 60_000_000),
        "128": Size(128, 0.35, 0.035, 0.02, 71_000_000),
        "256": Size(256, 1.6, 0.18, 0.08, 131_000_000),
    },
    steps={"1": 0.08, "4": 0.185, "8": 0.325, "12": 0.465},
    together={"1": Together(1, 0.33, 10909.09, 71_000_000), "2": Together(2, 0.4, 18000.0, 92_000_000)},
    stopped="throughput",
)  # fmt: skip


def engine(**changes: object) -> Front:
    config = EngineConfig(max_active=4, embedding_cache_bytes=0, result_cache_bytes=0, **changes)  # type: ignore[arg-type]
    return engine_with(model=FieldModel(), config=config)


def blank() -> Points:
    return Points("embedded", "field")


async def test_it_measures_sizes_steps_and_requests_at_once() -> None:
    kept: list[Points] = []
    async with engine() as running:
        points = await Calibration(running, SMALL, blank(), keep=kept.append).run()
    assert list(points.sizes) == ["64", "128"]
    assert list(points.steps) == ["1", "4"]
    assert points.together["1"].images_an_hour > 0
    assert points.stopped in ("throughput", "limit", "memory"), (
        "steps of no length are handed over in as much time"
    )
    assert len(kept) >= 5


async def test_it_goes_on_where_it_stopped_and_draws_nothing_twice(tmp_path: Path) -> None:
    file = tmp_path / calibration.FILES[0]

    class Stopped(Exception):
        pass

    def keep_three(points: Points) -> None:
        calibration.save(file, points)
        if len(points.sizes) + len(points.steps) == 3:
            raise Stopped

    async with engine() as running:
        with pytest.raises(Stopped):
            await Calibration(running, SMALL, blank(), keep=keep_three).run()
    points = calibration.load(file, blank())
    assert (list(points.sizes), list(points.steps)) == (["64", "128"], ["1"])
    before, told = points.sizes["64"], list[str]()
    async with engine() as running:
        await Calibration(running, SMALL, points, keep=lambda _: None, tell=told.append).run()
    assert points.sizes["64"] is before
    assert "64x64" not in told


async def test_memory_says_how_many_fit_at_once() -> None:
    model = load_profile("embedded")
    one = round(model.peak_bytes(Phase.DECODE, 64 * 64))
    budget = model.resident_bytes + 2 * one + one // 2
    most = dataclasses.replace(SMALL, most_at_once=4)
    async with engine(memory_budget_bytes=budget) as running:
        points = await Calibration(running, most, blank(), keep=lambda _: None).run()
    assert points.stopped in ("memory", "throughput")
    assert 1 <= len(points.together) <= 3


@pytest.mark.parametrize(
    "other", [Points("other", "field"), Points("embedded", "gpu"), Points("embedded", "field", True)]
)
def test_points_of_another_kind_of_run_are_not_taken_up(tmp_path: Path, other: Points) -> None:
    file = tmp_path / calibration.FILES[0]
    calibration.save(file, other)
    fresh = blank()
    assert calibration.load(file, fresh) is fresh
    file.write_text("{broken")
    assert calibration.load(file, fresh) is fresh


def test_points_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / calibration.FILES[0]
    fresh, broken_off = Points("embedded", "cpu x86_64"), dataclasses.replace(MEASURED, stopped="")
    calibration.save(file, broken_off)
    assert calibration.load(file, fresh) == broken_off
    calibration.save(file, MEASURED)
    assert calibration.load(file, fresh) is fresh  # that one is done: measure anew


def test_what_two_at_once_bring_on_a_gpu_decides_whether_forwards_are_shared(tmp_path: Path) -> None:
    base, file = load_profile("embedded"), tmp_path / calibration.PROFILE
    for device, gain in (("NVIDIA L20", 18000 / 10909.09), ("cpu x86_64", base.batch_gain.at(128**2))):
        points = dataclasses.replace(MEASURED, device=device)
        calibration.write_profile(file, points, profile_toml(points, base))
        assert load_profile(file, device).batch_gain.at(128**2) == pytest.approx(gain, rel=0.01)


def test_the_profile_is_one_the_engine_reads_and_knows_its_device_by(tmp_path: Path) -> None:
    base = load_profile("embedded")
    file = tmp_path / calibration.PROFILE
    calibration.write_profile(file, MEASURED, profile_toml(MEASURED, base))
    found = load_profile(file, "cpu x86_64")
    assert found.known_device
    assert found.name == base.name
    assert found.qualities == base.qualities
    assert found.step_s.at(128 * 128) == 0.035
    assert found.decode_s.at(256 * 256) == 0.08
    assert found.peak_bytes(Phase.DENOISE, 128 * 128) == 71_000_000 - MEASURED.resident_bytes
    assert not load_profile(file, "NVIDIA L4").known_device


@pytest.mark.model
def test_the_engine_starts_from_what_was_measured_here(tmp_path: Path) -> None:
    from engine.placement import resolve  # brings torch

    shipped = resolve(ModelSettings(device="cpu"))
    here = dataclasses.replace(MEASURED, device=shipped.device_name)
    file = tmp_path / calibration.PROFILE
    calibration.write_profile(file, here, profile_toml(here, shipped.profile))
    placed = resolve(ModelSettings(device="cpu", measured_profile=file)).profile
    assert placed.step_s.at(128 * 128) == 0.035
    assert not placed.known_device  # a CPU is not held to it
    elsewhere = dataclasses.replace(MEASURED, device="NVIDIA L4")
    calibration.write_profile(file, elsewhere, profile_toml(elsewhere, shipped.profile))
    assert resolve(ModelSettings(device="cpu", measured_profile=file)).profile == shipped.profile


def test_the_plan_takes_this_machine_for_a_card(tmp_path: Path) -> None:
    file = tmp_path / calibration.PROFILE
    assert as_card(file) is None
    calibration.write_profile(file, MEASURED, profile_toml(MEASURED, load_profile("embedded")))
    card = as_card(file)
    assert card is not None
    assert card.name == "cpu x86_64"
    assert [count for count, _ in card.throughput] == [1, 2]


def test_the_line_through_the_seconds() -> None:
    slope, start, good = fit(MEASURED)
    assert (float(slope), float(start), float(good)) == pytest.approx((0.035, 0.045, 1.0))


def test_the_agenda_is_the_articles_as_far_as_the_model_goes() -> None:
    real = agenda(load_profile("z-image-turbo"), load_capabilities("z-image-turbo"), quick=False)
    assert real.edges == (512, 768, 1024, 1536, 2048)
    assert real.steps == (1, 4, 6, 8, 10, 12, 20, 40)
    small = agenda(load_profile("embedded"), load_capabilities("embedded"), quick=False)
    assert small.edges == (64, 96, 128, 192, 256)
    quick = agenda(load_profile("embedded"), load_capabilities("embedded"), quick=True)
    assert quick.edges == (64, 128, 256)
    assert quick.points < small.points


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_and_plots_in_each_language(language: str) -> None:
    t = translator(language)
    text = markdown(MEASURED, t)
    for figure in ("256x256", "131 MB", "0.185", "+306%", "0.0350", "18000"):
        assert figure.replace("0.185", "0.18") in text or figure in text
    assert "calibrate-" not in text
    assert calibration_png(MEASURED, t).startswith(b"\x89PNG")


class Stopwatch:
    """Reads 0, then the next of `seconds`, in turn: what each picture took."""

    def __init__(self, *seconds: float) -> None:
        self._readings = [reading for took in seconds for reading in (0.0, took)]

    def __call__(self) -> float:
        return self._readings.pop(0)


STEPS = dataclasses.replace(SMALL, steps=(1, 4, 8, 12))
STEADY, BUSY = (0.1, 0.4, 0.8, 1.2), (1.0, 0.2, 2.0, 0.4)


async def test_seconds_that_do_not_grow_with_the_steps_are_measured_again() -> None:
    kept: list[Points] = []
    async with engine() as running:
        clock = Stopwatch(*BUSY, *STEADY)
        points = await Calibration(running, STEPS, blank(), keep=kept.append, clock=clock).run()
    assert tuple(points.steps.values()) == STEADY


async def test_a_machine_that_stays_busy_is_refused_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / calibration.FILES[0]
    async with engine() as running:
        clock = Stopwatch(*BUSY * 3)
        measuring = Calibration(
            running, STEPS, blank(), keep=lambda found: calibration.save(file, found), clock=clock
        )
        with pytest.raises(Unsteady) as refused:
            await measuring.run()
    assert refused.value.r2 < LEAST_R2
    assert calibration.load(file, blank()).steps == {}, "the next run would believe them"
