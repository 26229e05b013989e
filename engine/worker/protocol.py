"""The seam between the front and what draws: frozen messages, and what a worker can do.

A `Worker` is one place that draws: a step loop in this process or in another, a server somewhere, a
simulation. It decides nothing: what happens when one fails is written once, in the front.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.worker.watchdog import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PIL.Image import Image

    from engine.events import Event, Worked
    from engine.families.plan import Need
    from engine.families.profile import Profile
    from engine.request import Drawing, DrawRequest, JobState
    from engine.snapshot import DeviceSnapshot
    from engine.worker.watchdog import Alert


class WorkerLost(Exception):
    """The worker died, broke or cannot be reached; what it held has to be drawn again."""

    def __init__(self, reason: str, cause: Cause = Cause.WORKER_LOST) -> None:
        super().__init__(reason, cause)
        self.cause = cause

    def __str__(self) -> str:
        return str(self.args[0])


class WorkerBusy(Exception):
    """It takes nothing for a while. Nothing is wrong with it, nor with the job."""

    def __init__(self, reason: str, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class WorkerUnfit(Exception):
    """It is there, but would draw other pictures than the rest, or none for us."""


class Room(Protocol):
    """What a worker's device could hold at all."""

    def ever_fits(self, need: Need, pictures: int = 0) -> bool:
        """False for what would not fit on an otherwise empty device; with so many pictures encoded first."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A model that a worker draws with."""

    profile: Profile
    """How fast it is on this device, to begin with; its name is what requests say."""
    fingerprint: str = ""
    """Of everything a picture depends on beside its request: workers that differ in it draw differently."""
    room: Room | None = None
    """None where it does not tell."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a worker tells of itself when it joins."""

    gpu: str
    """The card's name, as its driver tells it; its hourly price goes by it."""
    models: tuple[Drawn, ...]
    """The first is that of requests which name none."""
    max_active: int = 3
    """Jobs it draws side by side."""

    def drawn(self, model: str) -> Drawn | None:
        """What it tells of this model, where it draws with it."""
        return next((drawn for drawn in self.models if drawn.profile.name == model), None)

    def serves(self, model: str, request: DrawRequest) -> bool:
        """Whether it draws such a job: with this model, from the pictures that come with it."""
        drawn = self.drawn(model)
        return drawn is not None and drawn.profile.takes(request)


@dataclass(frozen=True, slots=True)
class Moved:
    """A job on its way."""

    state: JobState
    step: int
    preview: Image | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """A worker's answer when asked how it is."""

    jobs: frozenset[str] | None = None
    """The jobs in its hands; None where it cannot tell."""
    device: DeviceSnapshot | None = None
    """For who asks from another process."""
    events: tuple[Event, ...] = ()
    """What happened there since it was last asked."""
    alerts: tuple[Alert, ...] = ()
    worked: tuple[Worked, ...] = ()


class Worker(Protocol):
    """One place that draws. Any call may raise WorkerLost; the front sets the time limits."""

    @property
    def name(self) -> str:
        """Unique in the fleet; what takes a lost worker's place bears the same."""

    async def fetch(self) -> None:
        """Bring the model's files onto its machine, for as long as the network takes; `start` has a limit."""

    async def start(self) -> Card:
        """Get ready to draw: load the model, or see that the server answers. Raises WorkerUnfit."""

    async def draw(
        self, request: DrawRequest, hear: Callable[[Moved], None], *, lead_s: float = 0.0
    ) -> Drawing:
        """Draw one image, telling `hear` how it goes. `usage.queue_s` counts on from `request.waited_s`.

        `lead_s`: how far the job's tier is ahead of the others it meets there, in the queue's virtual time.
        Raises the EngineError the job ended with; Draining where the worker is leaving; WorkerBusy.
        """

    async def missing(self, digests: Sequence[str]) -> tuple[str, ...]:
        """Those of these pictures that it has to be sent before a job that comes with them."""

    async def keep(self, files: Mapping[str, bytes]) -> None:
        """Pictures by digest, for the jobs to come."""

    async def cancel(self, job_id: str) -> None:
        """Stop a job at its next step boundary: its `draw` raises Cancelled. One not known is no error."""

    async def health(self) -> Health:
        """Answer soon: who does not is taken for hung."""

    def snapshot(self) -> DeviceSnapshot | None:
        """Its device now, or as it last told; None where it knows nothing of it."""

    async def clear_caches(self) -> None:
        """Forget every kept caption and picture."""

    async def stop(self) -> None:
        """Let go of it, whatever state it is in. Never raises; comes once, also after WorkerLost."""
