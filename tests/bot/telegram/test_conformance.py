"""Telegram keeps every promise that a face makes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from bot.commands.button_ids import Action
from bot.imagine import region
from bot.imagine.asker import Asker
from bot.telegram import keyboards
from tests.bot.faces.conformance import FaceConformance
from tests.bot.faces.driver import Can, Who
from tests.bot.telegram.conftest import ANNA, BOB, GROUP, Stage, config_for
from tests.bot.telegram.standin import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.config.schema import Config
    from bot.imagine.service import Service
    from tests.bot.telegram.conftest import Bot
    from tests.bot.telegram.standin import Shown, StandIn
    from tests.easel import FieldModel

pytestmark = pytest.mark.e2e

ACCOUNTS = {Who.ANNA: ANNA, Who.BOB: BOB, Who.MODERATOR: 13}


class People:
    """Anna in her private chat, and all of them in a group. Their files are the lossless ones."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._telegram = stage, stage.telegram
        self.model: FieldModel = stage.model
        self._running = contextlib.AsyncExitStack()
        self._looked_at: set[str] = set()
        self._update: dict[str, Any] = {}
        self._telegram.admins.add((GROUP, ACCOUNTS[Who.MODERATOR]))

    @property
    def service(self) -> Service:
        return self._bot.service

    def asker(self, who: Who = Who.ANNA) -> Asker:
        return Asker("telegram", str(ACCOUNTS[who]))

    async def start(self) -> None:
        self._telegram.faults.clear()
        self._bot: Bot = await self._running.enter_async_context(self._stage.bot())

    async def stop(self, *, killed: bool = False) -> None:
        await self._running.aclose()

    async def type(self, line: str, *, shared: bool = False, event: str = "") -> None:
        self._update = await self._telegram.say(ANNA, line, chat=GROUP if shared else None)
        await self._bot.taken()

    async def bring(self, line: str, picture: bytes, mask: bytes | None = None) -> None:
        self._update = await self._telegram.send(ANNA, picture, line, as_file="image/png")
        await self._bot.taken()

    async def redeliver(self, event: str) -> None:
        self._telegram.redeliver(self._update)

    async def begun(self) -> None:
        await self._telegram.until(lambda: any("cancel" in shown.buttons for shown in self._shown()))

    async def settled(self) -> None:
        await self._bot.settled()
        for shown in self._shown():
            files = {button["callback_data"] for row in shown.keyboard for button in row}
            for data in sorted(data for data in files - self._looked_at if data.startswith("single:")):
                await self._telegram.press(ANNA, shown, data)
                self._looked_at.add(data)
        await self._bot.settled()

    async def press(self, action: Action, who: Who = Who.ANNA) -> None:
        if not any(action in shown.buttons for shown in self._shown()):
            await self._press(keyboards.MORE, who)
            await self._telegram.until(lambda: any(action in shown.buttons for shown in self._shown()))
        await self._press(action, who)

    async def _press(self, action: str, who: Who) -> None:
        shown = next(shown for shown in reversed(self._shown()) if action in shown.buttons)
        await self._telegram.press(ACCOUNTS[who], shown, f"{action}:")
        await self._bot.taken()

    async def repaint(self, cell: str) -> None:
        await self.press(Action.AREA)
        cells = [Action.AREA] * len(region.CELLS)
        await self._telegram.until(lambda: any(shown.buttons == cells for shown in self._shown()))
        shown = next(shown for shown in reversed(self._shown()) if shown.buttons == cells)
        await self._telegram.press(ANNA, shown, f"{shown.data('area:').rpartition('.')[0]}.{cell}")
        await self._bot.taken()

    async def lose(self) -> None:
        self._refuse_results(Fault(429, "Too Many Requests", {"retry_after": 60}, only="again:"))

    async def shut(self) -> None:
        self._refuse_results(Fault(403, "Forbidden: bot was kicked from the group chat", only="again:"))

    def _refuse_results(self, fault: Fault) -> None:
        """What shows progress has no button to draw again, and passes."""
        for method in ("editMessageMedia", "sendPhoto"):
            self._telegram.fail(method, *[fault] * 9)

    async def fetch(self) -> None:
        self._telegram.faults.clear()
        await self.type("/history")
        await self._bot.settled()
        await self._telegram.press(ANNA, self._telegram.messages(ANNA)[-1], "fetch:")

    def words(self) -> str:
        return "\n".join([*(shown.plain for shown in self._shown()), *self._telegram.alerts])

    def overheard(self) -> str:
        return "\n".join(shown.plain for shown in self._telegram.messages(GROUP))

    def pictures(self) -> list[bytes]:
        return [shown.document for shown in self._shown() if shown.document]

    def _shown(self) -> list[Shown]:
        return [*self._telegram.messages(GROUP), *self._telegram.messages(ANNA)]


class TestTelegram(FaceConformance):
    CANNOT: ClassVar = {
        Can.MASK: "no: a message has one picture; `--area` and *Area* choose a part",
        Can.WHISPER: "no: a group has no message for one reader",
    }

    @pytest.fixture
    def config(self, tmp_path: Path, telegram: StandIn, settings: dict[str, Any]) -> Config:
        return config_for(tmp_path, telegram.url, **settings)

    @pytest.fixture
    async def face(self, stage: Stage) -> AsyncIterator[People]:
        people = People(stage)
        await people.start()
        yield people
        await people.stop()
