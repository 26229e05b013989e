"""A step loop that is asked from another process: by a front through a pipe, or through Ray."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.events import Observer
from engine.libraries import quieten
from engine.request import EngineError
from engine.worker.protocol import Moved, WorkerBusy, WorkerLost

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from engine.events import Event, Worked
    from engine.request import Drawing, DrawRequest
    from engine.worker.protocol import Card, Health
    from engine.worker.steploop import StepLoop
    from engine.worker.watchdog import Alert

    Build = Callable[[str, Sequence[Observer]], StepLoop]
    """Makes the step loop of a worker of this name, in the process that is to draw."""


class Reports(Observer):
    """What the step loop told since somebody last asked."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._alerts: list[Alert] = []
        self._worked: list[Worked] = []

    def on_event(self, event: Event) -> None:
        self._events.append(event)

    def on_alert(self, alert: Alert) -> None:
        self._alerts.append(replace(alert, details=dict(alert.details)))

    def on_work(self, worked: Worked) -> None:
        self._worked.append(worked)

    def added_to(self, health: Health) -> Health:
        """Hand them out, once."""
        told = replace(
            health, events=tuple(self._events), alerts=tuple(self._alerts), worked=tuple(self._worked)
        )
        for kept in (self._events, self._alerts, self._worked):
            kept.clear()
        return told


class Host:
    """Owns one step loop. All its methods run on one event loop, side by side."""

    def __init__(self, name: str, build: Build) -> None:
        quieten()
        self._reports = Reports()
        self._worker = build(name, [self._reports])

    async def fetch(self) -> None:
        await self._worker.fetch()

    async def start(self) -> Card:
        return await self._worker.start()

    async def draw(
        self, request: DrawRequest, lead_s: float
    ) -> AsyncGenerator[Moved | Drawing | EngineError | WorkerLost | WorkerBusy]:
        """How it goes, then the drawing, or what the job ended with."""
        told: asyncio.Queue[Moved | None] = asyncio.Queue()
        drawing = asyncio.create_task(self._worker.draw(request, told.put_nowait, lead_s=lead_s))
        drawing.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (moved := await told.get()) is not None:
                yield moved
            try:
                yield await drawing
            except (EngineError, WorkerLost, WorkerBusy) as error:
                yield error
        finally:
            drawing.cancel()

    async def missing(self, digests: Sequence[str]) -> tuple[str, ...]:
        return await self._worker.missing(digests)

    async def keep(self, files: Mapping[str, bytes]) -> None:
        await self._worker.keep(files)

    async def cancel(self, job_id: str) -> None:
        await self._worker.cancel(job_id)

    async def health(self) -> Health:
        return self._reports.added_to(await self._worker.health())

    async def clear_caches(self) -> None:
        await self._worker.clear_caches()

    async def stop(self) -> None:
        await self._worker.stop()
