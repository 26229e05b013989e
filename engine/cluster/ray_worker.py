"""A worker that is a Ray actor, as the front sees it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayActorError, RayError

from engine.cluster.threads import in_thread
from engine.cluster.worker import Moved, WorkerLost
from engine.request import DrawFailed, EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.cluster.worker import Card, Health
    from engine.request import Drawing, DrawRequest

CREATE_TIMEOUT_S = 30.0
KILL_TIMEOUT_S = 5.0
MESSAGE_CHARS = 400


class RayWorker:
    """`create` makes the actor: a call that may block."""

    def __init__(self, name: str, create: Callable[[], Any]) -> None:
        self._name = name
        self._create = create
        self._actor: Any = None

    @property
    def name(self) -> str:
        return self._name

    async def start(self) -> Card:
        with self._reached():
            self._actor = await in_thread(self._create, timeout_s=CREATE_TIMEOUT_S)
            card: Card = await self._actor.start.remote()
            return card

    async def draw(self, request: DrawRequest, hear: Callable[[Moved], None]) -> Drawing:
        try:
            with self._reached():
                async for told in self._actor.draw.options(num_returns="streaming").remote(request):
                    answer = await told
                    if isinstance(answer, Moved):
                        hear(answer)
                    elif isinstance(answer, EngineError):
                        raise answer
                    else:
                        drawing: Drawing = answer
                        return drawing
        except RayError as error:  # the actor lives: its answer is lost, or had no room in the object store
            raise DrawFailed(_briefly(error)) from error
        raise DrawFailed("it ended without an answer")

    async def cancel(self, job_id: str) -> None:
        with self._reached():
            await self._actor.cancel.remote(job_id)

    async def health(self) -> Health:
        with self._reached():
            health: Health = await self._actor.health.remote()
            return health

    async def clear_caches(self) -> None:
        with self._reached():
            await self._actor.clear_caches.remote()

    async def stop(self) -> None:
        """Kill the actor, with the process it runs in."""
        actor, self._actor = self._actor, None
        if actor is not None:
            with contextlib.suppress(Exception):  # dead already, or Ray is gone and the actor with it
                await in_thread(lambda: ray.kill(actor), timeout_s=KILL_TIMEOUT_S)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """A dead actor is a lost worker."""
        try:
            yield
        except RayActorError as error:
            raise WorkerLost(_briefly(error)) from error


def _briefly(error: Exception) -> str:
    """Ray's messages have many lines, and the cause in any of them."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:MESSAGE_CHARS]}"
