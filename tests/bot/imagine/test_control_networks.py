"""Control networks of bot.toml: what a model follows with one, and what the owner is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import structlog
from PIL import Image
from transformers import GLPNConfig, GLPNForDepthEstimation, GLPNImageProcessor

from bot.app import model_settings, open_service
from bot.config.control import Control
from bot.folders import DATABASE
from bot.imagine import control_networks
from bot.imagine.asker import Asker
from bot.imagine.control_maps import Maps
from bot.imagine.events import Done
from bot.imagine.inputs import Brought
from bot.imagine.models import find_models
from bot.imagine.options import Options
from bot.imagine.source import png
from bot.messages import LANGUAGES, Reason, UserError, translator
from engine.families.zimage_control import Refiner
from engine.request import ControlKind
from engine.settings import EMBEDDED_FOLDER
from engine.survey import survey_standing
from tests.database import lay_out
from tests.easel import config_in
from tests.engine import controls

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.model


def test_a_network_is_told_with_what_it_follows_or_its_flaw(tmp_path: Path) -> None:
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
        told = {name: control_networks.standing(config, name) for name in models}
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
        for section in ({"attention": "flash"}, {"control": str(tmp_path)})
    )
    assert with_it > plain


def test_the_embedded_model_brings_one_for_outlines(tmp_path: Path) -> None:
    (model,) = find_models(config_in(tmp_path)).capabilities.values()
    assert model.controls == {ControlKind.EDGES}


async def test_attention_without_masks_refuses_what_is_followed_and_nothing_else(tmp_path: Path) -> None:
    section = {"attention": "_native_flash"}
    config = config_in(tmp_path, model=section, engine={"worker": "here"})
    lay_out(config.storage.folder / DATABASE)
    asker, picture = Asker("console", "anna"), png(Image.linear_gradient("L").convert("RGB"))
    with structlog.testing.capture_logs() as lines:
        async with open_service(config) as service:
            words = Options("a red house", size="64x64", steps="1")
            live = await service.imagine(asker, words, key="1", address={})
            assert isinstance(await live.outcome(), Done)
            with pytest.raises(UserError) as refused:
                await service.imagine(
                    asker,
                    replace(words, control="edges"),
                    key="2",
                    address={},
                    brought=Brought(picture),
                )
    assert refused.value.message.id == "error-control-none"
    assert [line["event"] for line in lines if "refuses masks" in line.get("found", "")] == ["alert"]
