"""A worker that is a Ray actor, as the front sees it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayActorError, RayError

from engine.fleet.threads import in_thread
from engine.request import DrawFailed
from engine.worker.protocol import Moved, WorkerLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.request import Drawing, DrawRequest
    from engine.snapshot import DeviceSnapshot
    from engine.worker.protocol import Card, Health

CREATE_TIMEOUT_S = 30.0
KILL_TIMEOUT_S = 5.0
MESSAGE_CHARS = 400
HEAD_GONE = "the head of the Ray cluster is gone"


class Connection:
    """One time with one head. Whoever met over it is gone when it ends, whatever Ray says."""

    def __init__(self) -> None:
        self.ended = False


class RayWorker:
    """`create` makes the actor: a call that may block.

    A handle must not outlive its `connection`: Ray would block the event loop to look for a head, or take
    the handle for one of the next head's actors.
    """

    def __init__(self, name: str, create: Callable[[], Any], connection: Connection) -> None:
        self._name = name
        self._create = create
        self._connection = connection
        self._actor: Any = None
        self._device: DeviceSnapshot | None = None

    @property
    def name(self) -> str:
        return self._name

    async def fetch(self) -> None:
        """Make the actor; on a machine that has no room for it yet, it is waited for."""
        with self._reached():
            self._actor = await in_thread(self._create, timeout_s=CREATE_TIMEOUT_S)
            await self._actor.fetch.remote()

    async def start(self) -> Card:
        with self._reached():
            card: Card = await self._actor.start.remote()
            return card

    async def draw(
        self, request: DrawRequest, hear: Callable[[Moved], None], *, lead_s: float = 0.0
    ) -> Drawing:
        try:
            with self._reached():
                async for told in self._actor.draw.options(num_returns="streaming").remote(request, lead_s):
                    answer = await told
                    if isinstance(answer, Moved):
                        hear(answer)
                    elif isinstance(answer, Exception):
                        raise answer
                    else:
                        drawing: Drawing = answer
                        return drawing
        except RayError as error:  # the actor lives: its answer is lost, or had no room in the object store
            raise DrawFailed(_briefly(error)) from error
        raise DrawFailed("it ended without an answer")

    async def missing(self, digests: Sequence[str]) -> tuple[str, ...]:
        with self._reached():
            missing: tuple[str, ...] = await self._actor.missing.remote(digests)
            return missing

    async def keep(self, files: Mapping[str, bytes]) -> None:
        with self._reached():
            await self._actor.keep.remote(files)

    async def cancel(self, job_id: str) -> None:
        with self._reached():
            await self._actor.cancel.remote(job_id)

    async def health(self) -> Health:
        with self._reached():
            health: Health = await self._actor.health.remote()
        self._device = health.device
        return health

    def snapshot(self) -> DeviceSnapshot | None:
        return self._device

    async def clear_caches(self) -> None:
        with self._reached():
            await self._actor.clear_caches.remote()

    async def stop(self) -> None:
        """Kill the actor, with the process it runs in."""
        actor, self._actor = self._actor, None
        if actor is not None and not self._connection.ended:
            with contextlib.suppress(Exception):  # dead already
                await in_thread(lambda: ray.kill(actor), timeout_s=KILL_TIMEOUT_S)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """A dead actor is a lost worker, and so is one whose head is gone."""
        if self._connection.ended:
            raise WorkerLost(HEAD_GONE)
        try:
            yield
        except RayActorError as error:
            raise WorkerLost(_briefly(error)) from error
        except RayError as error:
            raise WorkerLost(HEAD_GONE if self._connection.ended else _briefly(error)) from error


def _briefly(error: Exception) -> str:
    """Ray's messages have many lines, and the cause in any of them."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:MESSAGE_CHARS]}"
