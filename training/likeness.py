"""How far a drawn thing is from its true sprite in pixels, wherever it stands: no network judges."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from training.art import Art
    from training.scenes import Item

SIDE = 64  # pixels of a picture's shorter side when it is compared
SCALES = (0.5, 0.56, 0.62, 0.68, 0.75, 0.82, 0.88)  # of a sprite's side, as a share of the picture's
PAIR_SCALES = (0.31, 0.38, 0.44, 0.5)


def distance(picture: Image.Image, item: Item, style: str, art: Art, pair: bool = False) -> float:
    """Return the root mean square difference, from 0 to 255, to the sprite at its best place and scale.

    Only the pixels that the sprite covers count.
    """
    scale = SIDE / min(picture.size)
    small = picture.convert("RGB").resize(
        (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BOX
    )
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1).float()[None]
    squares = [
        _least_square(pixels, *_template(art, item.kind, style, item.colour, round(SIDE * share)))
        for share in (PAIR_SCALES if pair else SCALES)
    ]
    return math.sqrt(max(0.0, min(squares)))


def _least_square(pixels: Tensor, colours: Tensor, alpha: Tensor) -> float:
    """Return the least mean square difference over all places; `colours` are weighted by `alpha`."""
    # (p - c)^2 = p^2 - 2 p c + c^2, summed under the sprite by convolution.
    own = (colours**2 / alpha.clamp(min=1e-6)).sum()
    squares = F.conv2d(pixels**2, alpha.expand(1, 3, -1, -1)) - 2 * F.conv2d(pixels, colours[None]) + own
    return float(squares.min() / (3 * alpha.sum()))


@functools.lru_cache(maxsize=2000)
def _template(art: Art, kind: str, style: str, colour: str | None, side: int) -> tuple[Tensor, Tensor]:
    """Return a sprite's colours times its alpha (3, side, side), and its alpha (1, side, side)."""
    rgba = torch.from_numpy(np.array(art.sprite(kind, style, colour, side))).permute(2, 0, 1).float()
    alpha = rgba[3:] / 255
    return rgba[:3] * alpha, alpha
