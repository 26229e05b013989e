"""What a server's or group's admins have set: channels, roles, previews, language, adult pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from storage.settings import Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.settings import Scope
    from storage.store import Store


class Nsfw(StrEnum):
    """Where a server lets adult pictures be asked for."""

    BLOCK = "block"
    MARKED = "marked"
    """Only in channels that the platform marks as adult."""
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """A server's or group's own rules. Empty `channels` allow all; `roles` map role ids to tiers."""

    channels: tuple[str, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    preview: bool = True
    language: str | None = None
    nsfw: Nsfw = Nsfw.MARKED
    pictures: bool = True
    """Members may bring pictures of their own."""
    blocked_words: tuple[str, ...] = ()
    blocked_patterns: tuple[str, ...] = ()

    def allows(self, channel_id: str) -> bool:
        """Whether pictures may be asked for in this channel."""
        return not self.channels or channel_id in self.channels

    def tier_for(self, role_ids: frozenset[str] | set[str], order: tuple[str, ...]) -> str | None:
        """The highest tier that any of a member's roles grants; `order` runs from the lowest."""
        granted = [tier for role, tier in self.roles.items() if role in role_ids and tier in order]
        return max(granted, key=order.index, default=None)


async def read_settings(store: Store, scope: Scope | None) -> ServerSettings:
    """A server's settings; the defaults for a private chat (None). Raises StoreUnavailable."""
    if scope is None:
        return ServerSettings()
    kept = await store.settings.of(scope)
    return ServerSettings(
        channels=tuple(kept.get(Setting.CHANNELS, ())),
        roles=dict(kept.get(Setting.ROLES, {})),
        preview=bool(kept.get(Setting.PREVIEW, True)),
        language=kept.get(Setting.LANGUAGE),
        nsfw=Nsfw(kept.get(Setting.NSFW, Nsfw.MARKED)),
        pictures=bool(kept.get(Setting.PICTURES, True)),
        blocked_words=tuple(kept.get(Setting.BLOCKED_WORDS) or ()),
        blocked_patterns=tuple(kept.get(Setting.BLOCKED_PATTERNS) or ()),
    )
