"""What runs inside a Ray actor: the engine of the single-machine case, and who writes down what it tells.

Knows nothing of Ray, so nothing here needs it; the fleet makes an actor of it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.events import Observer
from engine.fleet.here import EngineWorker
from engine.request import EngineError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from engine.events import Worked
    from engine.request import Drawing, DrawRequest
    from engine.settings import EngineConfig, ModelSettings
    from engine.worker.protocol import Card, Health, Moved
    from engine.worker.steploop import Engine
    from engine.worker.watchdog import Alert


def engine_of(
    settings: ModelSettings, config: EngineConfig, observers: Sequence[Observer]
) -> tuple[Engine, Callable[[], str]]:
    """The engine of a worker, and what tells which model it draws with."""
    from engine.build import build_engine
    from engine.fleet.fingerprint import fingerprint
    from engine.placement import resolve

    engine = build_engine(settings, config, observers=observers)
    return engine, lambda: fingerprint(resolve(settings))


class Diary(Observer):
    """What the engine told since somebody last read it."""

    def __init__(self) -> None:
        self._alerts: list[Alert] = []
        self._worked: list[Worked] = []

    def on_alert(self, alert: Alert) -> None:
        self._alerts.append(replace(alert, details=dict(alert.details)))

    def on_work(self, worked: Worked) -> None:
        self._worked.append(worked)

    def read(self) -> tuple[tuple[Alert, ...], tuple[Worked, ...]]:
        told = tuple(self._alerts), tuple(self._worked)
        self._alerts.clear()
        self._worked.clear()
        return told


class Actor:
    """One worker. All its methods run on one event loop, side by side."""

    def __init__(
        self, name: str, build: Callable[[Sequence[Observer]], tuple[Engine, Callable[[], str]]]
    ) -> None:
        self._diary = Diary()
        engine, fingerprint = build([self._diary])
        self._worker = EngineWorker(name, engine, fingerprint)

    async def start(self) -> Card:
        return await self._worker.start()

    async def draw(self, request: DrawRequest) -> AsyncIterator[Moved | Drawing | EngineError]:
        """How it goes, then the drawing, or what the job ended with."""
        told: asyncio.Queue[Moved | None] = asyncio.Queue()
        drawing = asyncio.create_task(self._worker.draw(request, told.put_nowait))
        drawing.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (moved := await told.get()) is not None:
                yield moved
            try:
                yield await drawing
            except EngineError as error:
                yield error
        finally:
            drawing.cancel()

    async def cancel(self, job_id: str) -> None:
        await self._worker.cancel(job_id)

    async def health(self) -> Health:
        alerts, worked = self._diary.read()
        return replace(await self._worker.health(), alerts=alerts, worked=worked)

    async def clear_caches(self) -> None:
        await self._worker.clear_caches()
