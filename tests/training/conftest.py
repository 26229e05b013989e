"""Sprites to draw scenes with, so that no test fetches the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw

from training.art import STYLES, Art
from training.things import THINGS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def art(tmp_path_factory: pytest.TempPathFactory) -> Art:
    """Every thing is a red disc with a blue rim."""
    folder: Path = tmp_path_factory.mktemp("art")
    picture = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(picture).ellipse((0, 0, 63, 63), fill=(220, 40, 40), outline=(30, 60, 220), width=6)
    for style in STYLES:
        (folder / style).mkdir()
        for kind in THINGS:
            picture.save(folder / style / f"{kind}.png")
    return Art(folder)
