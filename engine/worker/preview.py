"""A look at a picture in the making.

A small decoder beside the model (`preview_decoder` in its folder, an AutoencoderTiny such as taef1) draws it.
Without one, latents become RGB by a linear map, one small matrix product, fitted by least squares to the
pictures this model has drawn so far: it suits whatever decoder is loaded and needs no shipped factors.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

if TYPE_CHECKING:
    from engine.families.family import Placement

RIDGE = 1e-3
ENLARGED = 4
"""A latent pixel is this many of the preview: half the picture's size."""
MAX_SIDE = 256


class Previews:
    """Draws previews, with the best means there are."""

    def __init__(self, placement: Placement) -> None:
        folder = Path(placement.source) / "preview_decoder"
        self._projection: Projection | None = None
        self._decoder: Any = None
        if (folder / "config.json").exists():
            from diffusers import AutoencoderTiny

            decoder: Any = AutoencoderTiny.from_pretrained(folder, dtype=placement.dtype)
            self._decoder = decoder.to(placement.device)

    def learn(self, latents: torch.Tensor, pixels: torch.Tensor) -> None:
        """`latents` (channels, h, w) became `pixels` (3, H, W) in -1..1."""
        if self._decoder is None:
            self._projection = self._projection or Projection(len(latents))
            self._projection.learn(latents, pixels)

    def draw(self, latents: torch.Tensor) -> Image.Image:
        """RGB of at most 256 pixels a side from latents (channels, h, w)."""
        if self._decoder is None:
            image = _image((self._projection or Projection(len(latents))).rgb(latents))
            size = image.width * ENLARGED, image.height * ENLARGED
            image = image.resize(size, Image.Resampling.BICUBIC)
        else:
            config = self._decoder.config
            scaled = latents[None].to(self._decoder.dtype) / config.scaling_factor + config.shift_factor
            image = _image(self._decoder.decode(scaled, return_dict=False)[0][0])
        image.thumbnail((MAX_SIDE, MAX_SIDE))
        return image


class Projection:
    """RGB (-1..1) of a latent pixel as an affine function of its channels."""

    def __init__(self, channels: int) -> None:
        self._lock = threading.Lock()
        self._gram = torch.eye(channels + 1) * RIDGE
        self._moment = torch.zeros(channels + 1, 3)
        self._factors: torch.Tensor | None = None

    def learn(self, latents: torch.Tensor, pixels: torch.Tensor) -> None:
        """`latents` (channels, h, w) became `pixels` (3, H, W) in -1..1."""
        # Made small where it is: only as many pixels as there are latents leave the device.
        small = torch.nn.functional.interpolate(
            pixels.detach().float()[None], latents.shape[-2:], mode="area"
        )
        inputs = _with_one(latents.detach().float().cpu())
        if not (inputs.isfinite().all() and small.isfinite().all()):
            return  # one such picture would spoil all previews to come
        with self._lock:
            self._gram += inputs.T @ inputs / len(inputs)
            self._moment += inputs.T @ small[0].cpu().flatten(1).T / len(inputs)
            self._factors = torch.linalg.solve(self._gram, self._moment)

    def rgb(self, latents: torch.Tensor) -> torch.Tensor:
        """(3, h, w) in -1..1; grey while nothing was learned."""
        inputs = _with_one(latents.detach().float())
        factors = self._factors
        rgb = inputs.new_zeros(len(inputs), 3) if factors is None else inputs @ factors.to(inputs.device)
        return rgb.T.reshape(3, *latents.shape[-2:])


def _image(rgb: torch.Tensor) -> Image.Image:
    levels = ((rgb.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy(), "RGB")


def _with_one(latents: torch.Tensor) -> torch.Tensor:
    flat = latents.flatten(1).T
    return torch.cat([flat, flat.new_ones(len(flat), 1)], dim=1)
