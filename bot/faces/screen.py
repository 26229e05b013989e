"""What a platform supplies so that `Delivery` can follow a request on it: one `Screen` for each request."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.imagine.events import Done, Event, Failed


class Unreachable(Exception):
    """Nothing can be shown where the request was asked for. What is drawn waits in the member's history."""


class Gone(Unreachable):
    """Nobody is left who could fetch the pictures later, so the request is closed.

    `members_doing`: the member themselves shut the bot out, and pays for what was drawn.
    """

    def __init__(self, why: str, *, members_doing: bool) -> None:
        super().__init__(why)
        self.members_doing = members_doing


class Screen(Protocol):
    """Where one request is shown: an edited message, a line of a terminal, a connection. Faces subclass it.

    `show` may leave out what cannot be shown now; the next event will do. `hand_over` and `tell` try until
    the platform has answered. Each of them raises `Unreachable` (or `Gone`) where there is no way.
    """

    async def turn(self) -> None:
        """Wait until the platform's limits allow another `show`."""
        return  # a body, so that a face need not have one

    def look(self, event: Event) -> object:
        """What would be seen of an event; one that looks like the one before is not shown."""
        return event

    @abstractmethod
    async def show(self, event: Event) -> None:
        """Show a request that waits or is being drawn."""

    @abstractmethod
    async def hand_over(self, done: Done) -> str:
        """Hand over the pictures, for which the member then pays. Returns the platform's receipt."""

    @abstractmethod
    async def tell(self, failed: Failed) -> None:
        """Say why there is no picture. `failed.kept`: the process stops, and a restart goes on with it."""

    async def explain(self, *, drawn: bool) -> None:
        """Nothing could be shown here: say so elsewhere, if possible. `drawn`: the pictures are kept."""
        return

    async def close(self) -> None:
        """Nothing will be shown here any more by this process."""
        return
