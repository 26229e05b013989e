"""The self-test finds what is wrong, and says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from engine.placement import resolve
from engine.selftest import SelfTest, Todo
from engine.settings import ModelSettings
from engine.worker.pipeline import PipelineModel

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from engine.placement import Placement
    from engine.request import DrawRequest

pytestmark = pytest.mark.model


@pytest.fixture
def placement(tiny_folder: Path) -> Placement:
    return resolve(ModelSettings(source=str(tiny_folder), device="cpu", threads=1))


@pytest.fixture
def selftest(placement: Placement) -> SelfTest:
    return SelfTest(PipelineModel(placement), placement, 128, quick=True)


def test_a_model_that_is_not_there_ends_it(placement: Placement) -> None:
    class Missing(PipelineModel):
        def load(self) -> None:
            raise OSError("no such file")

    (check,) = SelfTest(Missing(placement), placement, 128, quick=True).run()
    assert check.passed is False
    assert "no such file" in check.found


def test_pictures_that_are_not_the_librarys_are_found(placement: Placement) -> None:
    class Turned(PipelineModel):
        def reference(self, request: DrawRequest) -> Image.Image:
            return super().reference(request).rotate(180)

    selftest = SelfTest(Turned(placement), placement, 128, quick=True)
    checks = {check.name: check for check in selftest.run()}
    assert checks["like the library's own pipeline"].passed is False
    assert checks["like the library's own pipeline"].todo is Todo.REPORT
    assert checks["3 in one forward"].passed


def test_weights_that_are_not_of_the_told_size_are_found(selftest: SelfTest) -> None:
    checks = iter(selftest.run())
    next(checks)
    extra = torch.nn.Linear(2048, 2048)
    selftest.model.pipeline.vae.extra = extra  # type: ignore[attr-defined]
    assert next(checks).passed is False
