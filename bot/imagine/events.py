"""What happens to a request, as every face renders it.

A face follows `LiveRequest.events()`: the newest state whenever it changes, older ones skipped, the last one
`Done` or `Failed`. Nothing here names a platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.messages import Reason

if TYPE_CHECKING:
    from PIL.Image import Image

    from bot.imagine.picture import Picture
    from bot.messages import Message
    from storage.records.members import Quota


@dataclass(frozen=True, slots=True)
class Accepted:
    """Reserved and written down; from here on it survives the process."""

    notes: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """In the queue. `position` 0 is next; `eta_s` predicted seconds until the last picture is there."""

    position: int
    eta_s: float
    unmanned: bool = False
    """Nothing is there to draw it; no ETA holds until something comes."""
    paused: bool = False
    """An owner has paused drawing; no ETA holds until they resume it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Being drawn: steps taken and to take over all images, images already drawn."""

    step: int
    steps: int
    drawn: int
    images: int
    eta_s: float
    preview: Image | None = None
    """What is seen so far; of several pictures, the grid of them."""


@dataclass(frozen=True, slots=True)
class Done:
    """Drawn and stored, to be delivered and then acknowledged. `missing` images failed and were refunded."""

    pictures: tuple[Picture, ...]
    quota: Quota
    missing: int = 0
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """No picture: why, in one sentence that tells of the refund."""

    message: Message
    kept: bool = False
    """The request is not over: it stays written down, and the next start of the bot goes on with it."""

    @property
    def is_news(self) -> bool:
        """Whether it is over for another reason than a cancel, of which they know."""
        return not self.kept and self.message.reason is not Reason.CANCELLED


Event = Accepted | Waiting | Progress | Done | Failed
