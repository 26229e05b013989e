"""A job in the worker's hands: mutable, owned by the event loop, never seen outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.request import DrawRequest, JobState, Role

if TYPE_CHECKING:
    from collections.abc import Hashable

    from PIL.Image import Image

    from engine.families.model import Canvas, Caption
    from engine.families.plan import Need, Plan
    from engine.worker.remedies import Remedy


@dataclass(slots=True, eq=False)
class Job:
    request: DrawRequest
    plan: Plan
    arrived_at: float
    """When the front had it; later ones of a tier stand behind it."""
    pictures: tuple[Image, ...] = ()
    """Of its inputs, in their order."""
    captions: tuple[Caption, ...] | None = None
    """From its encoding on. With pictures to be encoded as well, its beginning is a call of its own."""
    state: JobState = JobState.QUEUED
    canvas: Canvas | None = None
    """From its encoding on."""
    truncated: bool = False
    """The model read only the beginning of a text."""
    step: int = 0
    preview: Image | None = None

    in_flight: bool = False
    """A thread has it; it is not touched before that call comes back."""
    cancelling: bool = False
    max_group: int = 1 << 30
    """How many may share a call with it; an out-of-memory and a failure bring it down."""
    alone: bool = False
    """After an out-of-memory: runs only while nothing else does."""
    tile_px: int | None = None
    """After an out-of-memory: side of the tiles that it is decoded in, smaller than usual."""
    tried: set[Remedy] = field(default_factory=set)
    """Rungs of the ladder that it is below."""

    @property
    def job_id(self) -> str:
        return self.request.job_id

    @property
    def tier(self) -> str:
        return self.request.tier

    @property
    def need(self) -> Need:
        return self.plan.need

    @property
    def pixels(self) -> int:
        return self.plan.need.pixels

    @property
    def picture_pixels(self) -> int:
        """Of what is decoded in the end."""
        return self.plan.picture_pixels

    @property
    def enlarged(self) -> bool:
        """It begins from a picture that is smaller than its own."""
        request = self.request
        return any(
            of.role is Role.INIT and picture.width < request.width and picture.height < request.height
            for of, picture in zip(request.inputs, self.pictures, strict=True)
        )

    @property
    def key(self) -> Hashable:
        """Jobs of one key share a forward; None before there is a canvas."""
        return self.canvas.key if self.canvas is not None else None

    @property
    def tokens(self) -> int:
        """What its part of a shared forward is measured by."""
        return self.canvas.tokens if self.canvas is not None else 1

    @property
    def steps_left(self) -> int:
        return self.plan.steps - self.step
