"""After inpainting: what was not to be drawn is the original again, to the pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import ImageChops, ImageFilter
from PIL.Image import composite

from engine.request import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from engine.request import Picture

FEATHER = 64
"""The seam is a part of the shorter side, one in so many, wide."""


def pasted(image: Image, request: Picture, pictures: Sequence[Image]) -> Image:
    """The image, with everything but the masked part from the picture it began from."""
    given = {part.role: picture for part, picture in zip(request.inputs, pictures, strict=True)}
    if Role.MASK not in given:
        return image
    mask = given[Role.MASK]
    return composite(image, given[Role.INIT], feathered(mask, min(mask.size) // FEATHER))


def feathered(mask: Image, width_px: int) -> Image:
    """The mask with soft edges so wide, all of them inside: what was black stays black."""
    if width_px < 1:
        return mask
    # Shrunk first by half the width, then blurred by it.
    inner = mask.filter(ImageFilter.MinFilter(2 * ((width_px + 1) // 2) + 1))
    return ImageChops.darker(mask, inner.filter(ImageFilter.BoxBlur((width_px + 1) // 2)))
