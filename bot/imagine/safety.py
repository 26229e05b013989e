"""Checks pictures with the owner's classifier: one that it flags is shown as a spoiler, or not at all."""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

import structlog

from engine.looking import SafetyClassifier

if TYPE_CHECKING:
    from PIL.Image import Image

    from bot.config.schema import Moderation

log = structlog.get_logger(__name__)


class Verdict(Enum):
    """What to do with a picture."""

    SHOW = auto()
    SPOILER = auto()
    REFUSE = auto()


class Classifier(Protocol):
    """A classifier of pictures."""

    def unsafe(self, image: Image) -> float: ...


class Safety:
    """Checks every picture before it is shown. Without a classifier, every picture passes."""

    def __init__(self, section: Moderation, classifier: Classifier | None = None) -> None:
        self._classifier = classifier
        if classifier is None and section.classifier is not None:
            self._classifier = SafetyClassifier(section.classifier, section.classifier_labels)
        self._threshold = section.classifier_threshold
        self._warned = Verdict.REFUSE if section.classifier_action == "refuse" else Verdict.SPOILER
        self._one_at_a_time = asyncio.Lock()

    async def verdict(self, image: Image) -> Verdict:
        """What to do with this picture. If the classifier fails, the picture is treated as flagged."""
        if self._classifier is None:
            return Verdict.SHOW
        try:
            async with self._one_at_a_time:
                score = await asyncio.to_thread(self._classifier.unsafe, image)
        except Exception:
            log.exception("safety.classifier_broke")
            return self._warned
        return self._warned if score >= self._threshold else Verdict.SHOW
