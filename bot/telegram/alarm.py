"""Alerts in the admin chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from telegram.error import TelegramError

from bot.messages import translator
from bot.telegram.html import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from telegram.ext import ExtBot

    from bot.faces.tasks import Tasks
    from bot.imagine.service import Service
    from bot.messages import Message

log = structlog.get_logger(__name__)


class Alarm:
    """Sends the alerts of engine and store to one chat, each from a task of its own."""

    def __init__(self, bot: ExtBot[Any], service: Service, chat_id: int | None, tasks: Tasks) -> None:
        self._bot = bot
        self._service = service
        self._chat_id = chat_id
        self._tasks = tasks
        self._end: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to listen, where a chat is configured."""
        if self._chat_id is not None:
            self._end = self._service.alerts.subscribe(self._on_alert)

    def stop(self) -> None:
        """Send nothing more."""
        self._end()
        self._end = lambda: None

    def _on_alert(self, message: Message) -> None:
        self._tasks.start(self._send(message))

    async def _send(self, message: Message) -> None:
        assert self._chat_id is not None
        text = escape(f"⚠️ {translator(self._service.config.language)(message)}")
        try:
            await self._bot.send_message(self._chat_id, text)
        except TelegramError as error:
            log.warning("telegram.alert_not_sent", why=type(error).__name__)
