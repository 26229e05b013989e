"""A started bot without a face, over a stand-in model; a test overrides `config` or `model` for another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.bot.faces.conformance import SETTINGS
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


@pytest.fixture
def settings() -> dict[str, Any]:
    """What is in bot.toml while the suite of all faces runs; a test may have its own."""
    return SETTINGS
