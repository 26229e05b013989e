"""Models to draw with: a tiny random one of the real classes, and the embedded one where it is there."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.families.zimage import ZImageModel
from engine.placement import resolve
from engine.settings import ModelSettings
from tests.engine import tiny

EMBEDDED = Path(__file__).parents[2] / "engine" / "embedded"


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(
    scope="session",
    params=[
        "tiny",
        pytest.param(
            "embedded",
            marks=[
                pytest.mark.model,
                pytest.mark.skipif(
                    not (EMBEDDED / "model_index.json").exists(), reason="no embedded weights"
                ),
            ],
        ),
    ],
)
def model_folder(request: pytest.FixtureRequest, tiny_folder: Path) -> Path:
    return tiny_folder if request.param == "tiny" else EMBEDDED


@pytest.fixture
def model(model_folder: Path) -> ZImageModel:
    return ZImageModel(resolve(ModelSettings(source=str(model_folder), device="cpu")))
