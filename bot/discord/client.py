"""The Discord client: joins the parts of the face, and comes and goes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog
import yarl

from bot.discord import commands, imagine, message_menus, presses
from bot.discord.face import Face
from bot.discord.invite import invite_link
from bot.discord.keyboards import ActionButton
from bot.discord.library import proxy_options, stay_at, use_api
from bot.discord.locale import FluentTranslator
from bot.discord.pages import escaped
from bot.discord.payments import Premium
from bot.discord.questions import QuestionButton
from bot.faces.alarm import Alarm

if TYPE_CHECKING:
    from bot.alerts import Alerts
    from bot.commands.button_ids import Press
    from bot.config.faces import Discord
    from bot.discord.face import Interaction
    from bot.imagine.service import Service

log = structlog.get_logger(__name__)

UNREACHABLE = (OSError, aiohttp.ClientConnectionError, discord.DiscordServerError)
"""Once it has logged in, the client comes back by itself; before that, whoever starts it has to."""

BadToken = discord.LoginFailure


class EaselClient(Face):
    """One bot account, on as many shards as Discord asks for."""

    def __init__(self, service: Service, section: Discord, alerts: Alerts, **options: Any) -> None:
        super().__init__(service, **proxy_options(section), **options)
        self._alarm: Alarm | None = None
        if section.admin_channel is not None:
            send = partial(self.alert, section.admin_channel)
            self._alarm = Alarm(alerts, service.config.language, self.tasks, send)
        self.premium = Premium(service, self)
        if section.gateway_url:
            stay_at(self, yarl.URL(section.gateway_url))
        if section.api_url:
            use_api(section.api_url)

    async def setup_hook(self) -> None:
        """Commands and buttons are known before the first event; what an earlier process left goes on."""
        for part in (imagine, commands, message_menus):
            part.add_to(self)
        self.add_dynamic_items(ActionButton, QuestionButton)
        await self.tree.set_translator(FluentTranslator())
        self.command_ids = {command.name: command.id for command in await self.tree.sync()}
        await self.delivery.recover()
        self.service.shop.open(self.premium)
        self.tasks.start(self._reconcile())
        if self._alarm is not None:
            self._alarm.start()
        assert self.application_id is not None, "known since the login"
        log.info("discord.started", bot=str(self.user), invite=invite_link(self.application_id))

    async def _reconcile(self) -> None:
        """Look for what was bought or paid back while nobody listened."""
        await self.wait_until_ready()
        await self.service.shop.reconcile(self.premium)

    async def on_interaction(self, interaction: Interaction) -> None:
        """Every interaction; commands and buttons find their own way, modals are taken here."""
        if interaction.type is discord.InteractionType.modal_submit:
            try:
                await presses.submitted(self, interaction)
            except Exception as error:
                await self.failed(interaction, error)

    async def close(self) -> None:
        """Tell requests on their way that they are kept, let go of everything, disconnect."""
        if not self.is_closed():
            if self._alarm is not None:
                self._alarm.stop()
            self.service.shop.close(self.premium)
            await self.delivery.close()
            await self.tasks.close()
        await super().close()

    async def on_entitlement_create(self, entitlement: discord.Entitlement) -> None:
        """Somebody has bought something."""
        await self.premium.take(entitlement)

    async def on_entitlement_update(self, entitlement: discord.Entitlement) -> None:
        """A subscription has ended, or will."""
        await self.premium.take(entitlement)

    async def on_entitlement_delete(self, entitlement: discord.Entitlement) -> None:
        """Discord has paid it back, or taken it away."""
        await self.premium.take_back(entitlement)

    async def on_subscription_update(self, subscription: discord.Subscription) -> None:
        """One was renewed, cancelled or has ended."""
        await self.premium.renew(subscription)

    async def alert(self, channel_id: int, text: str) -> None:
        """Send an alert there; one that cannot be sent is logged."""
        try:
            await self.get_partial_messageable(channel_id).send(escaped(text))
        except discord.HTTPException as error:
            log.warning("discord.alert_not_sent", status=error.status, code=error.code)

    async def pressed(self, interaction: Interaction, press: Press) -> None:
        """A button under a picture was pressed, perhaps one of an earlier process."""
        await presses.pressed(self, interaction, press)
