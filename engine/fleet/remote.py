"""A worker whose step loop runs in another process. How that is reached is the subclass's affair."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from engine.request import DrawFailed
from engine.worker.protocol import Card, Health, Moved

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from engine.request import Drawing, DrawRequest
    from engine.snapshot import DeviceSnapshot


class RemoteWorker(ABC):
    """Has an `engine.worker.host.Host` do what a worker is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._device: DeviceSnapshot | None = None

    @abstractmethod
    async def _ask(self, call: str, *arguments: object) -> Any:
        """What the host answers. Raises what it raised; WorkerLost."""

    @abstractmethod
    def _answers(self, request: DrawRequest, lead_s: float) -> AsyncGenerator[Any]:
        """What the host tells of a drawing, one after the other. Raises WorkerLost."""

    @property
    def name(self) -> str:
        return self._name

    async def fetch(self) -> None:
        await self._ask("fetch")

    async def start(self) -> Card:
        card: Card = await self._ask("start")
        return card

    async def draw(
        self, request: DrawRequest, hear: Callable[[Moved], None], *, lead_s: float = 0.0
    ) -> Drawing:
        async with contextlib.aclosing(self._answers(request, lead_s)) as answers:
            async for answer in answers:
                if isinstance(answer, Moved):
                    hear(answer)
                elif isinstance(answer, Exception):
                    raise answer
                else:
                    drawing: Drawing = answer
                    return drawing
        raise DrawFailed("it ended without an answer")

    async def missing(self, digests: Sequence[str]) -> tuple[str, ...]:
        missing: tuple[str, ...] = await self._ask("missing", digests)
        return missing

    async def keep(self, files: Mapping[str, bytes]) -> None:
        await self._ask("keep", files)

    async def cancel(self, job_id: str) -> None:
        await self._ask("cancel", job_id)

    async def health(self) -> Health:
        health: Health = await self._ask("health")
        self._device = health.device
        return health

    def snapshot(self) -> DeviceSnapshot | None:
        return self._device

    async def clear_caches(self) -> None:
        await self._ask("clear_caches")
