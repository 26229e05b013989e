"""Control networks of bot.toml: what a model follows with one, and what the owner is told of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bot.app import model_settings
from bot.imagine import networks
from bot.imagine.models import find_models
from bot.messages import LANGUAGES, translator
from engine.request import ControlKind
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
