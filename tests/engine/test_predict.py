"""Seconds: from a profile, corrected by what is measured; and what is usual, which slowness never becomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.events import Phase
from engine.families.profile import Curve
from engine.families.registry import load_profile
from engine.predict import Pace, Predictor
from engine.request import DrawRequest
from tests.engine.fakes import PROFILE

if TYPE_CHECKING:
    from engine.families.plan import Plan


def plan(steps: int = 8, guidance: float = 0.0, side: int = 64) -> Plan:
    return PROFILE.plan(DrawRequest("a cat", side, side, steps, 0, guidance=guidance, job_id="a"))


def test_a_curve_goes_through_its_points_and_on() -> None:
    curve = Curve.of([(10, 1.0), (20, 3.0)])
    assert [curve.at(x) for x in (10, 15, 20, 30, 0)] == [1.0, 2.0, 3.0, 5.0, 0.0]
    assert Curve.of([(5, 2.0)]).at(99) == 2.0


def test_guidance_counts_both_captions() -> None:
    predictor = Predictor(PROFILE)
    plain, guided = predictor.job_s(plan()), predictor.job_s(plan(guidance=2.0))
    assert plain == pytest.approx(0.5 + 8 * 1.0 + 0.5)
    assert guided == pytest.approx(1.0 + 16 * 1.0 + 0.5)
    assert predictor.job_s(plan(), 6, encoded=True) == pytest.approx(2 * 1.0 + 0.5)


def test_what_is_measured_replaces_the_profile() -> None:
    predictor = Predictor(PROFILE)
    for _ in range(40):
        predictor.learn(Phase.DENOISE, plan(), 0.3)
        predictor.learn(Phase.ENCODE, plan(guidance=2.0), 0.2)
        predictor.learn(Phase.DECODE, plan(), 0.25)
    assert predictor.job_s(plan()) == pytest.approx(0.1 + 8 * 0.3 + 0.25, rel=0.01)
    assert predictor.step_s(128 * 128) == pytest.approx(4.0 * 0.3, rel=0.01), "a size not seen borrows"
    later = Predictor(PROFILE)
    later.restore(predictor.learned())
    assert later.job_s(plan()) == predictor.job_s(plan())


def test_pictures_that_are_enlarged_first_teach_nothing_about_the_others() -> None:
    predictor, begun = Predictor(PROFILE), replace(plan(), pictures=1)
    enlarged, before_s = replace(begun, enlarges=True), predictor.job_s(begun)
    for _ in range(40):
        predictor.learn_job(enlarged, before_s + 20.0, encoded=False)
    assert predictor.job_s(enlarged) == pytest.approx(before_s + 20.0, rel=0.01)
    assert predictor.job_s(begun) == before_s


def test_lasting_slowness_never_becomes_usual() -> None:
    pace = Pace()
    for seconds in (9.0, 1.0, 1.1, 0.9, 1.0):
        assert pace.usual_s("shape") is None
        pace.learn("shape", seconds)
    assert pace.usual_s("shape") == 1.0, "the first step, cold, does not count for much"
    for _ in range(1000):
        pace.learn("shape", 2.0)
    assert pace.usual_s("shape") == 1.0
    for _ in range(1000):
        pace.learn("shape", 1.2)
    assert pace.usual_s("shape") == pytest.approx(1.2, rel=0.01)


def test_the_published_pictures_take_their_published_time() -> None:
    for device, seconds in (("NVIDIA GeForce RTX 3090", 8.33), ("NVIDIA L20", 6.71), ("NVIDIA H800", 1.16)):
        profile = load_profile("z-image-turbo", device)
        assert profile.known_device
        assert Predictor(profile).job_s(plan(side=1024)) == pytest.approx(seconds, rel=0.02)
    seed = load_profile("seed-a10g")
    for steps, seconds in ((1, 2.1), (10, 6.8), (20, 11.5), (40, 18.3), (60, 25.7), (100, 41.9)):
        predicted = Predictor(seed).job_s(plan(steps, guidance=7.5, side=1024))
        assert predicted == pytest.approx(seconds, rel=0.15), steps


def test_an_unknown_card_is_said_to_be_unknown() -> None:
    assert not load_profile("z-image-turbo", "NVIDIA Whatever").known_device
    assert not load_profile("embedded", "cpu x86_64").known_device, "no two of them are alike"


def test_a_profile_that_is_none_is_refused(tmp_path: object) -> None:
    with pytest.raises(FileNotFoundError):
        load_profile("no-such-profile")
