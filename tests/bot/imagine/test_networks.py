"""Control networks of bot.toml: what a model follows with one, and what the owner is told of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from transformers import GLPNConfig, GLPNForDepthEstimation, GLPNImageProcessor

from bot.app import model_settings
from bot.config.control import Control
from bot.imagine import networks
from bot.imagine.maps import Maps
from bot.imagine.models import find_models
from bot.messages import LANGUAGES, Reason, UserError, translator
from engine.control import Refiner
from engine.request import ControlKind
from engine.settings import EMBEDDED_FOLDER
from engine.survey import survey_standing
from tests.easel import config_in
from tests.engine import controls

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.model


def test_a_network_is_told_with_what_it_follows_or_its_flaw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = controls.base(tmp_path / "mine")
    (base / "model_index.json").write_text('{"_class_name": "ZImagePipeline"}')
    file = controls.write(tmp_path, base, "2.1-lite")
    paths = {"mine": file, "plain": None, "gone": tmp_path / "no", "wrong": tmp_path / "x.safetensors"}
    paths["wrong"].write_bytes(b"PK\x03\x04 and more")  # type: ignore[union-attr]
    models = {
        name: {"path": str(base)} | ({} if path is None else {"control": str(path)})
        for name, path in paths.items()
    }
    config = config_in(tmp_path, models=models)
    for language, words in zip(LANGUAGES, (("no file", "is a pickle"), ("没有文件", "pickle")), strict=True):
        t = translator(language)
        told = {name: networks.standing(config, name) for name in models}
        assert [one and one[1] for one in told.values()] == [True, None, False, False]
        sentences = [t(one[0]) for one in told.values() if one is not None]
        for word, sentence in zip(("edges, depth, pose", *words), sentences, strict=True):
            assert word in sentence
    found = find_models(config)
    assert [len(one.controls) for one in found.capabilities.values()] == [3, 0, 0, 0]
    assert list(found.networks) == ["gone", "wrong"]
    assert [model_settings(config, name).control is not None for name in models] == [
        True,
        False,
        False,
        False,
    ]
    monkeypatch.setitem(sys.modules, "cv2", None)
    without = find_models(config).capabilities["mine"].controls
    assert without == {ControlKind.DEPTH, ControlKind.POSE}


def test_a_depth_model_of_the_owners_makes_maps_of_photos(tmp_path: Path) -> None:
    made = GLPNConfig(
        depths=[1] * 4, hidden_sizes=[8] * 4, num_attention_heads=[1] * 4, decoder_hidden_size=8
    )
    GLPNForDepthEstimation(made).save_pretrained(tmp_path)
    GLPNImageProcessor().save_pretrained(tmp_path)
    photo = Image.new("RGB", (128, 96), "orange")
    depth = Maps(Control(depth_model=str(tmp_path))).of(ControlKind.DEPTH, photo)
    assert (depth.mode, depth.size) == ("RGB", photo.size)
    red, green, _ = depth.split()
    assert red == green


def test_a_depth_model_that_cannot_be_loaded_leaves_it_to_the_member(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        Maps(Control(depth_model=str(tmp_path / "none"))).of(
            ControlKind.DEPTH, Image.new("RGB", (64, 64), "red")
        )
    assert refused.value.message.id == "error-control-map-depth"
    assert refused.value.message.reason is Reason.UNAVAILABLE


def test_what_a_model_needs_counts_its_network(tmp_path: Path) -> None:
    controls.network(EMBEDDED_FOLDER, 16, Refiner.PLAIN, [0]).save_pretrained(tmp_path)
    plain, with_it = (
        survey_standing(model_settings(config_in(tmp_path, model=section)), None).needs_bytes
        for section in ({"compile": True}, {"control": str(tmp_path)})
    )
    assert with_it > plain


def test_the_embedded_model_brings_one_for_outlines_where_nothing_is_in_its_way(tmp_path: Path) -> None:
    follows = [
        networks.followed(config_in(tmp_path, model=section), "")
        for section in ({}, {"compile": True}, {"attention": "sage"})
    ]
    assert follows == [{ControlKind.EDGES}, set(), set()]
