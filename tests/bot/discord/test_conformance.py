"""The conformance suite of all faces, with a person in a Discord channel as its driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bot.imagine.parse import parse_imagine
from tests.bot.discord.conftest import answer as answer_of
from tests.bot.discord.conftest import labels, words
from tests.bot.faces.conformance import FaceConformance

if TYPE_CHECKING:
    from bot.imagine.service import Asker, Service
    from tests.bot.discord.conftest import World
    from tests.easel import FieldModel


class Member:
    """Types what would be typed elsewhere into slash commands, and reads what comes back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.service: Service = world.service
        self.model: FieldModel = world.model
        self.asker: Asker = world.asker()
        self._answers: list[Any] = []
        self._files: list[bytes] = []

    async def type(self, line: str) -> None:
        command, _, rest = line.removeprefix("/").partition(" ")
        options: dict[str, Any] = {}
        if command == "imagine":
            asked = parse_imagine(rest)
            options = {"prompt": asked.prompt, "seed": asked.seed, "size": asked.size, "style": asked.style}
            options |= {"quality": "final" if asked.steps else asked.quality}
            options |= {"images": int(asked.images) if asked.images else None}
            options = {name: value for name, value in options.items() if value is not None}
        self._answers.append(await self._world.anna.slash(self._world.channel, command, **options))

    async def settled(self) -> None:
        await self._world.settled()
        for answer in list(self._answers):
            message = answer.response
            if message and message.attachments and not answer.followups:
                await self._take(message)

    async def _take(self, message: Any) -> None:
        self._files.clear()
        singles = [label for label in labels(message) if label.isdigit()]
        for label in singles:
            shown = await self._world.anna.click(message, label=label)
            self._files.append(self._world.file(shown.response))
        if not singles:
            self._files.append(self._world.file(message))

    def words(self) -> str:
        return "\n".join(words(answer_of(asked)) for asked in self._answers)

    def pictures(self) -> list[bytes]:
        return self._files


class TestDiscord(FaceConformance):
    HELP = ("/imagine", "options", "/quota", "/cancel", "/history")

    @pytest.fixture
    def face(self, world: World) -> Member:
        return Member(world)
