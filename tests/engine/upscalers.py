"""Small models that enlarge."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file

if TYPE_CHECKING:
    import pytest

STUB = Path(__file__).parent / "spandrel_stub"


def have_spandrel(patch: pytest.MonkeyPatch) -> None:
    """The library itself, where it can be imported here; else what stands in for it."""
    try:
        importlib.import_module("spandrel")
    except ModuleNotFoundError:
        patch.syspath_prepend(STUB)


def reddening(path: Path, scale: int = 2) -> Path:
    """A RealESRGAN Compact that makes each pixel so many larger, and a third redder."""
    channels = 3 * scale**2
    weights = {
        "body.0.weight": torch.zeros(4, 3, 3, 3),
        "body.0.bias": torch.zeros(4),
        "body.1.weight": torch.zeros(4),
        "body.2.weight": torch.zeros(channels, 4, 3, 3),
        "body.2.bias": torch.zeros(channels),
    }
    weights["body.2.bias"][: scale**2] = 1 / 3
    save_file(weights, path)
    return path
