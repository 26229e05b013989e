"""Models to draw with: a tiny random one of the real classes, and the embedded one where it is there."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pynvml
import pytest

from engine.settings import ModelSettings
from tests.engine.nvml_stub import STATE_VARIABLE, CannotBuild, StandIn, build

if TYPE_CHECKING:
    from engine.worker.pipeline import PipelineModel

EMBEDDED = Path(__file__).parents[2] / "engine" / "embedded"


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.engine import tiny  # torch takes seconds to import, and most tests need none of it

    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    if torch := sys.modules.get("torch"):
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
def model(model_folder: Path) -> PipelineModel:
    from engine.placement import resolve
    from engine.worker.pipeline import PipelineModel

    return PipelineModel(resolve(ModelSettings(source=str(model_folder), device="cpu")))


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    try:
        return {
            "new": build(tmp_path_factory.mktemp("new")),
            "old": build(tmp_path_factory.mktemp("old"), old_driver=True),
        }
    except CannotBuild as reason:
        pytest.skip(f"no stand-in for the driver: {reason}")


@pytest.fixture
def no_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """pynvml's loader looks into a folder of the test's, as with LD_LIBRARY_PATH; it is empty."""
    gpu = StandIn(tmp_path)
    monkeypatch.setenv(STATE_VARIABLE, str(gpu.state_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(pynvml, "CDLL", lambda name: ctypes.CDLL(str(tmp_path / name)))
    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    return gpu


@pytest.fixture
def gpu(no_driver: StandIn, libraries: dict[str, Path]) -> StandIn:
    no_driver.install(libraries["new"])
    return no_driver


@pytest.fixture
def old_gpu(no_driver: StandIn, libraries: dict[str, Path]) -> StandIn:
    no_driver.install(libraries["old"])
    return no_driver
