"""What the engine needs of a model. Everything here is called on a worker thread, never on the event loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from engine.profile import Profile
    from engine.request import DrawRequest


@dataclass(frozen=True, slots=True)
class Caption:
    """A prompt as the transformer reads it."""

    embedding: object
    """Opaque to the engine; a tensor (tokens, features)."""
    tokens: int
    nbytes: int
    truncated: bool = False


class Canvas(Protocol):
    """A picture in the making: latents, its own sigmas, and how far it is. Lives on while its job is paused."""

    @property
    def step(self) -> int: ...


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Bytes. `free` counts what other processes took; `peak` is since the last `reset_peak`."""

    total: int
    free: int
    ours: int
    peak: int


class Model(Protocol):
    """A text-to-image model that takes one denoising step at a time, for several pictures at once.

    `step` is all or nothing: where it raises, no canvas has changed, so the step may be tried again.
    """

    @property
    def name(self) -> str: ...
    @property
    def profile(self) -> Profile: ...

    def load(self) -> None:
        """Load the weights; again after a hang, letting go of what was there."""

    def prepare_thread(self) -> None:
        """Called once on each worker thread."""

    def encode(self, prompts: Sequence[str]) -> list[Caption]: ...

    def begin(self, request: DrawRequest, captions: Sequence[Caption]) -> Canvas: ...

    def step(self, canvases: Sequence[Canvas]) -> None:
        """One denoising step for each: same picture size, any step, any sigmas."""

    def preview(self, canvas: Canvas) -> Image: ...

    def decode(self, canvas: Canvas, *, tiled: bool) -> Image: ...

    def memory(self) -> DeviceMemory | None:
        """None where the device cannot tell."""

    def reset_peak(self) -> None: ...

    def release(self) -> None:
        """Give cached memory back to the device; called after an out-of-memory, outside its `except` block."""

    def device_s(self) -> float | None:
        """Seconds the device itself worked in this thread since asked last, where it can tell (CUDA events)."""

    def close(self) -> None: ...
