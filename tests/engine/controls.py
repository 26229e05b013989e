"""Small control networks for a model, with random weights, as their makers write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from diffusers import ZImageControlNetModel
from safetensors.torch import save_file

from engine.families.zimage_control import KINDS, Refiner

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = {
    "1": (16, Refiner.PLAIN, 5),
    "2.0": (33, Refiner.LAYERS, 2),
    "2.1": (33, Refiner.HINTS, 2),
    "2.1-lite": (33, Refiner.HINTS, 10),
}
"""Channels of the map, what it goes through first, and the distance between layers that are given hints."""


def network(model: Path, channels: int, refiner: Refiner, places: list[int], seed: int = 0) -> Any:
    """Of random weights, whose hints are as strong as the layers' own."""
    config = json.loads((model / "transformer" / "config.json").read_text("utf-8"))
    torch.manual_seed(seed)
    made = ZImageControlNetModel(
        control_layers_places=places,
        control_refiner_layers_places=list(range(config["n_refiner_layers"])),
        control_in_dim=channels,
        add_control_noise_refiner=refiner.value,
        dim=config["dim"],
        n_refiner_layers=config["n_refiner_layers"],
        n_heads=config["n_heads"],
        n_kv_heads=config["n_kv_heads"],
    )
    for parameter in made.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=1 / parameter.shape[-1] ** 0.5)
    return made.eval()


def write(folder: Path, model: Path, release: str, dtype: torch.dtype | None = None) -> Path:
    """A single file as that release has it; 2.0 with the blocks that it brings for nothing."""
    channels, refiner, apart = RELEASES[release]
    layers = json.loads((model / "transformer" / "config.json").read_text("utf-8"))["n_layers"]
    state = network(model, channels, refiner, list(range(0, layers, apart))).state_dict()
    if release == "2.0":
        unused = network(model, channels, Refiner.HINTS, [0]).state_dict()
        state |= {
            key: 0 * weight for key, weight in unused.items() if key.startswith("control_noise_refiner")
        }
    return save(folder / f"{release}.safetensors", state, dtype)


def save(
    path: Path, state: dict[str, torch.Tensor], dtype: torch.dtype | None = None, kinds: str = ""
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {key: weight.to(dtype or weight.dtype).contiguous() for key, weight in state.items()}
    save_file(whole, path, metadata={KINDS: kinds} if kinds else None)
    return path


def base(folder: Path, layers: int = 10, dim: int = 48) -> Path:
    """A folder as far as a network is compared with it: a transformer's words about itself."""
    (folder / "transformer").mkdir(parents=True)
    told = {
        "_class_name": "ZImageTransformer2DModel",
        "dim": dim,
        "n_layers": layers,
        "n_refiner_layers": 1,
        "n_heads": 2,
        "n_kv_heads": 2,
        "in_channels": 16,
    }
    (folder / "transformer" / "config.json").write_text(json.dumps(told))
    return folder
