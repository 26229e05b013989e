"""What a request must pass before anything is reserved: access, its picture, its options, the rules here.

Whoever asks hears the first thing that stands in the way, in one sentence, and nothing was changed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bot.imagine.access import require_access
from bot.imagine.advice import Adviser
from bot.imagine.inputs import Made
from bot.imagine.moderation import Moderation
from bot.imagine.request import resolve
from bot.imagine.server_settings import read_settings

if TYPE_CHECKING:
    from bot.config.money import Tier
    from bot.config.schema import Config
    from bot.imagine.asker import Asker
    from bot.imagine.inputs import Brought, Inputs
    from bot.imagine.loras import Loras
    from bot.imagine.models import Models
    from bot.imagine.options import Options
    from bot.imagine.server_settings import ServerSettings
    from storage.records.members import Member
    from storage.store import Store


class Checks:
    """Every method raises `UserError` where something stands in the way, StoreUnavailable."""

    def __init__(self, config: Config, models: Models, store: Store, inputs: Inputs, loras: Loras) -> None:
        self._config = config
        self._models = models
        self._store = store
        self._inputs = inputs
        self._loras = loras
        self._moderation = Moderation(config)
        self._adviser = Adviser(store)

    async def admit(self, member: Member, asker: Asker) -> None:
        """Whether [access] lets the asker have anything drawn."""
        if not asker.admitted:
            await require_access(self._config.access, self._store, member, asker.user_id, asker.scope)

    async def picture_limit(self, asker: Asker, member: Member, tier: Tier) -> int:
        """How many bytes a picture may have that the asker brings."""
        await self.admit(member, asker)
        return self._inputs.limit(tier, await self._rules(asker))

    async def passed(
        self, asker: Asker, member: Member, tier: Tier, options: Options, brought: Brought | None
    ) -> Made:
        """What will be drawn, with its files, and what is worth saying about it."""
        await self.admit(member, asker)
        rules = await self._rules(asker)
        opened = await self._inputs.open(brought, tier, rules) if brought else None
        resolved = resolve(
            options,
            models=self._models,
            tier=tier,
            styles=self._config.styles,
            loras=partial(self._loras.of, tier.name),
            picture=opened.given if opened else None,
        )
        self._moderation.check(resolved.request, rules, adult=asker.adult)
        resolved = await self._adviser.advise(member.key, options, resolved)
        if opened is None:
            return Made(resolved.request, notes=resolved.notes)
        await self._inputs.classify(opened, adult=asker.adult)
        made = await self._inputs.make(opened, resolved.request)
        return Made(made.request, made.files, (*made.notes, *resolved.notes))

    async def _rules(self, asker: Asker) -> ServerSettings:
        return asker.rules or await read_settings(self._store, asker.scope)
