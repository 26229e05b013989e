"""Models that make control maps of pictures. On the CPU: the device belongs to drawing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image


class DepthEstimator:
    """A transformers pipeline for depth estimation, of a model whose maps are lighter where it is nearer."""

    def __init__(self, source: str) -> None:
        """`source`: a folder, or a name on a hub."""
        self._source = source
        self._pipeline: Any = None
        self._one_at_a_time = threading.Lock()

    def map_of(self, picture: Image) -> Image:
        """Grey in RGB, of the picture's size. Blocking; the first call loads the model."""
        with self._one_at_a_time:
            if self._pipeline is None:
                from transformers import pipeline

                self._pipeline = pipeline("depth-estimation", model=self._source, device="cpu")
            depth: Image = self._pipeline(picture.convert("RGB"))["depth"]
        return depth.convert("RGB").resize(picture.size)
