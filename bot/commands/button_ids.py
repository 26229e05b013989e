"""The ids of buttons: what is written into one, and what a press of it says.

An id is what the button does and what it is about, short enough for every platform. Under a picture that is
an action and a request's or a picture's id (`again:9f86d081884c7d65`, `single:9f86d081884c7d65-2`), and which
part of it (`area:9f86d081884c7d65-2.5`); under a question, an answer and its subject (`link:OFFER`,
`set:preview=off`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a button does; the value is the first part of its id."""

    AGAIN = "again"
    VARY = "vary"
    LARGER = "larger"
    """Keeps the picture and doubles its size."""
    REDRAW = "redraw"
    """Draws the request anew at the next size up."""
    SUBTLE = "subtle"
    """Varies the picture a little."""
    STRONG = "strong"
    """Varies it a lot."""
    AREA = "area"
    """Shows its nine parts; with one of them, draws that anew."""
    WIDER = "wider"
    """Draws more of it on all sides."""
    SINGLE = "single"
    DETAILS = "details"
    DELETE = "delete"
    CANCEL = "cancel"
    FETCH = "fetch"


BUTTON_ID = re.compile(
    rf"(?P<action>{'|'.join(Action)}):(?P<target>[0-9a-f]{{16}}(?:-[0-9])?)(?:\.(?P<area>[1-9]))?"
)
"""What a button's id looks like. The target is a request id, or a job id: request id, dash, number."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed."""

    action: Action
    target: str
    area: str = ""
    """One of the picture's nine parts."""

    @property
    def id(self) -> str:
        return button_id(self.action, self.target, self.area)

    @property
    def request_id(self) -> str:
        return self.target.partition("-")[0]


def button_id(action: Action, target: str, area: str = "") -> str:
    """The id of a button that does `action` to a request or a job, or to a part of its picture."""
    return f"{action}:{target}.{area}" if area else f"{action}:{target}"


def pressed(id_: str) -> Press | None:
    """What a button's id says, or None where it is not one of ours."""
    match = BUTTON_ID.fullmatch(id_)
    return press_of(match) if match else None


def press_of(match: re.Match[str]) -> Press:
    """What a match of BUTTON_ID says."""
    return Press(Action(match["action"]), match["target"], match["area"] or "")


class Reply(StrEnum):
    """What is being answered; the value is the first part of the button's id."""

    LINK = "link"
    LINK_NOT = "unlink"
    UNLINK = "split"
    UNLINK_NOT = "stay"
    FORGET = "forget"
    FORGET_NOT = "keep"
    OLDER = "older"
    LANGUAGE = "language"
    SETTING = "set"
    PLANS = "plans"
    BUY = "buy"
    SLOW = "slow"


QUESTION_ID = re.compile(rf"(?P<reply>{'|'.join(Reply)}):(?P<target>[\w=.-]{{0,52}})")


@dataclass(frozen=True, slots=True)
class Replied:
    """A button of a question that was pressed."""

    reply: Reply
    target: str


EARLIER = (
    (re.compile("hist:"), "older:"),
    (re.compile("lang:"), "language:"),
    (re.compile("link:y:"), "link:"),
    (re.compile("link:n:"), "unlink:"),
    (re.compile("forget:y:"), "forget:"),
    (re.compile("forget:n:"), "keep:"),
    (re.compile(r"set:(\w+):"), r"set:\1="),
)
"""How Telegram's buttons began in earlier versions, and how they do now: the messages are still there."""


def replied(id_: str) -> Replied | None:
    """What a button's id says, or None where it is not one of a question."""
    for earlier, now in EARLIER:
        if match := earlier.match(id_):
            id_ = match.expand(now) + id_[match.end() :]
            break
    match = QUESTION_ID.fullmatch(id_)
    return Replied(Reply(match["reply"]), match["target"]) if match else None


def reply_id(reply: Reply, target: str = "") -> str:
    """The id of a button that gives this answer."""
    return f"{reply}:{target}"
