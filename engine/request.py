"""What may be asked of the engine and what comes back: one image in, one drawing out.

These frozen values are the seam between the engine and whoever uses it. `tier` and `flow` are names that mean
nothing to the engine: it only shares itself fairly between them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, fields
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


class Role(enum.Enum):
    """What a picture is for that comes with a request."""

    INIT = "init"
    """To begin from, instead of from noise alone."""
    MASK = "mask"
    """Where to draw anew: white is drawn, black stays as it is in INIT."""
    CONTROL = "control"
    """Whose structure to follow: a finished map, as its `ControlKind` says."""
    REFERENCE = "reference"
    """To look at."""


class ControlKind(enum.Enum):
    """What a control map shows. Not the whole of a photograph: only that."""

    EDGES = "edges"
    """White outlines on black, as Canny finds them."""
    DEPTH = "depth"
    """The nearer, the brighter."""
    POSE = "pose"
    """A figure of coloured joints and limbs, as OpenPose draws it."""


@dataclass(frozen=True, slots=True)
class Input:
    """A picture that comes with the request: a PNG file, clean, RGB or for a mask L."""

    role: Role
    digest: str
    """SHA-256 of the file, which whoever built the engine reads for it (`engine.inputs.Reader`)."""
    strength: float = 1.0
    """Of INIT, in (0, 1]: how much noise is put over it, 1 leaving nothing of it. Of CONTROL, in (0, 2]: how
    closely it is followed."""
    kind: ControlKind | None = None
    """Of CONTROL: what the map shows."""
    enlarged: bool = False
    """Of INIT: it is smaller than the picture that is drawn from it."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """Weights on top of the model's, such as a LoRA."""

    name: str
    scale: float = 1.0
    digest: str = ""
    """SHA-256 of the file: the same name with another file is another picture."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be drawn: everything that a picture depends on, and nothing else. Hashed as a whole.

    Sizes in pixels, on the model's grid; `seed` in 0 .. 2**63 - 1.
    """

    prompt: str
    width: int
    height: int
    steps: int
    seed: int
    guidance: float = 0.0
    negative_prompt: str = ""
    extra: tuple[tuple[str, float], ...] = ()
    """Further numbers that the model's family reads, by name."""
    inputs: tuple[Input, ...] = ()
    adapters: tuple[Adapter, ...] = ()
    """Each name once, in the order of their names: jobs of equal adapters share a forward."""
    model: str = ""
    """Its name, where there are several; empty for the first."""

    def number(self, name: str, default: float) -> float:
        """One of `extra`."""
        return dict(self.extra).get(name, default)

    def input(self, role: Role) -> Input | None:
        """The first picture that came for this."""
        return next((picture for picture in self.inputs if picture.role is role), None)


@dataclass(frozen=True, slots=True)
class PngFile:
    """How a finished image becomes a PNG file."""

    texts: tuple[tuple[str, str], ...] = ()
    """What the file says of itself, by name."""
    watermark: str = ""
    """Words in the corner of the picture."""


@dataclass(frozen=True, slots=True)
class DrawRequest(Picture):
    """A picture that somebody asks for: who, in which turn, and in which form it is to come."""

    job_id: str = field(kw_only=True)
    tier: str = "default"
    """Which of the queue's shares it draws from."""
    flow: str = ""
    """Whose turn it is inside the tier (the bot's member)."""
    preview_every: int = 0
    """Steps between previews; 0 draws none."""
    png: PngFile | None = None
    """The file to make of it; None: the bare image."""
    waited_s: float = 0.0
    """Time already waited in an earlier life of the process; it counts in the queue."""

    @property
    def picture(self) -> Picture:
        """What is to be drawn, whoever asks."""
        return Picture(**{part.name: getattr(self, part.name) for part in fields(Picture)})


@dataclass(frozen=True, slots=True)
class Usage:
    """What one job took. Seconds; `gpu_s` is the billed share of the device, idle time excluded."""

    queue_s: float = 0.0
    encode_s: float = 0.0
    denoise_s: float = 0.0
    decode_s: float = 0.0
    gpu_s: float = 0.0
    energy_j: float | None = None
    """Joules, where the driver reports power."""
    cached: bool = False
    """True where the whole picture came from the result cache."""
    billable: bool = True
    """False for work that came to nothing: failed, cancelled, handed back."""
    worker: str = ""
    """Who drew it, and on which card; empty where this very process did."""
    gpu: str = ""
    estimated: bool = False
    """True where `gpu_s` is reckoned from wall time, since the worker does not tell."""

    @property
    def started(self) -> bool:
        """True once a denoising step has begun: a cancel before that is free."""
        return self.denoise_s > 0


class JobState(enum.Enum):
    """Where a job stands inside the engine."""

    QUEUED = "queued"
    ENCODING = "encoding"
    RUNNING = "running"
    PAUSED = "paused"
    DECODING = "decoding"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished picture, and what it took."""

    request: DrawRequest
    content: Image | bytes
    """The file, where one was asked for."""
    usage: Usage
    prompt_truncated: bool = False
    """The model read only the beginning of the prompt."""

    @property
    def image(self) -> Image:
        """The picture; of a file, it is read anew each time."""
        if not isinstance(self.content, bytes):
            return self.content
        from PIL.Image import open as open_image  # commands that draw nothing start sooner without it

        return open_image(BytesIO(self.content))

    @property
    def png(self) -> bytes:
        """The file that was asked for."""
        assert isinstance(self.content, bytes), "no file was asked for"
        return self.content


@dataclass(frozen=True, slots=True)
class Progress:
    """A job as it stands now. Positions count jobs that are predicted to start earlier (0 = next)."""

    state: JobState
    step: int
    steps: int
    eta_s: float
    """Predicted seconds until the picture is there."""
    position: int = 0
    preview: Image | None = field(default=None, compare=False)
    unmanned: bool = False
    """Nothing is there that could draw it; it waits until something comes."""
    paused: bool = False
    """It waits, and nothing is started until admission is resumed."""


class EngineError(Exception):
    """Base of everything the engine refuses or fails with. `usage` says what was spent before it failed."""

    def __init__(self, message: str = "", usage: Usage | None = None) -> None:
        super().__init__(message)
        self.usage = usage or Usage()


class QueueFull(EngineError):
    """The backlog cap of a flow, or of the whole queue, is reached."""

    def __init__(self, *, flow: bool, limit: int) -> None:
        super().__init__(f"{'flow' if flow else 'queue'} holds {limit} jobs")
        self.flow = flow
        self.limit = limit


class TooLarge(EngineError):
    """The job alone would not fit the memory budget."""


class Undrawable(EngineError):
    """The model cannot draw this size, or this number of steps."""


class ModelAway(Undrawable):
    """No worker that is there, or is to come back, draws with this model."""

    def __init__(self, model: str) -> None:
        super().__init__(f"no worker draws with {model!r}")
        self.model = model


class OutOfMemory(EngineError):
    """Every rung of the ladder was tried and the job still did not fit."""


class StepTimeout(EngineError):
    """A step hung; the pipeline was reloaded."""


class DrawFailed(EngineError):
    """The model failed on this job."""


class Declined(DrawFailed):
    """Whoever was to draw it will not, and would not another time; somebody else may."""


class UnreadableInput(EngineError):
    """A picture that came with the request is gone, or is none; no worker could draw from it."""


class Cancelled(EngineError):
    """The job was cancelled; `usage` says what it had taken."""


class Draining(EngineError):
    """The engine is shutting down and takes no more."""


class ModelLost(EngineError):
    """The model could not be loaded; nothing can be drawn any more."""
