"""Several models on one worker: which is on the device, when another comes there, and that nobody starves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.build import build_engine
from engine.events import Action
from engine.families.model import Place
from engine.families.plan import Need, Plan
from engine.families.profile import Peaks, Profile
from engine.placement import resolve
from engine.predict import Predictor
from engine.request import DrawRequest
from engine.settings import BadSetting, EngineConfig, ModelSettings, Reach
from engine.shares import ShareTerms
from engine.worker.job import Job
from engine.worker.loading import sources
from engine.worker.memory import MemoryGate
from engine.worker.parts import Parts
from engine.worker.pipeline import PipelineModel
from engine.worker.residency import Held, Residency
from tests.engine import klein
from tests.engine.fakes import Recorder
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.model

GB = 10**9
REQUEST = DrawRequest("a cat", 64, 64, steps=2, seed=1, job_id="a")


def held(name: str, *, encoder: int = 8, budget: int = 24, digests: dict[str, str] | None = None) -> Held:
    """12 GB of transformer and an encoder; a call takes 2 GB."""
    profile = Profile(
        name,
        weights_bytes={"transformer": 12 * GB, "text_encoder": encoder * GB},
        peaks=Peaks(encode_bytes=2 * GB),
    )
    gate = MemoryGate(profile, budget * GB)
    return Held(name, gate, Predictor(profile), Place.HOST, digests or {})


def job(model: str, arrived_at: float = 0.0) -> Job:
    request = replace(REQUEST, job_id=f"{model}{arrived_at}", model=model)
    return Job(request, Plan(("a cat",), 2, Need(64, 64)), arrived_at)


@pytest.fixture
def two() -> tuple[Residency, Held, Held]:
    one, other = held("one"), held("other")
    one.place = Place.DEVICE
    return Residency([one, other]), one, other


def test_a_model_comes_when_nothing_is_there_to_be_drawn(two: tuple[Residency, Held, Held]) -> None:
    residency, _one, other = two
    assert residency.due([], 0.0) is None
    assert residency.due([job("one")], 0.0) is None
    assert residency.due([job("other")], 0.0) is other


def test_while_others_are_drawn_a_job_waits_for_its_model_so_long_and_no_longer(
    two: tuple[Residency, Held, Held],
) -> None:
    residency, one, other = two
    jobs = [job("other", 5.0), *(job("one", float(n)) for n in range(30))]
    assert residency.due(jobs, 24.9) is None
    assert residency.due(jobs, 25.0) is other
    one.place, other.place, one.left_at = Place.HOST, Place.DEVICE, 25.0
    assert residency.due(jobs, 44.9) is None, "it waits from when its model went"
    assert residency.due(jobs, 45.0) is one


def test_what_it_waited_elsewhere_counts(two: tuple[Residency, Held, Held]) -> None:
    residency, _one, other = two
    late = job("other", 5.0)
    late.request = replace(late.request, waited_s=19.0)
    assert residency.due([late, job("one")], 6.0) is other


def test_what_was_not_used_for_longest_leaves() -> None:
    models = [held(name, budget=60) for name in ("a", "b", "c")]
    residency = Residency(models)
    a, b, c = models
    a.place = b.place = Place.DEVICE
    residency.use(a)
    assert residency.leaving(c) == [b], "60 GB hold two of 20, and a call"
    residency.use(b)
    assert residency.leaving(c) == [a]
    assert residency.due([job("c"), job("a")], 0.0) is None


def test_a_model_that_fits_beside_the_others_comes_at_once() -> None:
    one, other = held("one", budget=50), held("other", budget=50)
    one.place = Place.DEVICE
    residency = Residency([one, other])
    assert residency.due([job("other"), job("one")], 0.0) is other
    assert residency.leaving(other) == []


def test_what_two_models_have_in_common_counts_once() -> None:
    shared = {"text_encoder": "same"}
    models = [held(name, budget=34, digests=shared) for name in ("one", "other")]
    residency = Residency(models)
    for each in models:
        each.place = Place.DEVICE
    assert residency.resident_bytes == 32 * GB
    models[1].place = Place.HOST
    assert residency.leaving(models[1]) == []


@pytest.fixture(scope="module")
def klein_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return klein.build(tmp_path_factory.mktemp("klein"))


def test_components_of_equal_files_are_loaded_once(klein_folder: Path, tmp_path: Path) -> None:
    twin = klein.build(tmp_path / "twin")
    weights = twin / "vae" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    placements = [
        resolve(ModelSettings(str(folder), device="cpu", name=folder.name)) for folder in (klein_folder, twin)
    ]
    shared = Parts([lambda each=each: sources(each) for each in placements])
    one, other = (PipelineModel(replace(each, shared=shared)) for each in placements)
    one.load()
    other.load()
    assert one.pipeline.text_encoder is other.pipeline.text_encoder
    assert one.pipeline.transformer is other.pipeline.transformer
    assert one.pipeline.vae is not other.pipeline.vae, "as large, and not the same"
    told = [shared.digests(sources(each)) for each in placements]
    assert [name for name in told[0] if told[0][name] == told[1][name]] == ["transformer", "text_encoder"]


def test_a_model_draws_the_same_after_it_was_away(klein_folder: Path) -> None:
    model = PipelineModel(resolve(ModelSettings(str(klein_folder), device="cpu")))
    model.load()
    before = np.asarray(model.reference(REQUEST))
    assert model.park() is Place.HOST
    model.bring()
    assert (np.asarray(model.reference(REQUEST)) == before).all()


def test_two_models_of_one_name_are_refused(klein_folder: Path) -> None:
    settings = ModelSettings(str(klein_folder), device="cpu")
    with pytest.raises(BadSetting, match="a name of its own"):
        build_engine([settings, settings], reach=Reach.HERE)


def settings_of(folder: Path, name: str) -> ModelSettings:
    """The budget holds one of the two small models, and a call."""
    placement = resolve(ModelSettings(str(folder), device="cpu"))
    peak = max(placement.profile.peaks.step.at(128 * 128), 24_000_000)
    budget = round(peak + 1_000_000)
    return ModelSettings(str(folder), device="cpu", name=name, memory_budget_bytes=budget, threads=1)


async def test_forty_members_ask_for_two_models_at_once(tiny_folder: Path, klein_folder: Path) -> None:
    heard = Recorder()
    models = [settings_of(tiny_folder, "words"), settings_of(klein_folder, "edits")]
    config = EngineConfig(
        tiers={"free": ShareTerms(share=0.1), "paid": ShareTerms()},
        result_cache_bytes=0,
        switch_after_s=1.0,
    )
    requests = [
        DrawRequest(
            "a cat",
            64,
            64,
            steps=2,
            seed=n // 2 % 3,
            model="words" if n % 2 else "edits",
            tier="paid" if n % 4 else "free",
            flow=f"m{n}",
            job_id=f"m{n}",
        )
        for n in range(40)
    ]
    engine = build_engine(models, config, reach=Reach.HERE, observers=[heard])
    async with engine, asyncio.timeout(PATIENCE_S):
        began = engine.snapshot().device
        assert began is not None
        assert [told.place for told in began.models] == [Place.DEVICE, Place.DISK]
        drawings = await asyncio.gather(*(engine.submit(request).result() for request in requests))
        after = engine.snapshot().device
        assert after is not None
        switched = [event for event in heard.events if event.action is Action.SWITCHED]
        assert after.switches == len(switched) >= 1
        assert after.switch_s > 0
        assert after.totals.overhead_s > began.totals.overhead_s, "nobody is billed for it"
        billed = sum(drawing.usage.gpu_s for drawing in drawings)
        assert billed == pytest.approx(after.totals.busy_s - began.totals.busy_s, rel=0.01)
    ends = [event.job_id for event in heard.events if event.action is Action.DONE]
    assert len(ends) == len(requests)
    assert any((one in ends[:20]) != (other in ends[:20]) for one, other in pairwise(ends)), "in turns"
    for folder, name in ((tiny_folder, "words"), (klein_folder, "edits")):
        alone = build_engine(ModelSettings(str(folder), device="cpu", threads=1), reach=Reach.HERE)
        async with alone:
            for seed in range(3):
                solo = await alone.submit(
                    DrawRequest("a cat", 64, 64, steps=2, seed=seed, job_id=f"{name}{seed}")
                ).result()
                mine = [d for d in drawings if d.request.model == name and d.request.seed == seed]
                assert mine
                for drawing in mine:
                    difference = np.asarray(drawing.image, int) - np.asarray(solo.image, int)
                    assert np.abs(difference).max() <= 2
