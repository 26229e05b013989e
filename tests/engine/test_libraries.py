"""Imports of large libraries."""

from __future__ import annotations

import gc
from importlib import import_module

import pytest

from engine.libraries import importing


def test_garbage_is_collected_again_after_an_import_that_failed() -> None:
    with pytest.raises(ModuleNotFoundError), importing():
        import_module("no_such_module")
    assert gc.isenabled()
