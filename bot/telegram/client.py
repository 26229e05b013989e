"""The library's Application, set up and run by hand inside the bot's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.ext import (
    AIORateLimiter,
    Application,
    CallbackQueryHandler,
    CommandHandler,
    MessageHandler,
    filters,
)
from telegram.request import HTTPXRequest

from bot.messages import Message as Told
from bot.messages import Reason, UserError, say, translator
from bot.telegram import intake
from bot.telegram.delivery import Courier
from bot.telegram.face import Face
from bot.telegram.imagine import Imagine, after_command
from bot.telegram.member import Members
from bot.telegram.menu import Menus
from bot.telegram.names import OWNERS_OWN, set_commands
from bot.telegram.owner import Owners
from bot.telegram.pace import Chats, Pace
from bot.telegram.presses import Buttons

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import Update
    from telegram.ext import CallbackContext, ExtBot

    from bot.config.schema import Config
    from bot.imagine.service import Service
    from bot.telegram.face import Caller

    Context = CallbackContext[Any, Any, Any, Any]
    App = Application[Any, Any, Any, Any, Any, Any]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, and messages a second over all chats (0: no limit). Tests take shorter ones."""

    pace: Pace = field(default_factory=Pace)
    messages_a_second: float = 30.0
    connect_s: float = 10.0
    read_s: float = 20.0
    upload_s: float = 60.0
    poll_s: int = 30
    stop_s: float = 10.0


class Client:
    """One bot on Telegram: `run` until cancelled."""

    def __init__(self, service: Service, token: str, config: Config, timing: Timing) -> None:
        self._service = service
        self._config = config
        self._timing = timing
        self.application = _application(token, config, timing)
        self.bot: ExtBot[Any] = self.application.bot
        self.courier = Courier(service, self.bot, Chats(timing.pace))
        self.face = Face(service, self.bot, self.courier)
        self.started = asyncio.Event()
        """Set once what an earlier process left is being followed, right before updates come in."""
        self._add_handlers()

    async def run(self, webhook_secret: str | None = None) -> None:
        """Serve until cancelled. Raises Conflict (another instance has this token) or InvalidToken."""
        stop_alarms = self._service.alerts.subscribe(self._alarm)
        try:
            await intake.until_reached(self.application.initialize)
            await self.application.start()
            self.face.own(set_commands(self.bot, self._config))
            await self.courier.recover()
            log.info("telegram.started", bot=self.bot.username)
            self.started.set()
            section = self._config.telegram
            if section.webhook_url:
                secret = webhook_secret or secrets.token_urlsafe(32)
                await intake.listen(self.bot, self.handle, section, secret)
            else:
                await intake.poll(self.bot, self.handle, timeout_s=self._timing.poll_s)
        finally:
            stop_alarms()
            await self._close()

    async def handle(self, update: Update) -> None:
        """Deal with one update: when this returns, what it asks for is written down."""
        await self.application.process_update(update)

    async def _close(self) -> None:
        await self.courier.close()
        await self.face.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timing.stop_s):
                if self.application.running:
                    await self.application.stop()
                await self.application.shutdown()
                await self.bot.shutdown()  # its connections are open even where it never got to start
        log.info("telegram.stopped")

    def _alarm(self, message: Told) -> None:
        """Something the owners should know at once."""
        if (chat := self._config.telegram.admin_chat) is not None:
            text = f"⚠️ {translator(self._config.language)(message)}"
            self.face.own(self._tell(chat, text))

    async def _tell(self, chat: int, text: str) -> None:
        try:
            await self.bot.send_message(chat, text)
        except TelegramError as error:
            log.warning("telegram.alarm_lost", why=type(error).__name__)

    def _add_handlers(self) -> None:
        """Handlers that may accept a request are awaited before an update is confirmed; no others are."""
        face, app = self.face, self.application
        menus, members, owners = Menus(face), Members(face), Owners(face)
        imagine, buttons = Imagine(face, menus), Buttons(face, menus, members)
        app.add_handler(CommandHandler("imagine", imagine.command, filters.UpdateType.MESSAGE))
        app.add_handler(CallbackQueryHandler(buttons.pressed))
        told: dict[str, Callable[[Caller, str], Awaitable[None]]] = {
            **{name: getattr(owners, name) for name in OWNERS_OWN},
            "start": members.help,
            "help": members.help,
            "quota": members.quota,
            "queue": members.queue,
            "cancel": members.cancel,
            "history": members.history,
            "language": members.language,
            "link": members.link,
            "forget": members.forget,
            "settings": members.settings,
        }
        for name, answer in told.items():
            self._add_command(name, answer)
        app.add_handler(MessageHandler(filters.StatusUpdate.MIGRATE, self._migrated))
        private_command = filters.COMMAND & filters.ChatType.PRIVATE & filters.UpdateType.MESSAGE
        app.add_handler(MessageHandler(private_command, self._unknown))
        text = filters.TEXT & ~filters.COMMAND & filters.UpdateType.MESSAGE
        app.add_handler(MessageHandler(text, imagine.text))
        app.add_error_handler(self._failed)

    def _add_command(self, name: str, answer: Callable[[Caller, str], Awaitable[None]]) -> None:
        async def answered(update: Update, _: Context) -> None:
            self.face.own(self._beside(update, answer))

        self.application.add_handler(CommandHandler(name, answered, filters.UpdateType.MESSAGE))

    async def _beside(self, update: Update, answer: Callable[[Caller, str], Awaitable[None]]) -> None:
        """Answer a command while other updates come in."""
        message = update.message
        assert message is not None
        try:
            caller = await self.face.caller(update)
            try:
                await answer(caller, after_command(message.text or ""))
            except UserError as error:
                self.face.refuse(caller, error)
        except Exception as error:
            await self._died(update, error)

    async def _unknown(self, update: Update, _: Context) -> None:
        caller = await self.face.caller(update)
        command = ((update.message and update.message.text) or "").split(maxsplit=1)[0]
        self.face.refuse(caller, UserError(say("error-command", command=command)))

    async def _migrated(self, update: Update, _: Context) -> None:
        message = update.message
        if message is not None and message.migrate_to_chat_id:
            await self.face.group_moved(message.chat.id, message.migrate_to_chat_id)

    async def _failed(self, update: object, context: Context) -> None:
        """A handler died."""
        await self._died(update, context.error)

    async def _died(self, update: object, error: Exception | None) -> None:
        """That is noted, and whoever asked is told."""
        if isinstance(error, TelegramError):
            log.warning("telegram.handler_lost", why=type(error).__name__)
            return
        log.error("telegram.handler_died", exc_info=error)
        told = error.message if isinstance(error, UserError) else say("error-internal").because(Reason.FAILED)
        await self.face.apologise(update, told)


def _application(token: str, config: Config, timing: Timing) -> App:
    """One pool for getUpdates, one for everything else. Flood control is waited out by the caller, a chat at
    a time: the limiter's own retries would hold up everybody.
    """
    logging.getLogger("telegram.ext.AIORateLimiter").setLevel(logging.CRITICAL)  # it logs what we deal with
    section = config.telegram
    return (
        Application.builder()
        .token(token)
        .base_url(section.base_url)
        .base_file_url(section.base_file_url)
        .updater(None)
        .concurrent_updates(True)
        .request(_pool(64, timing))
        .get_updates_request(_pool(2, timing))
        .rate_limiter(
            AIORateLimiter(
                overall_max_rate=timing.messages_a_second,
                group_max_rate=20 if timing.messages_a_second else 0,
                max_retries=0,
            )
        )
        .build()
    )


def _pool(connections: int, timing: Timing) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=connections,
        connect_timeout=timing.connect_s,
        read_timeout=timing.read_s,
        write_timeout=timing.read_s,
        media_write_timeout=timing.upload_s,
        pool_timeout=timing.upload_s,
    )


__all__ = ["Client", "Conflict", "InvalidToken", "Timing"]
