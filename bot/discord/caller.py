"""Turns an interaction into a caller: who sent it, and where."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import discord

from bot.discord.locale import language_of
from bot.faces.caller import Caller, Origin, caller_of
from bot.imagine.asker import Asker
from bot.messages import UserError, say, translator

if TYPE_CHECKING:
    from bot.imagine.service import Service
    from bot.messages import Translator

PLATFORM = "discord"

Event = discord.Interaction[discord.Client]


async def caller(service: Service, interaction: Event) -> Caller:
    """Whoever sent this interaction. Raises `UserError`: the store is down."""
    names = translator(language_of(interaction.locale, service.config.language))
    held = replace(origin(interaction), tier=bought_tier(service, interaction))
    return await caller_of(service, held, names)


def bought_tier(service: Service, interaction: Event) -> str | None:
    """The highest tier among what Discord says they, or this server, hold: subscriptions and durable SKUs."""
    skus = {one.sku_id for one in interaction.entitlements if _is_live(one)}
    held = {offer.tier for offer in service.config.offers.values() if offer.discord_sku in skus}
    return next((tier for tier in reversed(service.config.tiers) if tier in held), None)


def _is_live(entitlement: discord.Entitlement) -> bool:
    return not entitlement.deleted and not entitlement.is_expired()


def origin(interaction: Event) -> Origin:
    """Whose interaction it is, and where it happened."""
    user = interaction.user
    marked = getattr(interaction.channel, "is_nsfw", None)

    async def manages() -> bool:
        return interaction.permissions.manage_guild

    return Origin(
        platform=PLATFORM,
        user_id=str(user.id),
        event=str(interaction.id),
        locale=str(interaction.locale),
        server_id=str(interaction.guild_id) if interaction.guild_id else None,
        channel_id=str(interaction.channel_id) if interaction.channel_id else None,
        roles=frozenset(str(role.id) for role in getattr(user, "roles", ())),
        adult_channel=marked is not None and bool(marked()),
        account_age_s=int((discord.utils.utcnow() - user.created_at).total_seconds()),
        alone=True,  # commands are answered to their asker alone
        manages=manages,
    )


def require_channel(asking: Caller, interaction: Event) -> None:
    """Raises `UserError` where the server does not allow drawing in this channel, or a thread of it."""
    channel = interaction.channel
    ids = {str(interaction.channel_id)}
    if isinstance(channel, discord.Thread):
        ids.add(str(channel.parent_id))
    allowed = {id_ for id_ in asking.rules.channels if still_there(interaction.guild, id_)}
    if interaction.guild_id and allowed and not allowed & ids:
        raise UserError(say("discord-wrong-channel"))


def still_there(guild: discord.Guild | None, channel_id: str) -> bool:
    """Whether a server still has a channel. Where its channels are not known, none counts as deleted."""
    if guild is None or not guild.channels:
        return True
    return guild.get_channel_or_thread(int(channel_id)) is not None


def spoken_to(service: Service, interaction: Event) -> Translator:
    """The language of Discord's client, where the store may not be asked."""
    return translator(service.members.language_of(None, Asker(PLATFORM, "", locale=str(interaction.locale))))


def is_moderator(asking: Caller, interaction: Event) -> bool:
    """Whoever may remove messages here, or owns the bot."""
    return asking.owner or (interaction.guild_id is not None and interaction.permissions.manage_messages)
