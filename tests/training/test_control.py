"""The control network that is trained for the embedded model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from diffusers import ZImageControlNetModel

from engine.families.zimage_control import Release, examine
from engine.request import ControlKind
from training.control import new_network, save
from training.model import WIDTH, new_transformer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.model


def test_untrained_it_changes_nothing_and_what_is_written_fits_the_model(tmp_path: Path) -> None:
    transformer = new_transformer().requires_grad_(False)
    network = ZImageControlNetModel.from_transformer(new_network(transformer), transformer)
    latents, features = [torch.randn(16, 1, 8, 8)], [torch.randn(20, WIDTH)]
    hints = network(latents, torch.tensor([0.5]), features, [torch.randn(16, 1, 8, 8)])
    assert all((hint == 0).all() for hint in hints.values())
    (sum(hint.sum() for hint in hints.values())).backward()
    assert network.control_layers[0].after_proj.weight.grad.abs().sum() > 0

    transformer.save_pretrained(tmp_path / "transformer")
    path = save(network, transformer, tmp_path / "control")
    found = examine(path.parent, tmp_path)
    assert (found.layout.release, found.kinds) == (Release.OWN, {ControlKind.EDGES})
    assert path.stat().st_size < 3_000_000
