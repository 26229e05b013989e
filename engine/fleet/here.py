"""A worker in this very process: the engine of the single-machine case, behind the seam."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.request import JobState
from engine.worker.protocol import Card, Health, Moved

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

    from engine.request import Drawing, DrawRequest
    from engine.worker.steploop import Engine


class EngineWorker:
    """Owns `engine`: starts it, has it draw, stops it. `fingerprint` is called once, in a thread."""

    def __init__(self, name: str, engine: Engine, fingerprint: Callable[[], str]) -> None:
        self._name = name
        self._engine = engine
        self._fingerprint = fingerprint
        self._jobs: set[str] = set()

    @property
    def name(self) -> str:
        return self._name

    async def start(self) -> Card:
        await self._engine.start()
        config, profile = self._engine.config, self._engine.profile
        fingerprint = await asyncio.to_thread(self._fingerprint)
        return Card(config.device_name, profile.name, fingerprint, profile, config.max_active)

    async def draw(self, request: DrawRequest, hear: Callable[[Moved], None]) -> Drawing:
        """Whoever stops listening wants no picture any more: the job is cancelled."""
        ticket = self._engine.submit(request, accepted_before=True)
        self._jobs.add(request.job_id)
        shown: Image | None = None
        try:
            async for now in ticket.updates():
                if now.state is not JobState.QUEUED and not now.state.final:
                    hear(Moved(now.state, now.step, now.preview if now.preview is not shown else None))
                    shown = now.preview
            return await ticket.result()
        finally:
            self._jobs.discard(request.job_id)
            ticket.cancel()

    async def cancel(self, job_id: str) -> None:
        self._engine.cancel(job_id)

    async def health(self) -> Health:
        return Health(frozenset(self._jobs), self._engine.snapshot())

    async def clear_caches(self) -> None:
        self._engine.clear_caches()

    async def stop(self) -> None:
        await self._engine.stop(0.0)
