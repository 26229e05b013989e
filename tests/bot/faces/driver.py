"""The driver of a face, whichever it is: three people who use it. Anna asks, Bob reads along where others
may, and the third is a moderator of that place.

A driver types lines, presses buttons, reads every word that came back, looks at the pictures, takes the bot
down and up again.
"""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Protocol

from bot.messages import LANGUAGES, translator

if TYPE_CHECKING:
    from bot.commands.button_ids import Action
    from bot.imagine.asker import Asker
    from bot.imagine.service import Service
    from bot.messages import Message
    from tests.easel import FieldModel


class Who(Enum):
    """Who uses the face."""

    ANNA = auto()
    BOB = auto()
    MODERATOR = auto()


class Can(StrEnum):
    """What a platform may have no notion of. The value is its row in docs/commands.md."""

    REDELIVER = "An event that is delivered twice is one request"
    FETCH = "Pictures that cannot be shown wait, uncharged, until they are fetched"
    PRESS = "Buttons: for everybody who sees them, *Delete* and *Cancel* for who asked and for moderators"
    MASK = "A mask of any shape comes with a picture of one's own"
    PRIVATE = "What is asked for privately is shown to its asker alone"
    WHISPER = "A refusal is read by its asker alone"
    LEFT = "A result tells what is left of the month"
    COST = "A result tells what it cost only where the tier's `show_cost` says so"


class Face(Protocol):
    """People using a face."""

    model: FieldModel

    @property
    def service(self) -> Service:
        """The running bot's."""

    def asker(self, who: Who = Who.ANNA) -> Asker:
        """Who somebody is to the service."""

    async def type(self, line: str, *, shared: bool = False, event: str = "") -> None:
        """Anna types a line such as `/imagine a cat --seed 7`; returns when the face has taken it.

        `shared`: where Bob reads along. `event`: the id she gives it, where clients choose it.
        """

    async def bring(self, line: str, picture: bytes, mask: bytes | None = None) -> None:
        """Anna types a line with a picture, which goes as a file called cat.png, and perhaps a mask."""

    async def begun(self) -> None:
        """Wait until a request is shown as being on its way."""

    async def settled(self) -> None:
        """Wait until everything asked for has been answered."""

    async def press(self, action: Action, who: Who = Who.ANNA) -> None:
        """Somebody presses a button below the newest request."""

    async def repaint(self, cell: str) -> None:
        """Anna has one of the nine parts of the newest picture drawn anew, by the buttons for that."""

    async def redeliver(self, event: str) -> None:
        """The platform delivers the newest line once more."""

    async def stop(self, *, killed: bool = False) -> None:
        """The bot stops; `killed`, it can say nothing."""

    async def start(self) -> None:
        """The next process starts over the same data."""

    async def lose(self) -> None:
        """Until the bot starts again, nothing it hands over is acknowledged."""

    async def shut(self) -> None:
        """From now on nothing can be shown where Anna asked."""

    async def fetch(self) -> None:
        """Anna gets her pictures, as she is told to."""

    def words(self) -> str:
        """Everything that the face has said to Anna so far."""

    def overheard(self) -> str:
        """What of it Bob has read."""

    def pictures(self) -> list[bytes]:
        """Every finished picture that the face has shown so far, as files."""


async def used(face: Face, who: Who = Who.ANNA) -> tuple[int, int]:
    """Images used and reserved this month."""
    quota = await face.service.members.quota(face.asker(who))
    return quota.used, quota.reserved


async def files(face: Face) -> list[str | None]:
    """What the store keeps of Anna's pictures; None for one that is deleted."""
    member = await face.service.members.of(face.asker())
    records = await face.service.store.requests.history(member.key, 5)
    return [job.image for record in records for job in record.jobs]


def says(text: str, message: str | Message) -> bool:
    """Whether a text has this message in it, in whatever language."""
    return any(translator(language)(message) in text for language in LANGUAGES)
