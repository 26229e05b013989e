"""A chat platform as its servers see it. It outlives the bot, and its answers get lost on their way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from bot.imagine.events import Accepted, Done, Event

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

T = TypeVar("T")

LOST_AFTER_S = 10.0
"""Whoever waits for an answer gives up after so long."""


class Fate(StrEnum):
    """What becomes of a call."""

    GOOD = "good"
    LATE = "late"
    LOST = "lost"
    """It never arrives."""
    UNANSWERED = "unanswered"
    """It arrives, and its answer does not."""
    DOUBLED = "doubled"
    TOO_MANY = "429"
    BROKEN = "500"


class TooMany(Exception):
    """429, with how long to wait."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"retry after {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s


class ServerError(Exception):
    """500."""


class Forbidden(Exception):
    """403: the bot may not write there."""


@dataclass
class Post:
    """A message in a chat, as it reads now."""

    chat: str
    request_id: str
    event: Event
    """What it tells."""
    text: str
    results: bool = False
    """It carries the pictures, and not the status."""


@dataclass
class Charge:
    """A payment that somebody made."""

    id: str
    order_id: str
    user: str
    amount: int
    told: bool
    """The platform tells the bot of it, until the bot has confirmed that; others are only listed."""
    confirmed: bool = False
    refunded: bool = False


@dataclass
class Platform:
    """The servers of one platform. A post with a nonce that came before is the first one again."""

    name: str
    redelivers: bool
    """Events that the bot has not taken come again once it is back; elsewhere they are lost."""
    chance: random.Random
    trace: Callable[..., None]
    posts: dict[str, Post] = field(default_factory=dict)
    trouble: dict[Fate, float] = field(default_factory=dict)
    """How likely each fate is at present; the rest is good."""
    charges: dict[str, Charge] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    """Chats that the bot may not write to at present."""
    ever_closed: set[str] = field(default_factory=set)

    def close(self, chat: str) -> None:
        self.closed.add(chat)
        self.ever_closed.add(chat)

    async def post(self, nonce: str, post: Post) -> str:
        """The new message's id."""

        def put() -> str:
            self.posts.setdefault(nonce, post)
            return nonce

        return await self._call("post", nonce, post, put)

    async def edit(self, message: str, post: Post) -> None:
        def put() -> None:
            self.posts[message] = post

        await self._call("edit", message, post, put)

    def charge(self, id_: str, order_id: str, user: str, amount: int, told: bool) -> None:
        """Somebody pays."""
        self.charges.setdefault(id_, Charge(id_, order_id, user, amount, told))

    async def call(self, name: str, what: str, effect: Callable[[], T]) -> T:
        """A request that shows nothing in a chat."""
        return await self._call(name, what, Post("", "", Accepted(), ""), effect)

    async def _call(self, name: str, message: str, post: Post, effect: Callable[[], T]) -> T:
        fate = self._fate()
        self.trace(f"{self.name}.{name}", message=message, fate=fate, text=post.text)
        await asyncio.sleep(self.chance.uniform(0.02, 0.3))
        match fate:
            case Fate.TOO_MANY:
                raise TooMany(self.chance.uniform(0.5, 20))
            case Fate.BROKEN:
                raise ServerError
            case Fate.LOST:
                await asyncio.sleep(LOST_AFTER_S)
                raise TimeoutError
        if post.chat in self.closed:
            raise Forbidden
        value = effect()
        match fate:
            case Fate.DOUBLED:
                effect()
            case Fate.LATE:
                await asyncio.sleep(self.chance.uniform(1, LOST_AFTER_S))
            case Fate.UNANSWERED:
                await asyncio.sleep(LOST_AFTER_S)
                raise TimeoutError
        return value

    def _fate(self) -> Fate:
        at = self.chance.random()
        for fate, part in self.trouble.items():
            if at < part:
                return fate
            at -= part
        return Fate.GOOD

    def status_of(self, request_id: str) -> Post | None:
        return next((p for p in self.posts.values() if p.request_id == request_id and not p.results), None)

    def results_of(self, request_id: str) -> list[Post]:
        return [post for post in self.posts.values() if post.request_id == request_id and post.results]

    def shown(self) -> set[str]:
        """The jobs whose pictures somebody has seen."""
        return {
            picture.job_id
            for post in self.posts.values()
            if post.results and isinstance(post.event, Done)
            for picture in post.event.pictures
        }
