"""Where a request is shown on Telegram: kept with it in the database, so that another process can go on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from telegram import ReplyParameters

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Address:
    """A chat, what to reply to in it, and the message (or album with summary) that shows the request."""

    chat: int
    thread: int | None = None
    reply_to: int | None = None
    message: int | None = None
    photo: bool = False
    """The message is a photo: its text is a caption."""
    album: tuple[int, ...] = ()
    stale: int | None = None
    """The status, once the result has come as a message of its own: to be taken away."""
    since_s: float = 0.0
    """When it was asked for, in seconds since 1970."""
    preview: bool = True
    """The group wants to see pictures while they are drawn."""
    asked_at: Address | None = None
    """The group, where somebody asked there for something private."""

    @property
    def reply(self) -> ReplyParameters | None:
        """As a reply to what asked for it, if that is still there."""
        return reply_to(self.reply_to) if self.reply_to is not None else None

    def in_supergroup(self, chat: int) -> Address:
        """After the group became a supergroup: another chat, in which the old messages have no ids."""
        return replace(self, chat=chat, message=None, stale=None, photo=False, reply_to=None, thread=None)

    def to_json(self) -> dict[str, object]:
        """The address as the database keeps it."""
        return asdict(self)

    @staticmethod
    def from_json(kept: Mapping[str, object]) -> Address:
        """What `to_json` wrote. Raises ValueError for anything else."""
        return _JSON.validate_python({name: value for name, value in kept.items() if value is not None})


def reply_to(message: int) -> ReplyParameters:
    """As a reply if the message is still there. It quotes nothing, so no parse mode is sent for a quote."""
    return ReplyParameters(message, allow_sending_without_reply=True, quote_parse_mode=None)


_JSON = TypeAdapter(Address)
