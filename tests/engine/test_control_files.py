"""Control networks: which release a file is, what it is not, and whether it fits the model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.events import Phase
from engine.families.plan import Need, Plan
from engine.families.profile import CONTROL
from engine.families.registry import load_profile
from engine.families.zimage_control import ControlFile, Layout, Refiner, Release, examine
from engine.predict import Predictor
from engine.request import ControlKind
from engine.settings import ModelSettings
from engine.survey import survey_standing
from engine.weights import BadWeights, Flaw
from engine.worker.memory import MemoryGate, Mode, weights
from tests.engine import controls

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return controls.base(tmp_path_factory.mktemp("base"))


@pytest.mark.parametrize(("release", "places"), [("1", 2), ("2.0", 5), ("2.1", 5), ("2.1-lite", 1)])
def test_releases_are_told_apart_by_what_is_in_the_file(
    base: Path, tmp_path: Path, release: str, places: int
) -> None:
    found = examine(controls.write(tmp_path, base, release), base)
    assert found.layout.release is Release(release)
    assert found.layout.places == tuple(range(0, 10, 10 // places))
    assert found.kinds == frozenset(ControlKind)


def test_a_folder_says_itself_how_its_network_is_made(base: Path, tmp_path: Path) -> None:
    made = controls.network(base, 16, Refiner.PLAIN, [0, 3, 7])
    made.save_pretrained(tmp_path)
    found = examine(tmp_path, base)
    assert (found.layout.release, found.layout.places) == (Release.OWN, (0, 3, 7))
    assert found.parameters == sum(weight.numel() for weight in made.state_dict().values())


def test_a_file_names_the_maps_that_it_follows(base: Path, tmp_path: Path) -> None:
    state = load_file(controls.write(tmp_path, base, "1"))
    path = controls.save(tmp_path / "edges.safetensors", state, kinds="edges, depth")
    assert examine(path, base).kinds == {ControlKind.EDGES, ControlKind.DEPTH}


@pytest.mark.parametrize(
    ("flaw", "change"),
    [
        (Flaw.NO_CONTROL, lambda s: {"layers.0.attention.to_q.weight": torch.ones(48, 48)}),
        (Flaw.UNKNOWN_CONTROL, lambda s: s | {"control_layers.0.scale_weight": torch.ones(1)}),
        (Flaw.UNKNOWN_CONTROL, lambda s: {k: v for k, v in s.items() if "control_layers.1" not in k}),
        (
            Flaw.OTHER_MODEL,
            lambda s: s | {"control_layers.0.feed_forward.w1.weight": torch.ones(96, 48)},
        ),
    ],
)
def test_what_is_no_known_network_of_this_model_is_refused(
    base: Path, tmp_path: Path, flaw: Flaw, change: Any
) -> None:
    state = load_file(controls.write(tmp_path, base, "1"))
    with pytest.raises(BadWeights) as refused:
        examine(controls.save(tmp_path / "changed.safetensors", change(state)), base)
    assert refused.value.flaw is flaw


def test_a_network_of_a_wider_model_or_of_another_kind_is_refused(base: Path, tmp_path: Path) -> None:
    file = controls.write(tmp_path, base, "2.1")
    wider = controls.base(tmp_path / "wider", dim=96)
    other = controls.base(tmp_path / "other")
    config = other / "transformer" / "config.json"
    config.write_text(json.dumps({"_class_name": "Flux2Transformer2DModel"}))
    for model in (wider, other, None):
        with pytest.raises(BadWeights) as refused:
            examine(file, model)
        assert refused.value.flaw is Flaw.OTHER_MODEL


def test_a_config_that_leaves_out_the_first_layer_is_refused(base: Path, tmp_path: Path) -> None:
    controls.network(base, 16, Refiner.PLAIN, [0, 5]).save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    for places in ([5], [0, 10], "none", None):
        told = json.loads(config.read_text("utf-8")) | {"control_layers_places": places}
        config.write_text(json.dumps(told))
        with pytest.raises(BadWeights) as refused:
            examine(tmp_path, base)
        assert refused.value.flaw is Flaw.UNKNOWN_CONTROL


LITE = ControlFile(
    path=Path("lite.safetensors"),
    layout=Layout(Release.LITE, (0, 10, 20), 33, Refiner.HINTS),
    kinds=frozenset(ControlKind),
    parameters=1_000_000_000,
    width=3840,
    added_time=0.22,
)
TURBO = load_profile("z-image-turbo").controlled(LITE)
PLAIN, FOLLOWING = Need(1024, 1024), Need(1024, 1024, controls=1)


def test_a_networks_weights_are_there_while_steps_run_and_in_low_memory_only_then() -> None:
    there = {mode: {p for p in Phase if CONTROL in weights(TURBO, mode, p)} for mode in Mode}
    assert there == {Mode.HIGH: set(Phase), Mode.MEDIUM: set(Phase), Mode.LOW: {Phase.DENOISE}}
    assert TURBO.weights_bytes[CONTROL] == 2 * LITE.parameters


def test_hints_take_memory_in_steps_that_follow_a_map_and_in_no_other_call() -> None:
    gate = MemoryGate(TURBO, 80 * 2**30)
    more = {phase: gate.call_bytes(phase, FOLLOWING) - gate.call_bytes(phase, PLAIN) for phase in Phase}
    hints = 3 * (4096 + 512) * 3840 * 2
    assert hints < more.pop(Phase.DENOISE) < 4 * hints
    assert set(more.values()) == {0}
    gate.learn(Phase.DENOISE, PLAIN, 7)
    assert gate.call_bytes(Phase.DENOISE, FOLLOWING) > hints, "what a plain step took says nothing of it"
    assert Need.parse(str(FOLLOWING)) == FOLLOWING


def test_a_step_that_follows_a_map_is_expected_to_take_longer() -> None:
    plain, following = (Plan(("a cat",), 8, need) for need in (PLAIN, FOLLOWING))
    predictor = Predictor(TURBO)
    steps_s = predictor.job_s(plain) - predictor.job_s(plain, steps_done=8)
    assert predictor.job_s(following) - predictor.job_s(plain) == pytest.approx(0.22 * steps_s)


def test_what_a_model_needs_counts_its_network(tiny_folder: Path, tmp_path: Path) -> None:
    controls.network(tiny_folder, 16, Refiner.PLAIN, [0]).save_pretrained(tmp_path)
    settings = ModelSettings(source=str(tiny_folder), device="cpu", control=examine(tmp_path, tiny_folder))
    with_it, without = (
        survey_standing(each, None).needs_bytes for each in (settings, replace(settings, control=None))
    )
    assert settings.control is not None
    assert with_it - without == 4 * settings.control.parameters
