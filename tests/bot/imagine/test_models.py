"""What members are offered, the model can draw."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from bot.config.money import Tier
from bot.config.schema import Config
from bot.imagine.capabilities import Size, load_capabilities
from bot.imagine.models import Model, Models, find_models
from bot.messages import LANGUAGES, UserError, translator
from engine.families.registry import load_profile
from engine.request import DrawRequest
from engine.settings import BadSetting

if TYPE_CHECKING:
    from pathlib import Path

    from engine.front import Front

FAMILIES = ("embedded", "z-image-turbo")
HUB = "Tongyi-MAI/Z-Image-Turbo"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_preset_is_within_the_models_profile(family: str) -> None:
    offered, profile = load_capabilities(family), load_profile(family)
    for size in offered.sizes.values():
        profile.plan(DrawRequest("a cat", size.width, size.height, 8, seed=1, job_id="a"))  # or it raises
        assert offered.snap(size) == size
        assert profile.min_pixels <= size.pixels <= profile.max_pixels
    assert list(offered.steps) == ["sketch", "draft", "standard", "final"]
    assert max(offered.steps.values()) <= offered.useful_steps <= offered.max_steps


def folder(at: Path, pipeline: str) -> str:
    """A model as far as its index goes."""
    at.mkdir()
    (at / "model_index.json").write_text(json.dumps({"_class_name": pipeline}), "utf-8")
    return str(at)


def test_a_model_is_found_out_by_its_index_and_a_known_hub_name_before_it_is_downloaded(
    tmp_path: Path,
) -> None:
    paths = {"small": "embedded", "mine": folder(tmp_path / "a", "ZImagePipeline"), "hub": HUB}
    models = {name: {"path": path, "default": name == "mine"} for name, path in paths.items()}
    found = find_models(Config.model_validate({"models": models}))
    assert {name: one.name for name, one in found.capabilities.items()} == {
        "mine": "z-image-turbo",
        "small": "embedded",
        "hub": "z-image-turbo",
    }
    assert next(iter(found.capabilities)) == "mine"
    assert found.problems == {}


def test_a_model_that_is_missing_or_unknown_is_not_offered_and_the_owner_hears_why(tmp_path: Path) -> None:
    paths = {
        "gone": str(tmp_path / "gone"),
        "small": "embedded",
        "other": folder(tmp_path / "b", "SomePipeline"),
    }
    config = Config.model_validate({"models": {name: {"path": path} for name, path in paths.items()}})
    found = find_models(config)
    assert list(found.capabilities) == ["small"]
    assert list(found.problems) == ["gone", "other"]
    for language in LANGUAGES:
        told = [translator(language)(problem) for problem in found.problems.values()]
        assert "gone" in told[0]
        assert "SomePipeline" in told[1]


def test_the_only_model_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="model_index"):
        find_models(Config.model_validate({"model": {"path": str(tmp_path)}}))


def models() -> Models:
    """Three, of which the free tier may use two."""
    plain, nobody = load_capabilities("embedded"), cast("Front", None)
    return Models(
        Model(plain, nobody, "studio", tiers=("premium",)),
        Model(plain, nobody, "plain"),
        Model(plain, nobody, "careful", counts_as=2),
        aliases=["gpt-image-1"],
    )


FREE, PREMIUM = Tier(name="free"), Tier(name="premium")


@pytest.mark.parametrize(
    ("name", "tier", "chosen"),
    [
        (None, PREMIUM, "studio"),
        (None, FREE, "plain"),
        ("Careful", FREE, "careful"),
        ("gpt-image-1", FREE, "plain"),
        ("studio", PREMIUM, "studio"),
    ],
)
def test_a_model_is_chosen_by_name_and_without_one_it_is_the_tiers_default(
    name: str | None, tier: Tier, chosen: str
) -> None:
    assert models().chosen(name, tier).name == chosen


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("studio", "Your free tier may not use studio. It may use: plain, careful."),
        ("plan", "There is no model “plan”. Did you mean plain? Choose one of: plain, careful."),
        ("sdxl", "There is no model “sdxl”. Choose one of: plain, careful."),
    ],
)
def test_a_model_that_cannot_be_chosen_gets_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        models().chosen(name, FREE)
    assert translator("en")(refused.value.message).replace("\u2068", "").replace("\u2069", "") == sentence


def test_larger_keeps_the_shape_and_ends_at_the_limit() -> None:
    turbo = load_capabilities("z-image-turbo")
    sizes = [Size(1024, 1024)]
    while (size := turbo.larger(sizes[-1], 2048**2)) is not None:
        sizes.append(size)
    assert sizes == [Size(1024, 1024), Size(1536, 1536), Size(2048, 2048)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pixels", [768 * 768, 1024 * 1024])
def test_what_is_fitted_fits(family: str, pixels: int) -> None:
    offered = load_capabilities(family)
    for size in offered.sizes.values():
        fitted = offered.fit(size, pixels)
        assert fitted.pixels <= max(pixels, offered.min_px**2)
        assert fitted.width % offered.grid_px == fitted.height % offered.grid_px == 0
