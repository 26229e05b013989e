"""Who asks for something."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.settings import Scope

if TYPE_CHECKING:
    from bot.imagine.server_settings import ServerSettings
    from storage.records.members import Member


@dataclass(frozen=True, slots=True)
class Asker:
    """Who is asking, as far as the platform tells."""

    platform: str
    user_id: str
    locale: str | None = None
    server_id: str | None = None
    account_age_s: int | None = None
    tier: str | None = None
    """A tier that the platform grants here (by a role). It counts if it ranks above the member's own."""
    tier_bought: bool = False
    """The platform sold that tier, so it brings in what was paid for it and no fee."""
    adult: bool = True
    """Whether adult pictures may be asked for in this place."""
    owner: bool = False
    """Whether they own the bot."""
    admitted: bool = False
    """Let in whatever [access] says: an owner, the holder of a key, or whoever sits at the machine."""
    member: Member | None = field(default=None, compare=False, repr=False)
    """Whose account it is, where that was read with this event."""
    rules: ServerSettings | None = field(default=None, compare=False, repr=False)
    """The settings of the server or group, where they were read with this event."""

    @property
    def scope(self) -> Scope | None:
        """The store's name for the settings of the server or group, None in a private chat."""
        return Scope.server(self.platform, self.server_id) if self.server_id else None
