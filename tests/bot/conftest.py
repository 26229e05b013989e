"""A started bot without a face, over a stand-in model; a test overrides `config` or `model` for another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.bot.faces.suite.base import SETTINGS, TWO_FAMILIES
from tests.easel import FieldModel, config_in, easel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.config.schema import Config
    from bot.imagine.service import Service


@pytest.fixture
def model() -> FieldModel:
    return FieldModel()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_in(tmp_path)


@pytest.fixture
async def service(config: Config, model: FieldModel) -> AsyncIterator[Service]:
    async with easel(config, model) as opened:
        yield opened


@pytest.fixture(scope="session")
def klein_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small FLUX.2 klein of random weights, which edits by instruction."""
    from tests.engine import klein

    return klein.build(tmp_path_factory.mktemp("klein"))


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What is in bot.toml while the suite of all faces runs; a test may have its own."""
    if getattr(request, "param", "") != TWO_FAMILIES:
        return SETTINGS
    editor = {"path": str(request.getfixturevalue("klein_folder"))}
    return {"models": {"plain": {"path": "embedded", "default": True}, "editor": editor}}
