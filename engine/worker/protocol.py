"""The seam between the front and what draws elsewhere: frozen messages, and the two protocols of a transport.

A `Worker` is one place that draws: an actor with a GPU, a server somewhere, a simulation. A `Fleet` is where
workers come from. Neither decides anything: what happens when one fails is written once, in the front.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from PIL.Image import Image

    from engine.events import Worked
    from engine.families.profile import Profile
    from engine.request import Drawing, DrawRequest, JobState
    from engine.snapshot import EngineSnapshot
    from engine.worker.accounting import Totals
    from engine.worker.watchdog import Alert


class WorkerLost(Exception):
    """The worker died or cannot be reached; what it held has to be drawn again."""


class WorkerBusy(Exception):
    """It takes nothing for a while. Nothing is wrong with it, nor with the job."""

    def __init__(self, reason: str, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class WorkerUnfit(Exception):
    """It is there, but would draw other pictures than the rest, or none for us."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a worker tells of itself when it joins."""

    gpu: str
    """The card's name, as its driver tells it; its hourly price goes by it."""
    model: str
    fingerprint: str
    """Of everything a picture depends on beside its request: workers that differ in it draw differently."""
    profile: Profile
    """How fast this model is on this device, to begin with."""
    max_active: int = 3
    """Jobs it draws side by side."""


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
    engine: EngineSnapshot | None = None
    """Its engine at this moment; None where it has none of ours."""
    metered: Totals | None = None
    """What was counted of such a worker's time from outside."""
    alerts: tuple[Alert, ...] = ()
    """What its watchdog told since it was last asked."""
    worked: tuple[Worked, ...] = ()
    """What its model did since then."""

    @property
    def totals(self) -> Totals | None:
        """What became of its device's time; None where nobody counts."""
        return self.engine.totals if self.engine is not None else self.metered


class Worker(Protocol):
    """One place that draws. Any call may raise WorkerLost; the front sets the time limits."""

    @property
    def name(self) -> str:
        """Unique in the fleet; what takes a lost worker's place bears the same."""

    async def start(self) -> Card:
        """Get ready to draw: load the model, or see that the server answers. Raises WorkerUnfit."""

    async def draw(self, request: DrawRequest, hear: Callable[[Moved], None]) -> Drawing:
        """Draw one image, telling `hear` how it goes. `usage.queue_s` counts on from `request.waited_s`.

        Raises the EngineError the job ended with; Draining where the worker is leaving; WorkerBusy.
        """

    async def cancel(self, job_id: str) -> None:
        """Stop a job at its next step boundary: its `draw` raises Cancelled. One not known is no error."""

    async def health(self) -> Health:
        """Answer soon: who does not is taken for hung."""

    async def clear_caches(self) -> None:
        """Forget every kept caption and picture."""

    async def stop(self) -> None:
        """Let go of it, whatever state it is in. Never raises; comes once, also after WorkerLost."""


class Fleet(Protocol):
    """Where workers come from, and how many there shall be."""

    def arrivals(self) -> AsyncIterator[Worker]:
        """Workers as they come, each to be started; for as long as the front runs."""

    def refill(self, worker: Worker) -> None:
        """The worker is gone and stopped: its place may be filled again, by one of the same name."""

    def want(self, count: int) -> None:
        """How many there shall be from now on. A fleet of a fixed size takes no notice."""

    async def close(self) -> None:
        """Let go of everything."""
