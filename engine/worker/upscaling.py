"""Enlarging a picture with a model made for that, such as Real-ESRGAN, before it is drawn over.

Such models are loaded by spandrel, which tells the architecture by the weights. Only files in the format of
safetensors are read: any other may run code.
"""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.families.tiles import Grid
from engine.settings import BadSetting
from engine.worker.hostcopy import HostCopy, nbytes_of

if TYPE_CHECKING:
    from pathlib import Path

TILE_PX = 256
"""Side of what is enlarged at once, so that memory does not depend on the picture."""
MAPS = 3 * 64
"""Channels of the size of the result that a call is expected to hold until it was measured."""
LARGEST_SCALE = 8


@dataclass(frozen=True, slots=True)
class UpscalerFile:
    """A model that enlarges, as far as others need to know of it."""

    path: Path
    digest: str
    """SHA-256 of the file."""
    peak_bytes: int
    """That enlarging a tile is expected to take, its weights included."""


def examine(path: Path, device: str) -> UpscalerFile:
    """Look at a file by loading it. Raises BadSetting where it cannot be used."""
    model = _load(path)
    dtype = _dtype(model, device)
    weights_bytes = nbytes_of(model.model) // torch.float32.itemsize * dtype.itemsize
    maps_bytes = MAPS * (TILE_PX * model.scale) ** 2 * dtype.itemsize
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
    return UpscalerFile(path, digest, weights_bytes + maps_bytes)


class Upscaler:
    """A model that enlarges. Its weights visit the device for each picture."""

    def __init__(self, path: Path, device: str) -> None:
        """Raises BadSetting where the file cannot be used."""
        self._model = _load(path)
        self._device = torch.device(device)
        self._dtype = _dtype(self._model, device)
        self._model.to(dtype=self._dtype)
        self._weights = HostCopy(self._model.model, self._device, pins=self._device.type != "cpu")

    @torch.inference_mode()
    def enlarged(self, picture: Image.Image, size: tuple[int, int]) -> Image.Image:
        """An RGB picture at this size, tile by tile."""
        scale: int = self._model.scale
        pixels = torch.from_numpy(np.array(picture)).movedim(-1, 0)[None]
        grid = Grid.over(picture.width, picture.height, TILE_PX)
        weight = torch.tensor(grid.weight(grid.height * scale))[:, None] * torch.tensor(
            grid.weight(grid.width * scale)
        )
        total = torch.zeros(3, picture.height * scale, picture.width * scale)
        whole = torch.zeros(total.shape[-2:])
        with self._weights.on_device():
            for rows, columns in grid:
                tile = pixels[:, :, rows, columns].to(self._device, self._dtype) / 255
                box = tuple(slice(part.start * scale, part.stop * scale) for part in (rows, columns))
                total[:, *box] += weight * self._model(tile)[0].float().cpu()
                whole[box] += weight
        larger = (total.div_(whole).clamp_(0, 1) * 255).round_().byte().movedim(0, -1)
        return Image.fromarray(larger.numpy()).resize(size, Image.Resampling.LANCZOS)


def _load(path: Path) -> Any:
    """spandrel's descriptor of the model, in float32 and in main memory."""

    def refused(reason: str) -> BadSetting:
        return BadSetting("upscaler", str(path), reason)

    try:
        spandrel: Any = importlib.import_module("spandrel")
    except ModuleNotFoundError as error:
        raise refused(f"needs {error.name}, which the extra upscale brings") from error
    if path.suffix != ".safetensors":
        raise refused("allowed: a .safetensors file; others may run code when they are read")
    try:
        model = spandrel.ModelLoader("cpu").load_from_state_dict(load_file(path))
    except FileNotFoundError as error:
        raise refused("there is no such file") from error
    except (OSError, SafetensorError) as error:
        raise refused(f"it cannot be read ({error})") from error
    except (spandrel.UnsupportedModelError, KeyError, RuntimeError, ValueError) as error:
        raise refused("spandrel knows no model with such weights") from error
    rgb = (
        isinstance(model, spandrel.ImageModelDescriptor)
        and model.input_channels == model.output_channels == 3
    )
    if not rgb or not 2 <= model.scale <= LARGEST_SCALE:
        raise refused("it is no model that makes RGB pictures 2 to 8 times as large")
    return model.eval()


def _dtype(model: Any, device: str) -> torch.dtype:
    if device == "cpu":
        return torch.float32
    return torch.float16 if model.supports_half else torch.float32
