"""Control networks: which release a file is, what it is not, and whether it fits the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file

from engine.control import Refiner, Release, examine
from engine.request import ControlKind
from engine.weights import BadWeights, Flaw
from tests.engine import controls

if TYPE_CHECKING:
    from pathlib import Path


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
