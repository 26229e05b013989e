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


@pytest.fixture
def selftest(tiny_folder: Path) -> SelfTest:
    placement = resolve(ModelSettings(source=str(tiny_folder), device="cpu", threads=1))
    return SelfTest(PipelineModel(placement), placement, 128, quick=True)


def test_a_model_that_is_not_there_ends_it(selftest: SelfTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("no such file")

    monkeypatch.setattr(selftest.model, "load", fail)
    (check,) = selftest.run()
    assert check.passed is False
    assert "no such file" in check.found


def test_pictures_that_are_not_the_librarys_are_found(
    selftest: SelfTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = selftest.model.reference
    monkeypatch.setattr(selftest.model, "reference", lambda request: reference(request).rotate(180))
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
