"""What owners and server admins do: hidden from everybody without a server permission, checked when used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import discord
from discord import app_commands

from bot.commands import general, gpu, owners, server
from bot.discord.caller import PLATFORM
from bot.discord.locale import text
from bot.discord.pages import CHART, Reply, card_embed
from bot.imagine import moderation  # noqa: TC001 - the library reads the annotations
from bot.imagine.service import Asker
from bot.messages import LANGUAGES, UserError, say
from storage.records import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bot.commands.general import Card
    from bot.discord.caller import Place
    from bot.discord.face import Face, Interaction

Callback = TypeVar("Callback", bound="Callable[..., Coroutine[Any, Any, None]]")

MANAGERS = discord.Permissions(manage_guild=True)
"""Who sees these commands; a server may say otherwise in its own settings."""

SETTINGS = ("preview", "language", "nsfw")
VALUES = ("on", "off", *LANGUAGES, "auto", *server.Nsfw)


def add_to(face: Face) -> None:
    """Put the owner's and the admins' commands on the command tree."""
    _add_stats(face)
    _add_members(face)
    _add_machine(face)
    _add_settings(face)


def _named(**options: str) -> Callable[[Callback], Callback]:
    """Localised names and descriptions of a command's options: parameter to message."""

    def decorate(callback: Callback) -> Callback:
        names = {parameter: text(f"opt-{id_}") for parameter, id_ in options.items()}
        abouts = {parameter: text(f"opt-{id_}-about") for parameter, id_ in options.items()}
        return app_commands.rename(**names)(app_commands.describe(**abouts)(callback))

    return decorate


def _command(
    parent: app_commands.Group | app_commands.CommandTree[Any], id_: str
) -> Callable[[Callback], object]:
    """A command of the tree, hidden like a group, or of a group."""
    decorate = parent.command(name=text(f"cmd-{id_}"), description=text(f"cmd-{id_}-about"))
    if isinstance(parent, app_commands.Group):
        return decorate
    return lambda callback: decorate(app_commands.default_permissions(manage_guild=True)(callback))


def _group(face: Face, id_: str, **options: Any) -> app_commands.Group:
    group = app_commands.Group(
        name=text(f"cmd-{id_}"),
        description=text(f"cmd-{id_}-about"),
        default_permissions=MANAGERS,
        **options,
    )
    face.tree.add_command(group)
    return group


def _identity(user: discord.User | discord.Member) -> Identity:
    return Identity(PLATFORM, str(user.id))


def _add_stats(face: Face) -> None:
    service, stats = face.service, _group(face, "stats")

    @_command(stats, "stats-cost")
    @_named(period="period")
    async def cost(interaction: Interaction, period: app_commands.Range[str, 1, 10] = "month") -> None:
        async def answer(place: Place) -> Reply:
            owners.require_owner(service, place.asker)
            store, config = service.store, service.config
            card = await general.stats(store, period, place.t, config)
            chart = await general.stats_chart(store, period, place.t, config)
            return Reply((card_embed(card).set_image(url=f"attachment://{CHART}"),), picture=chart)

        await face.answer(interaction, answer)

    @_command(stats, "stats-queue")
    async def queue(interaction: Interaction) -> None:
        await face.answer(interaction, lambda place: gpu.stats_queue(service, place.asker, place.t))

    @_command(stats, "stats-gpu")
    async def gpu_stats(interaction: Interaction) -> None:
        await face.answer(interaction, lambda place: gpu.stats_gpu(service, place.asker, place.t))

    @_command(stats, "stats-page")
    async def page(interaction: Interaction) -> None:
        await face.answer(
            interaction, lambda place: owners.page_link(service.store, service.config, place.asker, place.t)
        )


def _add_members(face: Face) -> None:
    service, tier = face.service, _group(face, "tier")
    tiers = [app_commands.Choice(name=name, value=name) for name in service.config.tiers]

    @_command(tier, "tier-set")
    @_named(member="member", plan="tier", until="until", why="why")
    @app_commands.choices(plan=tiers)
    async def set_(
        interaction: Interaction, member: discord.User, plan: str, until: str = "", why: str = ""
    ) -> None:
        who = _identity(member)
        await face.answer(
            interaction,
            lambda place: owners.tier(service, place.asker, who, plan, place.t, until=until, why=why),
        )

    @_command(face.tree, "grant")
    @_named(member="member", count="count", why="why")
    async def grant(
        interaction: Interaction,
        member: discord.User,
        count: app_commands.Range[int, 1, owners.MAX_GRANT],
        why: str = "",
    ) -> None:
        who, key = _identity(member), f"{PLATFORM}:{interaction.id}"
        await face.answer(
            interaction,
            lambda place: owners.grant(service, place.asker, who, str(count), place.t, why=why, key=key),
        )

    @_command(face.tree, "ban")
    @_named(member="member", why="why")
    async def ban(interaction: Interaction, member: discord.User, why: str = "") -> None:
        who = _identity(member)
        await face.answer(interaction, lambda place: owners.ban(service, place.asker, who, place.t, why=why))

    @_command(face.tree, "unban")
    @_named(member="member", why="why")
    async def unban(interaction: Interaction, member: discord.User, why: str = "") -> None:
        who = _identity(member)
        await face.answer(
            interaction, lambda place: owners.unban(service, place.asker, who, place.t, why=why)
        )


def _add_machine(face: Face) -> None:
    service = face.service

    @_command(face.tree, "pause")
    async def pause(interaction: Interaction) -> None:
        await face.answer(interaction, lambda place: owners.pause(service, place.asker, place.t))

    @_command(face.tree, "resume")
    async def resume(interaction: Interaction) -> None:
        await face.answer(interaction, lambda place: owners.resume(service, place.asker, place.t))


def _add_settings(face: Face) -> None:
    service = face.service
    settings = _group(face, "settings", guild_only=True)
    tiers = [app_commands.Choice(name=name, value=name) for name in service.config.tiers]

    @_command(settings, "settings-show")
    async def show(interaction: Interaction) -> None:
        async def answer(place: Place) -> Card:
            _require_manager(face, interaction)
            return await server.settings_card(service, PLATFORM, str(interaction.guild_id), place.t)

        await face.answer(interaction, answer)

    @_command(settings, "settings-channel")
    @_named(channel="channel", allowed="allowed")
    async def channel(interaction: Interaction, channel: discord.TextChannel, allowed: bool = True) -> None:
        async def answer(place: Place) -> Card:
            _require_manager(face, interaction)
            here = str(channel.id)
            return await server.set_channel(service, place.asker, here, allowed=allowed, t=place.t)

        await face.answer(interaction, answer)

    @_command(settings, "settings-role")
    @_named(role="role", plan="role-tier")
    @app_commands.choices(plan=tiers)
    async def role(interaction: Interaction, role: discord.Role, plan: str | None = None) -> None:
        await face.answer(
            interaction, lambda place: server.set_role(service, place.asker, str(role.id), plan, place.t)
        )

    @_command(settings, "settings-set")
    @_named(setting="setting", value="value")
    @app_commands.choices(
        setting=[app_commands.Choice(name=name, value=name) for name in SETTINGS],
        value=[app_commands.Choice(name=value, value=value) for value in VALUES],
    )
    async def set_(interaction: Interaction, setting: str, value: str) -> None:
        async def answer(place: Place) -> Card:
            _require_manager(face, interaction)
            return await server.set_option(service, place.asker, setting, value, place.t)

        await face.answer(interaction, answer)

    @_command(settings, "settings-block")
    @_named(word="word", pattern="pattern", blocked="blocked")
    async def block(
        interaction: Interaction,
        word: app_commands.Range[str, 1, moderation.MAX_RULE_CHARS] | None = None,
        pattern: app_commands.Range[str, 1, moderation.MAX_RULE_CHARS] | None = None,
        blocked: bool = True,
    ) -> None:
        async def answer(place: Place) -> Card:
            _require_manager(face, interaction)
            return await server.set_rules(
                service, place.asker, place.t, word=word, pattern=pattern, blocked=blocked
            )

        await face.answer(interaction, answer)


def _require_manager(face: Face, interaction: Interaction) -> None:
    """Raises `UserError`: a server may have shown these commands to anybody."""
    owner = owners.is_owner(face.service.config, Asker(PLATFORM, str(interaction.user.id)))
    if not owner and not interaction.permissions.manage_guild:
        raise UserError(say("discord-managers"))
