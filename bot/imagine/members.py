"""The members behind those who ask: their account, allowance, language and tier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.imagine import refusals
from bot.messages import best_language
from storage.errors import StoreUnavailable

if TYPE_CHECKING:
    from bot.config.money import Tier
    from bot.config.schema import Config
    from bot.imagine.asker import Asker
    from storage.records.members import Member, Quota
    from storage.store import Store


class Members:
    """Finds the member behind a platform account, and what they may have."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store

    async def of(self, asker: Asker) -> Member:
        """The member who asks, created at first sight; not read again where the asker has them already.

        Raises `UserError`: the store is down.
        """
        if asker.member is not None:
            return asker.member
        try:
            return await self._store.members.of(asker.platform, asker.user_id)
        except StoreUnavailable as error:
            raise refusals.explain(error, best_language(asker.locale, self._config.language)) from error

    async def quota(self, asker: Asker) -> Quota:
        """What the asker has used and has left this month."""
        member = await self.of(asker)
        return await self._store.members.quota(member.key, tier=asker.tier)

    def language_of(self, member: Member | None, asker: Asker) -> str:
        """The member's own choice, else the platform's locale, else the configured language."""
        return (member and member.language) or best_language(asker.locale, self._config.language)

    def tier_of(self, member: Member, asker: Asker) -> Tier:
        """The higher of the member's own tier and the one that the platform grants."""
        order = list(self._config.tiers)
        names = [name for name in (member.tier, asker.tier) if name in order]
        return self._config.tiers[max(names, key=order.index, default=self._config.default_tier)]
