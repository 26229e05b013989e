"""A look at a picture in the making: latents to RGB by a linear map, one small matrix product.

The map is fitted by least squares to the pictures this decoder has drawn so far, so it needs no shipped
factors and suits whatever decoder is loaded.
"""

from __future__ import annotations

import threading

import torch
from PIL import Image

RIDGE = 1e-3


class Projection:
    """RGB (-1..1) of a latent pixel as an affine function of its channels."""

    def __init__(self, channels: int) -> None:
        self._lock = threading.Lock()
        self._gram = torch.eye(channels + 1) * RIDGE
        self._moment = torch.zeros(channels + 1, 3)
        self._factors: torch.Tensor | None = None

    @property
    def fitted(self) -> bool:
        return self._factors is not None

    def learn(self, latents: torch.Tensor, pixels: torch.Tensor) -> None:
        """`latents` (channels, h, w) became `pixels` (3, H, W) in -1..1."""
        latents = latents.detach().float().cpu()
        small = torch.nn.functional.interpolate(
            pixels.detach().float().cpu()[None], latents.shape[-2:], mode="area"
        )
        inputs = _with_one(latents)
        with self._lock:
            self._gram += inputs.T @ inputs / len(inputs)
            self._moment += inputs.T @ small[0].flatten(1).T / len(inputs)
            self._factors = torch.linalg.solve(self._gram, self._moment)

    def draw(self, latents: torch.Tensor) -> Image.Image:
        """A small picture, one pixel for each of the latents (channels, h, w)."""
        height, width = latents.shape[-2:]
        inputs = _with_one(latents.detach().float())
        factors = self._factors
        rgb = latents.new_zeros(len(inputs), 3) if factors is None else inputs @ factors.to(inputs.device)
        levels = ((rgb + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return Image.fromarray(levels.reshape(height, width, 3).cpu().numpy(), "RGB")


def _with_one(latents: torch.Tensor) -> torch.Tensor:
    flat = latents.flatten(1).T
    return torch.cat([flat, flat.new_ones(len(flat), 1)], dim=1)
