"""An image classifier of the owner's choice: how likely is a picture one of the things it shall warn of?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from PIL.Image import Image


class SafetyClassifier:
    """A transformers pipeline for image classification, on the CPU: the device belongs to drawing."""

    def __init__(self, source: str, labels: Collection[str]) -> None:
        self._source = source
        self._labels = {label.casefold() for label in labels}
        self._pipeline: Any = None

    def unsafe(self, image: Image) -> float:
        """The summed probability of the labels, 0 to 1. Blocking; the first call loads the model."""
        if self._pipeline is None:
            from transformers import pipeline

            self._pipeline = pipeline("image-classification", model=self._source, device="cpu")
        scores = self._pipeline(image.convert("RGB"), top_k=None)
        return float(sum(one["score"] for one in scores if one["label"].casefold() in self._labels))
