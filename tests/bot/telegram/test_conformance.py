"""Telegram keeps every promise that a face makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from bot.imagine.service import Asker
from tests.bot.faces.conformance import FaceConformance
from tests.bot.telegram.conftest import ANNA

if TYPE_CHECKING:
    from bot.imagine.service import Service
    from tests.bot.telegram.conftest import Bot, Stage
    from tests.easel import FieldModel


@dataclass
class Person:
    """Anna in her private chat. The files she looks at are the lossless ones behind the buttons."""

    bot: Bot
    model: FieldModel
    service: Service
    asker: Asker = field(default_factory=lambda: Asker("telegram", str(ANNA)))

    async def type(self, line: str) -> None:
        await self.bot.telegram.say(ANNA, line)
        await self.bot.telegram.until(lambda: not self.bot.waiting)
        await self.bot.client.face.tasks.settled()

    async def settled(self) -> None:
        await self.bot.settled()
        for shown in self.bot.telegram.messages(ANNA):
            files = {button["callback_data"] for row in shown.keyboard for button in row}
            for data in sorted(data for data in files if data.startswith("single:")):
                await self.bot.telegram.press(ANNA, shown, data)
        await self.bot.settled()

    def words(self) -> str:
        return "\n".join(shown.plain for shown in self.bot.telegram.messages(ANNA))

    def pictures(self) -> list[bytes]:
        return [shown.document for shown in self.bot.telegram.messages(ANNA) if shown.document]


class TestTelegram(FaceConformance):
    @pytest.fixture
    def face(self, bot: Bot, stage: Stage) -> Person:
        return Person(bot, stage.model, bot.service)
