"""Alerts in the admin channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
import structlog

from bot.discord.pages import escaped
from bot.messages import translator

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.faces.tasks import Tasks
    from bot.imagine.service import Service
    from bot.messages import Message

log = structlog.get_logger(__name__)


class Alarm:
    """Sends the alerts of engine and store to one channel, each from a task of its own."""

    def __init__(
        self, client: discord.Client, service: Service, channel_id: int | None, tasks: Tasks
    ) -> None:
        self._client = client
        self._service = service
        self._channel_id = channel_id
        self._tasks = tasks
        self._end: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to listen, where a channel is configured."""
        if self._channel_id is not None:
            self._end = self._service.alerts.subscribe(self._on_alert)

    def stop(self) -> None:
        """Send nothing more."""
        self._end()
        self._end = lambda: None

    def _on_alert(self, message: Message) -> None:
        self._tasks.start(self._send(message))

    async def _send(self, message: Message) -> None:
        assert self._channel_id is not None
        text = translator(self._service.config.language)(message)
        try:
            await self._client.get_partial_messageable(self._channel_id).send(escaped(text))
        except discord.HTTPException as error:
            log.warning("discord.alert_not_sent", status=error.status, code=error.code)
