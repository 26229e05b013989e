"""A job in the worker's hands: mutable, owned by the event loop, never seen outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.families.profile import ceil32, image_tokens
from engine.request import DrawRequest, JobState
from engine.worker.memory import Need

if TYPE_CHECKING:
    from PIL.Image import Image

    from engine.families.model import Canvas, Caption

ShapeKey = tuple[int, int, tuple[int, ...]]


@dataclass(slots=True, eq=False)
class Job:
    request: DrawRequest
    arrived_at: float
    """When the front had it; later ones of a lane stand behind it."""
    state: JobState = JobState.QUEUED
    captions: tuple[Caption, ...] = ()
    canvas: Canvas | None = None
    step: int = 0
    preview: Image | None = None

    in_flight: bool = False
    """A thread has it; it is not touched before that call comes back."""
    cancelling: bool = False
    max_group: int = 1 << 30
    """How many may share its forward; an out-of-memory brings it down."""
    alone: bool = False
    """After an out-of-memory: runs only while nothing else does."""
    tiled: bool = False

    @property
    def job_id(self) -> str:
        return self.request.job_id

    @property
    def lane(self) -> str:
        return self.request.lane

    @property
    def pixels(self) -> int:
        return self.request.width * self.request.height

    @property
    def need(self) -> Need:
        return Need(self.request.width, self.request.height, self.request.captions)

    @property
    def shape(self) -> ShapeKey:
        """Jobs of one shape share a forward: picture size and the padded caption lengths."""
        lengths = tuple(sorted({ceil32(caption.tokens) for caption in self.captions}))
        return self.request.width, self.request.height, lengths

    @property
    def tokens(self) -> int:
        """Tokens of one of its steps; what its part of a shared forward is measured by."""
        image = image_tokens(self.request.width, self.request.height)
        return sum(image + ceil32(caption.tokens) for caption in self.captions) or image

    @property
    def truncated(self) -> bool:
        """The model read only the beginning of a text."""
        return any(caption.truncated for caption in self.captions)

    @property
    def steps_left(self) -> int:
        return self.request.steps - self.step
