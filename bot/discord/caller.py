"""Who asks, and what the server says about it: an interaction as an `Asker`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord

from bot.commands import owners, server
from bot.commands.server import Nsfw, ServerSettings
from bot.imagine.service import Asker
from bot.messages import Translator, UserError, say, translator

if TYPE_CHECKING:
    from bot.imagine.service import Service

PLATFORM = "discord"


@dataclass(frozen=True, slots=True)
class Place:
    """An asker, the rules of the server they ask in, and their language."""

    asker: Asker
    rules: ServerSettings
    t: Translator

    @property
    def language(self) -> str:
        return self.t.language


async def place_of(service: Service, interaction: discord.Interaction[discord.Client]) -> Place:
    """Read the server's rules and the member's language. Raises `UserError`: the store is down."""
    server_id = str(interaction.guild_id) if interaction.guild_id else None
    rules = await server.server_settings(service, PLATFORM, server_id)
    user = interaction.user
    roles = {str(role.id) for role in user.roles} if isinstance(user, discord.Member) else set()
    asker = Asker(
        platform=PLATFORM,
        user_id=str(user.id),
        locale=rules.language or str(interaction.locale),
        server_id=server_id,
        account_age_s=int((discord.utils.utcnow() - user.created_at).total_seconds()),
        tier=rules.tier_for(roles, tuple(service.config.tiers)),
        adult=_adult(interaction, rules),
    )
    member = await service.member(asker)
    return Place(asker, rules, translator(service.language_of(member, asker)))


def require_channel(place: Place, interaction: discord.Interaction[discord.Client]) -> None:
    """Raises `UserError` where the server does not allow drawing in this channel, or a thread of it."""
    channel = interaction.channel
    ids = {str(interaction.channel_id)}
    if isinstance(channel, discord.Thread):
        ids.add(str(channel.parent_id))
    if interaction.guild_id and not any(place.rules.allows(id_) for id_ in ids):
        raise UserError(say("discord-wrong-channel"))


def spoken_to(service: Service, interaction: discord.Interaction[discord.Client]) -> Translator:
    """The language of Discord's client, where the store may not be asked."""
    return translator(service.language_of(None, Asker(PLATFORM, "", locale=str(interaction.locale))))


def is_moderator(service: Service, interaction: discord.Interaction[discord.Client]) -> bool:
    """Whoever may remove messages here, or owns the bot."""
    asker = Asker(PLATFORM, str(interaction.user.id))
    in_server = interaction.guild_id is not None and interaction.permissions.manage_messages
    return in_server or owners.is_owner(service.config, asker)


def _adult(interaction: discord.Interaction[discord.Client], rules: ServerSettings) -> bool:
    if interaction.guild_id is None or rules.nsfw is Nsfw.ALLOW:
        return True
    marked = getattr(interaction.channel, "is_nsfw", None)
    return rules.nsfw is Nsfw.MARKED and marked is not None and bool(marked())
