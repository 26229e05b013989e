"""Alerts in the channel or chat that bot.toml names for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.messages import translator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.faces.tasks import Tasks
    from bot.imagine.service import Service
    from bot.messages import Message


class Alarm:
    """Hands each alert of engine and store to `send`, in the bot's language and from a task of its own."""

    def __init__(self, service: Service, tasks: Tasks, send: Callable[[str], Awaitable[None]]) -> None:
        self._service = service
        self._tasks = tasks
        self._send = send
        self._end: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to listen."""
        self._end = self._service.alerts.subscribe(self._on_alert)

    def stop(self) -> None:
        """Send nothing more."""
        self._end()
        self._end = lambda: None

    def _on_alert(self, alert: Message) -> None:
        self._tasks.start(self._tell(alert))

    async def _tell(self, alert: Message) -> None:
        await self._send(translator(self._service.config.language)(alert))
