"""Alerts to the owner about the engine and the store, each cause at most once an hour.

The hub knows no platform. An adapter subscribes with a callback that must not block; it sends to its admin
channel from a task of its own.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import deque
from typing import TYPE_CHECKING

import structlog

from bot.messages import LANGUAGES, Message, say, translator
from engine.events import Observer

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.worker.watchdog import Alert as EngineAlert
    from storage.errors import StoreUnavailable

log = structlog.get_logger(__name__)

HOUR_S = 3600.0
REMEMBERED = 100


class Alerts(Observer):
    """Collects alerts and hands each to every listener, unless its cause was told within the hour."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, again_after_s: float = HOUR_S) -> None:
        self._clock = clock
        self._again_after_s = again_after_s
        self._told_s: dict[str, float] = {}
        self._listeners: list[Callable[[Message], None]] = []
        self.recent: deque[tuple[dt.datetime, Message]] = deque(maxlen=REMEMBERED)
        """The latest, with when they were told."""
        self._at_start: list[Message] = []

    def subscribe(self, listener: Callable[[Message], None]) -> Callable[[], None]:
        """Call `listener` with what was found at the start, and with each alert from now on. Returns what
        ends that.
        """
        self._listeners.append(listener)
        for message in self._at_start:
            listener(message)
        return lambda: self._listeners.remove(listener)

    def at_start(self, message: Message) -> None:
        """Something that was found before anybody could listen."""
        log.warning("alert", found=translator(LANGUAGES[0])(message))
        self.recent.append((dt.datetime.now(dt.UTC), message))
        self._at_start.append(message)

    def tell(self, cause: str, message: Message) -> None:
        """An alert, unless this cause was told within the hour."""
        now_s, told_s = self._clock(), self._told_s.get(cause)
        if told_s is not None and now_s - told_s < self._again_after_s:
            return
        self._told_s[cause] = now_s
        self.recent.append((dt.datetime.now(dt.UTC), message))
        log.warning("alert", cause=cause)
        for listener in tuple(self._listeners):
            try:
                listener(message)
            except Exception:  # whoever told must go on, and the others hear
                log.exception("alert.listener_failed", cause=cause)

    def on_alert(self, alert: EngineAlert) -> None:
        """The engine's watchdog raised an alert."""
        cause, worker = alert.cause.value, alert.details.get("worker", "")
        self.tell(f"engine:{cause}:{worker}", say("alert-engine", cause=cause, detail=alert.message))

    def store_trouble(self, error: StoreUnavailable) -> None:
        """The store could not write."""
        self.tell(f"store:{error.reason}", say("alert-store", reason=str(error.reason), detail=error.detail))
