"""Models of transformers that look at pictures. On the CPU: the device belongs to drawing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from PIL.Image import Image


class _Pipeline:
    """A pipeline for `task`, loaded by the first call; one call at a time, each of them blocking."""

    def __init__(self, task: str, source: str) -> None:
        """`source`: a folder, or a name on a hub."""
        self._task = task
        self._source = source
        self._loaded: Any = None
        self._one_at_a_time = threading.Lock()

    def __call__(self, picture: Image, **more: object) -> Any:
        with self._one_at_a_time:
            if self._loaded is None:
                from transformers import pipeline

                self._loaded = pipeline(self._task, model=self._source, device="cpu")
            return self._loaded(picture.convert("RGB"), **more)


class SafetyClassifier:
    """An image classifier of the owner's choice: how likely is a picture one of the things to warn of?"""

    def __init__(self, source: str, labels: Collection[str]) -> None:
        self._labels = {label.casefold() for label in labels}
        self._classify = _Pipeline("image-classification", source)

    def unsafe(self, image: Image) -> float:
        """The summed probability of the labels, 0 to 1. Blocking."""
        scores = self._classify(image, top_k=None)
        return float(sum(one["score"] for one in scores if one["label"].casefold() in self._labels))


class DepthEstimator:
    """Depth by a model whose maps are lighter where it is nearer."""

    def __init__(self, source: str) -> None:
        self._estimate = _Pipeline("depth-estimation", source)

    def map_of(self, picture: Image) -> Image:
        """Grey in RGB, of the picture's size. Blocking."""
        depth: Image = self._estimate(picture)["depth"]
        return depth.convert("RGB").resize(picture.size)
