"""`easel models check`: what each model is, what it needs and whether it fits, from files' headers alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

from bot.app import model_settings
from bot.cli.models import standings
from bot.cli.running import configured
from bot.messages import LANGUAGES, UserError, translator
from engine.survey import Card
from engine.worker.nvml import Memory
from tests.easel import config_in

if TYPE_CHECKING:
    from pathlib import Path

GB = 10**9
A10G, SMALL = (Card(name, "550.54", Memory(gb * GB, 0, gb * GB)) for name, gb in (("A10G", 24), ("small", 8)))
TURBO = {"path": "Tongyi-MAI/Z-Image-Turbo"}


def folder(at: Path, pipeline: str = "ZImagePipeline") -> dict[str, str]:
    """An index, and 3,000 parameters."""
    for part in ("transformer", "text_encoder", "vae"):
        (at / part).mkdir(parents=True)
        save_file({"weight": np.zeros((10, 100), np.float16)}, at / part / "model.safetensors")
    (at / "model_index.json").write_text(json.dumps({"_class_name": pipeline}), "utf-8")
    return {"path": str(at)}


def told(tmp_path: Path, card: Card | None, **models: dict[str, object]) -> list[tuple[str, bool]]:
    config, t = config_in(tmp_path, models=models), translator("en")
    return [
        (t(message).replace("\u2068", "").replace("\u2069", ""), good)
        for message, good in standings(config, card, t)
    ]


def test_parameters_are_counted_in_the_headers_of_the_files(tmp_path: Path) -> None:
    ((sentence, good),) = told(tmp_path, None, mine=folder(tmp_path / "mine"))
    assert good
    assert "mine: z-image-turbo, 0.0M parameters." in sentence


def test_each_is_told_what_it_needs_of_the_card_and_all_of_them_together(tmp_path: Path) -> None:
    small, turbo, together = told(tmp_path, A10G, small={"path": "embedded"}, turbo=TURBO)
    assert "small: embedded" in small[0]
    assert "turbo: z-image-turbo, not downloaded yet. With everything resident it needs 23.3 GB" in turbo[0]
    assert "of A10G may be used, so it fits, in memory mode medium" in turbo[0]
    assert "All of them together take 20.5 GB of 22.8 GB" in together[0]
    assert small[1]
    assert turbo[1]


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ({"turbo": TURBO}, "too little in any memory mode"),
        ({"gone": {"path": "/no/where"}, "small": {"path": "embedded"}}, "The model gone is not offered"),
    ],
)
def test_one_that_cannot_be_offered_fails_the_check(
    tmp_path: Path, models: dict[str, dict[str, object]], words: str
) -> None:
    (sentence, good), *_ = told(tmp_path, SMALL, **models)
    assert words in sentence
    assert not good


def test_weights_that_are_missing_or_no_weights_are_named(tmp_path: Path) -> None:
    lacking, pointer = (folder(tmp_path / name) for name in ("lacking", "pointer"))
    (tmp_path / "lacking" / "vae" / "model.safetensors").unlink()
    (tmp_path / "pointer" / "vae" / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1"
    )
    said = told(tmp_path, None, lacking=dict(lacking), pointer=dict(pointer), small={"path": "embedded"})
    assert [good for _, good in said] == [False, False, True]
    assert "the folder has no vae/*.safetensors" in said[0][0]
    assert "it is no safetensors file; download it again" in said[1][0]


def test_a_class_that_is_not_known_is_named(tmp_path: Path) -> None:
    mine = folder(tmp_path / "mine", "SomePipeline")
    (sentence, good), *_ = told(tmp_path, None, mine=dict(mine), small={"path": "embedded"})
    assert "it holds a SomePipeline" in sentence
    assert not good


def test_every_sentence_is_there_in_every_language(tmp_path: Path) -> None:
    for language in LANGUAGES:
        t = translator(language)
        for card in (None, A10G, SMALL):
            config = config_in(tmp_path, models={"small": {"path": "embedded"}, "turbo": TURBO})
            assert all("models-" not in t(message) for message, _ in standings(config, card, t))


def test_a_model_is_named_as_bot_toml_does_and_has_measurements_of_its_own(tmp_path: Path) -> None:
    several = config_in(tmp_path, models={"small": {"path": "embedded"}, "turbo": TURBO | {"default": True}})
    assert (configured(several, None), configured(several, "small")) == ("turbo", "small")
    for name in ("turbo", "small"):
        assert model_settings(several, name).measured_profile == tmp_path / "data" / f"profile-{name}.toml"
    only = config_in(tmp_path)
    assert model_settings(only, configured(only, None)).measured_profile == tmp_path / "data" / "profile.toml"


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ({"small": {"path": "embedded"}}, "There is no model “big”. Choose one of: small."),
        ({}, "There is one model in bot.toml"),
    ],
)
def test_a_model_that_is_not_there_gets_one_sentence(
    tmp_path: Path, models: dict[str, dict[str, object]], words: str
) -> None:
    with pytest.raises(UserError) as refused:
        configured(config_in(tmp_path, models=models), "big")
    for language in LANGUAGES:
        assert "big" in translator(language)(refused.value.message)
    assert words in translator("en")(refused.value.message).replace("\u2068", "").replace("\u2069", "")
