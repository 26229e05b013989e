"""The library's Application, set up and run by hand inside the bot's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from telegram import Chat, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import BadRequest, InvalidToken, TelegramError
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    Defaults,
    MessageHandler,
    PreCheckoutQueryHandler,
    filters,
)
from telegram.request import HTTPXRequest

from bot.commands.table import names
from bot.faces.alarm import Alarm
from bot.faces.caller import Who
from bot.messages import Reason, UserError, say
from bot.telegram import commands, html, intake
from bot.telegram.command_menu import set_commands, set_owners_commands
from bot.telegram.face import Face
from bot.telegram.imagine import IMAGINE, Imagine
from bot.telegram.options_menu import Menus
from bot.telegram.pace import Pace, RateLimiter
from bot.telegram.payments import Stars
from bot.telegram.presses import Buttons

if TYPE_CHECKING:
    from telegram import Message, Update
    from telegram.ext import CallbackContext, ExtBot

    from bot.alerts import Alerts
    from bot.config.schema import Config
    from bot.imagine.service import Service

    Context = CallbackContext[Any, Any, Any, Any]
    App = Application[Any, Any, Any, Any, Any, Any]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things may take, in seconds, and how fast chats are written to. Tests take shorter ones."""

    pace: Pace = field(default_factory=Pace)
    connect_s: float = 10.0
    read_s: float = 20.0
    upload_s: float = 60.0
    connections: int = 64
    """To Telegram at once. What the library spends on a request grows with it, and with those that wait."""
    poll_s: int = 30
    stop_s: float = 10.0
    checkout_s: float = 7.0
    """For the store to say whether a payment may go on; Telegram waits ten seconds."""
    again_s: float = 1.0
    """Before updates are asked for again where that failed; doubled each time."""


class Client:
    """One bot on Telegram: `run` until cancelled."""

    def __init__(self, service: Service, token: str, config: Config, alerts: Alerts, timing: Timing) -> None:
        self._service = service
        self._config = config
        self._alerts = alerts
        self._timing = timing
        limiter = RateLimiter(timing.pace)
        self.application = _application(token, config, timing, limiter)
        self.bot: ExtBot[Any] = self.application.bot
        self.face = Face(service, self.bot, limiter)
        self._stars = Stars(self.face, timing.checkout_s)
        self._new_owners = set(config.owners.telegram)
        """Those who have not written to this process yet."""
        self.started = asyncio.Event()
        """Set once what an earlier process left is being followed, right before updates come in."""
        self._add_handlers()

    async def run(self, webhook_secret: str | None = None) -> None:
        """Serve until cancelled. Raises InvalidToken, or BadRequest: Telegram does not take the webhook."""
        alarm, chat = None, self._config.telegram.admin_chat
        if chat is not None:
            send = partial(self.alert, chat)
            alarm = Alarm(self._alerts, self._config.language, self.face.tasks, send)
            alarm.start()
        try:
            await intake.until_reached(self.application.initialize)
            await self.application.start()
            self.face.tasks.start(set_commands(self.bot, self._config))
            await self.face.delivery.recover()
            self._service.shop.open(self._stars)
            self.face.tasks.start(self._service.shop.reconcile(self._stars))
            log.info("telegram.started", bot=self.bot.username)
            self.started.set()
            section = self._config.telegram
            if section.webhook_url:
                secret = webhook_secret or secrets.token_urlsafe(32)
                await intake.listen(self.bot, self.handle, section, secret)
            else:
                await intake.poll(
                    self.bot,
                    self.handle,
                    timeout_s=self._timing.poll_s,
                    again_s=self._timing.again_s,
                    fought=lambda: self._alerts.tell("telegram:conflict", say("telegram-two-instances")),
                )
        finally:
            if alarm is not None:
                alarm.stop()
            self._service.shop.close(self._stars)
            await self._close()

    async def handle(self, update: Update) -> None:
        """Deal with one update: when this returns, what it asks for is written down."""
        chat = update.effective_chat
        if chat is not None and chat.id in self._new_owners:  # before, Telegram may have known no such chat
            self._new_owners.discard(chat.id)
            self.face.tasks.start(set_owners_commands(self.bot, self._config, chat.id))
        await self.application.process_update(update)

    async def alert(self, chat_id: int, text: str) -> None:
        """Send an alert there; one that cannot be sent is logged."""
        try:
            await self.bot.send_message(chat_id, html.escape(f"⚠️ {text}"))
        except TelegramError as error:
            log.warning("telegram.alert_not_sent", why=type(error).__name__)

    async def _close(self) -> None:
        await self.face.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timing.stop_s):
                if self.application.running:
                    await self.application.stop()
                await self.application.shutdown()
                await self.bot.shutdown()  # its connections are open even where it never got to start
        log.info("telegram.stopped")

    def _add_handlers(self) -> None:
        """Handlers that may accept a request are awaited before an update is confirmed; no others are."""
        menus, message = Menus(self.face), filters.UpdateType.MESSAGE
        imagine, buttons = Imagine(self.face, menus), Buttons(self.face, menus)
        add = self.application.add_handler
        add(CallbackQueryHandler(buttons.pressed))
        add(PreCheckoutQueryHandler(self._stars.asked))
        add(MessageHandler(filters.SUCCESSFUL_PAYMENT & message, self._stars.paid))
        add(MessageHandler(filters.StatusUpdate.REFUNDED_PAYMENT & message, self._stars.refunded))
        add(MessageHandler(filters.StatusUpdate.MIGRATE, self._migrated))
        arrivals = filters.StatusUpdate.NEW_CHAT_MEMBERS | filters.StatusUpdate.CHAT_CREATED
        add(MessageHandler(arrivals, self._added))
        add(MessageHandler(filters.Regex(IMAGINE) & message, imagine.command))
        add(MessageHandler(filters.COMMAND & message, self._command))
        add(MessageHandler(filters.TEXT & message, imagine.text))
        add(MessageHandler((filters.PHOTO | filters.Document.IMAGE) & message, imagine.picture))
        add(MessageHandler(~filters.StatusUpdate.ALL & message, imagine.other))
        self.application.add_error_handler(self._failed)

    async def _command(self, update: Update, _: Context) -> None:
        """A command other than /imagine; answered by a task, while other updates come in."""
        self.face.tasks.start(self._answer(update))

    async def _answer(self, update: Update) -> None:
        message = update.message
        assert message is not None
        name, words = commands.split_command(message.text or "")
        try:
            if not self._is_mine(message, name):
                return
            asked = await self.face.asked(update)
            try:
                await commands.answer(self.face, asked, name, words)
            except UserError as error:
                self.face.refuse(asked, error)
        except Exception as error:
            await self._died(update, error)

    def _is_mine(self, message: Message, name: str) -> bool:
        """Not a command that names another bot, nor one in a group that this bot does not know."""
        first, *_ = (message.text or "").split(maxsplit=1)
        _, _, named = first.partition("@")
        if named:
            return named.lower() == (self.bot.username or "").lower()
        return message.chat.type == Chat.PRIVATE or commands.ALIASES.get(name, name) in names(
            self._config, Who.OWNER
        )

    async def _migrated(self, update: Update, _: Context) -> None:
        message = update.message
        if message is not None and message.migrate_to_chat_id:
            await self.face.group_moved(message.chat.id, message.migrate_to_chat_id)

    async def _added(self, update: Update, _: Context) -> None:
        """Somebody came to a group, or it was made with them; where that is us, say how to ask here."""
        message = update.message
        if message is None or not (
            message.group_chat_created or any(member.id == self.bot.id for member in message.new_chat_members)
        ):
            return
        asked = await self.face.asked(update)
        text = asked.t("telegram-group-hello", bot=self.bot.username or "")
        self.face.tasks.start(self.face.answer(asked, html.escape(text)))

    async def _failed(self, update: object, context: Context) -> None:
        """A handler died."""
        await self._died(update, context.error)

    async def _died(self, update: object, error: Exception | None) -> None:
        """That is noted, and whoever asked is told."""
        if isinstance(error, TelegramError):
            log.warning("telegram.handler_lost", why=type(error).__name__)
            return
        if isinstance(error, UserError):  # nothing can be looked up now
            await self.face.apologise(update, error.message)
            return
        log.error("telegram.handler_died", exc_info=error)
        await self.face.apologise(update, say("error-internal").because(Reason.FAILED))


def _application(token: str, config: Config, timing: Timing, limiter: RateLimiter) -> App:
    """One pool for getUpdates, one for everything else."""
    section = config.telegram
    return (
        Application.builder()
        .token(token)
        .base_url(section.base_url)
        .base_file_url(section.base_file_url)
        .updater(None)
        .defaults(Defaults(ParseMode.HTML, link_preview_options=LinkPreviewOptions(is_disabled=True)))
        .request(_pool(timing.connections, timing, section.proxy))
        .get_updates_request(_pool(2, timing, section.proxy))
        .rate_limiter(limiter)
        .build()
    )


def _pool(connections: int, timing: Timing, proxy: str | None) -> HTTPXRequest:
    """Without a `proxy`, HTTPS_PROXY counts."""
    return HTTPXRequest(
        proxy=proxy,
        connection_pool_size=connections,
        connect_timeout=timing.connect_s,
        read_timeout=timing.read_s,
        write_timeout=timing.read_s,
        media_write_timeout=timing.upload_s,
        pool_timeout=timing.upload_s,
    )


__all__ = ["BadRequest", "Client", "InvalidToken", "Timing"]
