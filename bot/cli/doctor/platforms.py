"""Checks tokens by their form and, with --online, by asking the platforms."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.cli.doctor.finding import fine, problem, warning
from bot.faces.platforms import CHATS
from bot.messages import say

if TYPE_CHECKING:
    from bot.cli.doctor.finding import Finding


class Answer(enum.Enum):
    """A platform's verdict on a token."""

    WELCOME = enum.auto()
    REFUSED = enum.auto()
    UNREACHABLE = enum.auto()


@dataclass(frozen=True, slots=True)
class Reply:
    """A platform's answer, and what came with it."""

    answer: Answer
    name: str = ""
    """The bot's, as people see it."""
    link: str = ""
    """A link by which people reach the bot, or invite it."""
    ours_less_theirs_s: float | None = None
    """Our clock against theirs, where they told the time."""
    reason: str = ""


def no_token() -> Finding:
    return warning(say("doctor-token-none"), say("doctor-token-none-do"))


def library(name: str, *, installed: bool) -> list[Finding]:
    """Nothing to say where it is there."""
    if installed:
        return []
    return [problem(say("doctor-library", name=name), say("doctor-library-do", extra=name))]


def shape(name: str, bot_id: int | None, link: str = "") -> Finding:
    """`bot_id` as the token itself tells it; None for what does not look like one."""
    platform = CHATS[name].label
    if bot_id is None:
        return problem(say("doctor-token-shape", platform=platform), say(f"doctor-token-shape-{name}-do"))
    if link:
        return fine(say("doctor-token-invite", platform=platform, id=str(bot_id), link=link))
    return fine(say("doctor-token", platform=platform, id=str(bot_id)))


def reply(name: str, told: Reply) -> Finding:
    platform = CHATS[name].label
    match told.answer:
        case Answer.WELCOME:
            return fine(say("doctor-online", platform=platform, name=told.name, link=told.link))
        case Answer.REFUSED:
            return problem(
                say("doctor-online-refused", platform=platform),
                say("doctor-online-refused-do", platform=platform),
            )
        case Answer.UNREACHABLE:
            return problem(
                say("doctor-online-unreachable", platform=platform, reason=told.reason),
                say("doctor-online-unreachable-do"),
            )
