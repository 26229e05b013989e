"""The seam between faces and the rest is whole: a platform of a few lines does what every face does."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from bot.commands.button_ids import Action
from bot.commands.table import COMMANDS, offered
from bot.config.schema import Config
from bot.faces import caller
from bot.faces.delivery import FAREWELL_S
from bot.imagine.asker import Asker
from bot.imagine.inputs import Brought
from bot.messages import LANGUAGES, translator
from tests.bot.faces.conformance import FaceConformance
from tests.bot.faces.driver import Who
from tests.bot.faces.toy import Chat, ToyFace
from tests.easel import FieldModel, config_in, easel
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.commands.command import Command


class People:
    """Anna, Bob and a moderator of the place where the toy platform lets them meet."""

    def __init__(self, config: Config, platform: str = "toy") -> None:
        self.config, self.model, self.chat, self.platform = config, FieldModel(), Chat(), platform
        self._running = contextlib.AsyncExitStack()

    async def start(self) -> None:
        self.chat.acknowledges = True
        self.service = await self._running.enter_async_context(easel(self.config, self.model))
        self.toy = ToyFace(self.service, self.chat, self.platform)
        await self.toy.delivery.recover()

    async def stop(self, *, killed: bool = False) -> None:
        await self.toy.delivery.close(0 if killed else FAREWELL_S)
        await self._running.aclose()

    def asker(self, who: Who = Who.ANNA) -> Asker:
        return Asker(self.platform, who.name)

    async def type(self, line: str, *, shared: bool = False, event: str = "", **where: Any) -> None:
        if shared:
            where |= {"server_id": "s1", "channel_id": "c1", "alone": False}
        self._typed = line, where
        await self.toy.type(Who.ANNA.name, line, event=event, **where)

    async def bring(self, line: str, picture: bytes, mask: bytes | None = None) -> None:
        await self.toy.type(Who.ANNA.name, line, brought=Brought(picture, mask))

    async def repaint(self, cell: str) -> None:
        await self.press(Action.AREA)
        part = next(id_ for id_ in reversed(self.chat.buttons) if id_.endswith(f".{cell}"))
        await self.toy.press(Who.ANNA.name, part)

    async def redeliver(self, event: str) -> None:
        line, where = self._typed
        await self.toy.type(Who.ANNA.name, line, event=event, **where)

    async def begun(self) -> None:
        await asyncio.wait_for(self.chat.spoken.wait(), PATIENCE_S)

    async def settled(self) -> None:
        await self.toy.delivery.settled()

    async def press(self, action: Action, who: Who = Who.ANNA) -> None:
        async def manages() -> bool:
            return who is Who.MODERATOR

        button = next(id_ for id_ in reversed(self.chat.buttons) if id_.startswith(f"{action}:"))
        await self.toy.press(who.name, button, server_id="s1", manages=manages)

    async def lose(self) -> None:
        self.chat.acknowledges = False

    async def shut(self) -> None:
        self.chat.closed_for_pictures = True

    async def fetch(self) -> None:
        self.chat.closed_for_pictures = False
        await self.type("/history")
        await self.press(Action.FETCH)

    def words(self) -> str:
        return "\n".join(self.chat.words)

    def overheard(self) -> str:
        return "\n".join(self.chat.overheard)

    def pictures(self) -> list[bytes]:
        return self.chat.pictures


@contextlib.asynccontextmanager
async def meeting(config: Config, platform: str = "toy") -> AsyncIterator[People]:
    """People on the toy platform, while the bot runs."""
    people = People(config, platform)
    await people.start()
    try:
        yield people
    finally:
        await people.stop(killed=True)


@pytest.fixture
async def face(tmp_path: Path, settings: dict[str, Any]) -> AsyncIterator[People]:
    async with meeting(config_in(tmp_path, **settings)) as people:
        yield people


class TestToy(FaceConformance):
    """The suite itself."""


WORDS = {
    "language": "zh-CN",
    "tier set": "12345 premium 2100-01-01 a gift",
    "grant": "12345 5 a gift",
    "ban": "12345 spam",
    "unban": "12345",
    "settings set": "preview off",
    "settings channel": "c2",
    "settings role": "patrons premium",
    "settings block": "mud",
}
"""What is typed behind the names of commands that take something."""


@pytest.mark.parametrize("command", offered(Config()), ids=lambda command: command.name)
async def test_every_command_is_served(tmp_path: Path, command: Command) -> None:
    """To whoever owns the machine, in a place of which they are the only reader."""
    async with meeting(config_in(tmp_path, http={"enabled": True}), "console") as face:
        await face.type("/imagine a cat")
        await face.settled()
        before, words = len(face.chat.words), WORDS.get(command.name, "")
        await face.type(f"/{command.name} {words}", server_id="s1", channel_id="c1")
        assert set(face.chat.refused) <= {translator("en")("error-unlink-only")}
        assert len(face.chat.words) > before


async def test_joining_is_served_where_there_is_a_code(tmp_path: Path) -> None:
    async with meeting(config_in(tmp_path, access={"mode": "code", "code": "OPEN-SESAME"})) as face:
        await face.type("/join OPEN-SESAME")
        assert face.chat.refused == []


OWNERS_OWN = [command for command in offered(Config()) if command.who is caller.Who.OWNER]


@pytest.mark.parametrize("command", OWNERS_OWN, ids=lambda command: command.name)
async def test_owners_commands_are_for_owners_alone(face: People, command: Command) -> None:
    await face.type(f"/{command.name} {WORDS.get(command.name, '')}")
    assert face.chat.refused == [translator("en")("error-owner")]


@pytest.mark.parametrize("command", ["plans", "gift", "join"])
async def test_a_command_that_this_bot_does_not_have_is_unknown(face: People, command: str) -> None:
    await face.type(f"/{command}")
    assert face.chat.refused == [translator("en")("error-command", command=f"/{command}")]


def test_every_command_has_its_description_in_every_language() -> None:
    ids = {command.message_id for command in COMMANDS} | {f"cmd-{command.group}" for command in COMMANDS}
    for language in LANGUAGES:
        t = translator(language)
        assert [id_ for id_ in ids if t(f"{id_}-about") == f"{id_}-about"] == []


def test_no_two_commands_have_one_name_in_any_language() -> None:
    for language in LANGUAGES:
        t = translator(language)
        groups = list(dict.fromkeys(command.group for command in COMMANDS))
        assert len({t(f"cmd-{group}") for group in groups}) == len(groups)
        for group in groups:
            names = [t(c.message_id) for c in COMMANDS if c.group == group and c.name != group]
            assert len(set(names)) == len(names)


async def test_a_failure_while_the_bot_leaves_is_told_by_the_next_one_and_once(face: People) -> None:
    face.model.fail = [RuntimeError("boom")] * 8
    face.model.gate.clear()
    await face.type("/imagine a cat")
    (live,) = face.service.requests.unfinished()
    await face.toy.delivery.close()
    face.model.gate.set()
    await live.outcome()
    failed = translator(live.language)("error-draw")
    assert failed not in face.chat.words
    for _ in range(2):
        await face.stop()
        await face.start()
        await face.settled()
    assert face.chat.words.count(failed) == 1
