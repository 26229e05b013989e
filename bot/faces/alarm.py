"""Alerts in the channel or chat that bot.toml names for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.messages import translator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.alerts import Alerts
    from bot.messages import Message
    from bot.tasks import Tasks


class Alarm:
    """Hands each alert of engine and store to `send`, in `language` and from a task of its own."""

    def __init__(
        self, alerts: Alerts, language: str, tasks: Tasks, send: Callable[[str], Awaitable[None]]
    ) -> None:
        self._alerts = alerts
        self._t = translator(language)
        self._tasks = tasks
        self._send = send
        self._end: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to listen."""
        self._end = self._alerts.subscribe(self._on_alert)

    def stop(self) -> None:
        """Send nothing more."""
        self._end()
        self._end = lambda: None

    def _on_alert(self, alert: Message) -> None:
        self._tasks.start(self._tell(alert))

    async def _tell(self, alert: Message) -> None:
        await self._send(self._t(alert))
