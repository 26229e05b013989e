"""A worker that is a Ray actor, as the front sees it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayActorError, RayError

from engine.fleet.remote import RemoteWorker
from engine.request import DrawFailed
from engine.threads import in_thread
from engine.worker.protocol import WorkerLost

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from engine.request import DrawRequest

CREATE_TIMEOUT_S = 30.0
KILL_TIMEOUT_S = 5.0
MESSAGE_CHARS = 400
HEAD_GONE = "the head of the Ray cluster is gone"


class Connection:
    """One time with one head. Whoever met over it is gone when it ends, whatever Ray says."""

    def __init__(self) -> None:
        self.ended = False


class RayWorker(RemoteWorker):
    """`create` makes the actor: a call that may block.

    A handle must not outlive its `connection`: Ray would block the event loop to look for a head, or take
    the handle for one of the next head's actors.
    """

    def __init__(self, name: str, create: Callable[[], Any], connection: Connection) -> None:
        super().__init__(name)
        self._create = create
        self._connection = connection
        self._actor: Any = None

    async def fetch(self) -> None:
        """Make the actor; on a machine that has no room for it yet, it is waited for."""
        with self._reached():
            self._actor = await in_thread(self._create, timeout_s=CREATE_TIMEOUT_S)
        await super().fetch()

    async def stop(self) -> None:
        """Kill the actor, with the process it runs in."""
        actor, self._actor = self._actor, None
        if actor is not None and not self._connection.ended:
            with contextlib.suppress(Exception):  # dead already
                await in_thread(lambda: ray.kill(actor), timeout_s=KILL_TIMEOUT_S)

    async def _ask(self, call: str, *arguments: object) -> Any:
        with self._reached():
            return await self._actor.ask.remote(call, *arguments)

    async def _answers(self, request: DrawRequest, lead_s: float) -> AsyncGenerator[Any]:
        try:
            with self._reached():
                async for told in self._actor.draw.options(num_returns="streaming").remote(request, lead_s):
                    yield await told
        except RayError as error:  # the actor lives: its answer is lost, or had no room in the object store
            raise DrawFailed(_briefly(error)) from error

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
