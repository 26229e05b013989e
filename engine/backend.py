"""What draws, as far as the bot needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from engine.request import DrawRequest, Progress
    from engine.snapshot import EngineSnapshot
    from engine.tickets import Ticket


class Backend(Protocol):
    """`start`, `submit`, `stop`; all on one event loop."""

    async def start(self) -> None:
        """Begin to draw."""

    async def stop(self, drain_timeout_s: float = 30.0) -> tuple[str, ...]:
        """Let active jobs finish within the time given. Returns the ids still open, oldest first.

        The tickets of those raise Draining: they were accepted, and the next process is to be given them.
        """

    async def wait(self) -> None:
        """Return when it has stopped; raise what it broke on, if it broke."""

    def submit(self, request: DrawRequest, *, accepted_before: bool = False) -> Ticket:
        """Queue a job. Raises QueueFull, TooLarge, Undrawable, Draining; ValueError for an id it has already.

        `accepted_before`: taken on by an earlier life of the process; the backlog caps let it pass.
        """

    def progress(self, job_id: str) -> Progress:
        """Where a job stands. Raises KeyError for a job not known, or long over."""

    def cancel(self, job_id: str) -> bool:
        """Stop a job, at its next step boundary. False where it is over, or not known."""

    def clear_caches(self) -> None:
        """Forget every kept caption and picture: somebody asked that nothing of them remains."""

    def pause_admission(self) -> None:
        """Take jobs into the queue, but start none; those that run go on."""

    def resume_admission(self) -> None:
        """Start jobs again."""

    def snapshot(self) -> EngineSnapshot:
        """All of it at this moment; O(n) in waiting jobs."""
