"""Where a request is answered: kept with it in the store, so that another process can go on."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import discord
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_LIFE = dt.timedelta(minutes=14)
"""Discord kills an interaction's token after 15 minutes; the last minute is for whatever is under way."""

DEFAULT_LIMIT_BYTES = 10 * 1024 * 1024
"""What a bot may upload where Discord names no other limit."""


@dataclass(frozen=True, slots=True)
class Address:
    """An interaction's first answer, `message_id`; its token runs from `asked_at` on."""

    application_id: int
    token: str
    message_id: int | None
    channel_id: int | None
    guild_id: int | None
    user_id: int
    private: bool
    asked_at: dt.datetime
    limit_bytes: int = DEFAULT_LIMIT_BYTES
    preview: bool = True
    new_message_id: int | None = None
    """Where the result took the place of the first answer as a message of its own."""

    @property
    def token_ends_at(self) -> dt.datetime:
        return self.asked_at + TOKEN_LIFE

    def to_json(self) -> dict[str, object]:
        """The address as the store keeps it."""
        return asdict(self) | {"asked_at": self.asked_at.isoformat()}

    @staticmethod
    def from_json(kept: Mapping[str, object]) -> Address:
        """What `to_json` wrote. Raises ValueError for anything else."""
        return _JSON.validate_python(dict(kept))


_JSON = TypeAdapter(Address)


def address_of(
    interaction: discord.Interaction[discord.Client],
    message_id: int | None,
    *,
    private: bool,
    preview: bool,
) -> Address:
    """The address of a deferred interaction."""
    return Address(
        application_id=interaction.application_id,
        token=interaction.token,
        message_id=message_id,
        channel_id=interaction.channel_id,
        guild_id=interaction.guild_id,
        user_id=interaction.user.id,
        private=private,
        asked_at=discord.utils.utcnow(),
        limit_bytes=interaction.filesize_limit,
        preview=preview,
    )
