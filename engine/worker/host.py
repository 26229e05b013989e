"""A step loop that is asked from another process: by a front through a pipe, or through Ray."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.events import Observer
from engine.libraries import quieten
from engine.request import EngineError
from engine.worker.protocol import Health, Moved, WorkerBusy, WorkerLost

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from engine.events import Event, Worked
    from engine.request import Drawing, DrawRequest
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

    async def ask(self, call: str, *arguments: object) -> Any:
        """Any call of the worker's but `draw`; its health with what was told since the last."""
        answer = await getattr(self._worker, call)(*arguments)
        return self._reports.added_to(answer) if isinstance(answer, Health) else answer

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
