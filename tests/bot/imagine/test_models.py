"""What members are offered, the model can draw."""

from __future__ import annotations

import pytest

from bot.imagine.models import Size, capabilities_for, load_capabilities
from engine.families.registry import load_profile
from engine.request import DrawRequest

FAMILIES = ("embedded", "z-image-turbo")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_preset_is_within_the_models_profile(family: str) -> None:
    offered, profile = load_capabilities(family), load_profile(family)
    for size in offered.sizes.values():
        profile.plan(DrawRequest("a", "a cat", size.width, size.height, 8, seed=1))  # or it raises
        assert offered.snap(size) == size
        assert profile.min_pixels <= size.pixels <= profile.max_pixels
    assert list(offered.steps) == ["sketch", "draft", "standard", "final"]
    assert max(offered.steps.values()) <= offered.useful_steps <= offered.max_steps


@pytest.mark.parametrize(
    ("model", "family"),
    [("embedded", "embedded"), ("Tongyi-MAI/Z-Image-Turbo", "z-image-turbo"), ("/a/b", "z-image-turbo")],
)
def test_any_folder_or_hub_name_is_a_z_image_turbo(model: str, family: str) -> None:
    assert capabilities_for(model).name == family


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
