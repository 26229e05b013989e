"""Where a request is shown: what its stored address says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telegram import ReplyParameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telegram.error import ChatMigrated

    from bot.imagine.live import LiveRequest


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request is shown, as its stored address tells."""

    chat_id: int
    thread_id: int | None = None
    reply_to: int | None = None
    message_id: int | None = None
    is_photo: bool = False
    preview: bool = True
    album: tuple[int, ...] = ()

    @staticmethod
    def of(live: LiveRequest) -> Place:
        return Place.read(live.address)

    @staticmethod
    def asked_at(live: LiveRequest) -> Place:
        """Where somebody asked: the group, where the result goes to their own chat."""
        asked = live.address.get("asked_at")
        return Place.read(asked if isinstance(asked, dict) else live.address)

    @staticmethod
    def read(at: Mapping[str, object]) -> Place:
        return Place(
            chat_id=_number(at["chat"]),
            thread_id=_number(at["thread"]) if at.get("thread") else None,
            reply_to=_number(at["reply_to"]) if at.get("reply_to") else None,
            message_id=_number(at["message"]) if at.get("message") else None,
            is_photo=bool(at.get("photo")),
            preview=bool(at.get("preview", True)),
            album=_numbers(at.get("album")),
        )

    @property
    def reply(self) -> ReplyParameters | None:
        if self.reply_to is None:
            return None
        return ReplyParameters(self.reply_to, allow_sending_without_reply=True)


def migrated(error: ChatMigrated) -> dict[str, object]:
    """The address after a group became a supergroup: another chat, in which the old messages have no ids."""
    return {"chat": error.new_chat_id, "message": None, "photo": False, "reply_to": None, "thread": None}


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(_number(item) for item in value) if isinstance(value, list) else ()
