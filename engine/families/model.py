"""What the engine needs of a model. Everything here is called on a worker thread, never on the event loop."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from PIL.Image import Resampling

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from PIL.Image import Image

    from engine.families.profile import Profile
    from engine.request import Adapter, DrawRequest


@dataclass(frozen=True, slots=True)
class Caption:
    """A prompt as the transformer reads it."""

    embedding: object
    """Opaque to the engine; a tensor (tokens, features)."""
    nbytes: int
    truncated: bool = False


class Canvas(Protocol):
    """A picture in the making: latents, its own sigmas, how far it is. It outlives a pause of its job."""

    @property
    def step(self) -> int: ...

    @property
    def key(self) -> Hashable:
        """Canvases of equal keys may share a forward."""

    @property
    def tokens(self) -> int:
        """What its part of a forward is measured by."""


class Place(enum.StrEnum):
    """Where a model's weights are."""

    DEVICE = "device"
    HOST = "host"
    """In main memory."""
    DISK = "disk"


class NotFinite(RuntimeError):
    """The picture has values that are no numbers: it would be black."""


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Bytes of the whole device: `free` is what neither we nor any other process holds."""

    total: int
    free: int
    ours: int
    """Held by this process, cached blocks included."""

    @property
    def available(self) -> int:
        """The most this process could hold now."""
        return self.free + self.ours


@dataclass(frozen=True, slots=True)
class Measurement:
    """What calls took. None where nobody counts."""

    peak_bytes: int | None = None
    """The most held above the loaded weights."""
    device_s: float | None = None
    """Seconds the device worked, by its own clock."""
    memory: DeviceMemory | None = None
    """The device afterwards."""


class Model:
    """A text-to-image model that takes one denoising step at a time, for several pictures at once.

    What has a body here is what a model says that lives in main memory, has no LoRAs and enlarges nothing.

    Several threads may call `encode`, `begin` and `step` at a time; `decode` is called by one at a time.
    `step` is all or nothing: where it raises, no canvas has changed, so the step may be tried again. It is
    given canvases that this model's `begin` has made, and so are `preview` and `decode`.
    """

    name: str
    profile: Profile

    def load(self) -> None:
        """Load the weights; again after a hang, letting go of what was there."""
        raise NotImplementedError

    def prepare_thread(self) -> None:
        """Called once on each worker thread."""

    def use_threads(self, count: int) -> None:
        """How many CPU cores the next call of this thread may use."""

    def use_adapters(self, adapters: Sequence[Adapter]) -> None:
        """What is drawn with from the next step on, by all threads: no other may be in a step."""

    def refused_adapters(self) -> Mapping[str, str]:
        """Why, by name: those that did not load."""
        return {}

    def encode(self, prompts: Sequence[str]) -> list[Caption]:
        raise NotImplementedError

    @property
    def upscales(self) -> bool:
        """It has a model that enlarges pictures."""
        return False

    def resized(self, picture: Image, size: tuple[int, int]) -> Image:
        """A picture at the size it is drawn over at: enlarged by that model, where there is one."""
        return picture.resize(size, Resampling.LANCZOS)

    def begin(self, request: DrawRequest, captions: Sequence[Caption], pictures: Sequence[Image]) -> Canvas:
        """A canvas: the seed's noise and the request's own sigmas. `pictures` are those of its inputs."""
        raise NotImplementedError

    def step(self, canvases: Sequence[Any]) -> None:
        """One denoising step for each: equal keys, any step. Returns when it is drawn."""
        raise NotImplementedError

    def reference(self, request: DrawRequest) -> Image:
        """The same picture by the library's own pipeline, from end to end; for comparisons."""
        raise NotImplementedError

    def weights_bytes(self) -> Mapping[str, int]:
        """Bytes of the loaded weights by component."""
        return {}

    def preview(self, canvas: Any) -> Image:
        """A small look at what the picture will be."""
        raise NotImplementedError

    def decode(self, canvas: Any, *, tile_px: int | None) -> Image:
        """In tiles of this side; None: as a whole. Raises NotFinite for a picture that is none."""
        raise NotImplementedError

    def park(self) -> Place:
        """Take the weights off the device, to where there is room for them. Says where."""
        return Place.HOST

    def bring(self) -> None:
        """Have weights that are in main memory on the device again."""

    def lighten(self) -> None:
        """Keep the text encoder off the device between prompts from now on."""

    def held_bytes(self) -> int | None:
        """Bytes of the device this process holds, by its allocator; None on a CPU. From any thread."""
        return None

    def start_measuring(self) -> None:
        """Called before a call or several."""

    def measured(self) -> Measurement:
        """What they took; waits until the device is done with them."""
        return Measurement()

    def peak_of(self, call: Callable[[], object]) -> int | None:
        """Run `call` alone; the most bytes it held above the loaded weights, where that can be told."""
        call()
        return None

    def take(self, nbytes: int) -> object:
        """So much of the device's memory, for as long as the answer is kept; for trying what happens then."""
        return bytearray(nbytes)

    def release(self) -> None:
        """Give cached memory back to the device; comes after an out-of-memory, outside its `except` block."""

    def close(self) -> None:
        """Let go of the weights."""
