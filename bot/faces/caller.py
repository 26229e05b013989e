"""Who asks, in which place, in which language and under which rules: read once a request, for every face."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from bot.imagine.asker import Asker
from bot.imagine.server_settings import Nsfw, ServerSettings, read_settings
from bot.messages import UserError, say, translator
from storage.errors import StoreUnavailable
from storage.settings import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.config.schema import Config
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.members import Member


class Who(IntEnum):
    """Who may use a command. Each may do what the ones before it may."""

    MEMBER = 0
    MANAGER = 1
    """Manages the server or group that is asked in, as the platform tells."""
    OWNER = 2
    """Owns the bot, and is named in bot.toml."""


async def _manages_nothing() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Origin:
    """What a platform tells about an event: whose it is, where it happened, and what may be said there."""

    platform: str
    user_id: str
    event: str = ""
    """The platform's id of the event: the same event delivered again is the same request."""
    locale: str | None = None
    server_id: str | None = None
    channel_id: str | None = None
    """The channel or topic, where a server has several."""
    roles: frozenset[str] = frozenset()
    tier: str | None = None
    """A tier that the platform says was bought there, by them or for this server."""
    adult_channel: bool = False
    """The platform marks this channel as one for adults."""
    account_age_s: int | None = None
    alone: bool = True
    """Nobody else reads what is answered here."""
    manages: Callable[[], Awaitable[bool]] = _manages_nothing
    """Whether they manage the server asked in, for who has to know; it may cost a call to the platform."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent an event, as commands and requests see them."""

    origin: Origin
    asker: Asker
    member: Member
    rules: ServerSettings
    t: Translator
    names: Translator | None = field(default=None)
    """In which language their app shows the names of commands; None where they are typed as they are."""

    @property
    def key(self) -> str:
        """What makes a redelivery of this event the same request."""
        return self.origin.event

    @property
    def owner(self) -> bool:
        """Whether the caller owns the bot."""
        return self.asker.owner

    async def may(self, who: Who) -> bool:
        """Whether this caller is allowed what only `who` may do."""
        if who is Who.MEMBER or self.owner:
            return True
        return who is Who.MANAGER and await self.origin.manages()

    async def require(self, who: Who) -> None:
        """Raises `UserError` where the caller is not allowed what only `who` may do."""
        if who is Who.MANAGER and self.origin.server_id is None:
            raise UserError(say("error-server-only"))
        if not await self.may(who):
            raise UserError(say("error-owner" if who is Who.OWNER else "error-admin"))


def _highest(config: Config, *tiers: str | None) -> str | None:
    order = list(config.tiers)
    return max(
        (tier for tier in tiers if tier in order), key=lambda tier: order.index(str(tier)), default=None
    )


async def caller_of(service: Service, origin: Origin, names: Translator | None = None) -> Caller:
    """Read the server's rules and the member. Raises `UserError`: the store is down."""
    server_id = origin.server_id
    scope = Scope.server(origin.platform, server_id) if server_id else None
    read = None
    with contextlib.suppress(StoreUnavailable):  # then nothing is drawn, and that can still be told
        read = await read_settings(service.store, scope)
    rules = read or ServerSettings()
    tier = _highest(service.config, rules.tier_for(origin.roles, tuple(service.config.tiers)), origin.tier)
    owner = service.config.owners.include(origin.platform, origin.user_id)
    asker = Asker(
        platform=origin.platform,
        user_id=origin.user_id,
        locale=rules.language or origin.locale,
        server_id=server_id,
        account_age_s=origin.account_age_s,
        tier=tier,
        tier_bought=tier is not None and tier == origin.tier,
        adult=server_id is None
        or rules.nsfw is Nsfw.ALLOW
        or (rules.nsfw is Nsfw.MARKED and origin.adult_channel),
        owner=owner,
        admitted=owner,
        rules=read,
    )
    member = await service.members.of(asker)
    asker = replace(asker, member=member)
    t = translator(service.members.language_of(member, asker))
    return Caller(origin, asker, member, rules, t, names)
