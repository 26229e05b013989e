"""The conformance suite of all faces, with people in a Discord channel as its driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
import pytest

from bot.commands.button_ids import Action
from bot.imagine.options import BY_NAME
from bot.imagine.parse import parse_imagine
from bot.messages import translator
from tests.bot.discord.conftest import QUARTER_S, labels, words
from tests.bot.faces.conformance import FaceConformance
from tests.bot.faces.driver import Who
from tests.easel import config_in

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.schema import Config
    from bot.imagine.asker import Asker
    from bot.imagine.service import Service
    from tests.bot.discord.conftest import World
    from tests.easel import FieldModel

pytestmark = pytest.mark.e2e


class People:
    """Type what would be typed elsewhere into slash commands, and read what comes back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.model: FieldModel = world.model
        role = world.guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
        moderator = world.guild.add_member(world.env.create_user("mod"), roles=[role])
        self._people = {Who.ANNA: world.anna, Who.BOB: world.bob, Who.MODERATOR: moderator}
        self._answers: list[Any] = []
        self._files: list[bytes] = []

    @property
    def service(self) -> Service:
        return self._world.service

    def asker(self, who: Who = Who.ANNA) -> Asker:
        return self._world.asker(self._people[who])

    async def bring(self, line: str, picture: bytes, mask: bytes | None = None) -> None:
        asked = parse_imagine(line.partition(" ")[2])
        names = ("strength", "area", "expand", "control", "control_strength", "lora", "model")
        options = {BY_NAME[name].shown: getattr(asked, name) for name in names}
        said: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        if mask is not None:
            said["mask"] = ("mask.png", mask)
        result = await self._world.begin(asked.prompt, picture=("cat.png", picture), **said)
        self._answers.append(result)

    async def type(self, line: str, *, shared: bool = False, event: str = "") -> None:
        command, _, rest = line.removeprefix("/").partition(" ")
        options: dict[str, Any] = {}
        if command == "imagine":
            asked = parse_imagine(rest)
            options = {"prompt": asked.prompt, "seed": asked.seed, "size": asked.size, "style": asked.style}
            options |= {"lora": asked.lora}
            options |= {"quality": "final" if asked.steps else asked.quality}
            options |= {"images": int(asked.images) if asked.images else None}
            options |= {"private": True if asked.private else None, "model": asked.model}
            options = {name: value for name, value in options.items() if value is not None}
        self._answers.append(await self._world.anna.slash(self._world.channel, command, **options))

    async def redeliver(self, event: str) -> None:
        await self._world.redeliver()

    async def begun(self) -> None:
        assert labels(self._answers[-1].response) == ["Cancel"]

    async def press(self, action: Action, who: Who = Who.ANNA) -> None:
        label = translator("en")(f"button-{action}")
        message = next(a.response for a in reversed(self._answers) if label in labels(a.response))
        self._answers.append(await self._people[who].click(message, label=label))

    async def repaint(self, cell: str) -> None:
        await self.press(Action.AREA)
        asked = await self._world.anna.click(self._answers.pop().response, label=cell)
        self._answers.append(await self._world.anna.submit_modal(asked, {"prompt": "a blue cat"}))

    async def stop(self, *, killed: bool = False) -> None:
        await self._world.stop(killed=killed)

    async def start(self) -> None:
        self._world.env.backend.faults.clear()
        await self._world.start()

    async def lose(self) -> None:
        self._world.env.inject_error("*", "/webhooks/*", status=503, times=None)

    async def shut(self) -> None:
        """The interaction's token is over, and the bot may not post here."""
        await self._world.env.advance_time(QUARTER_S)
        self._world.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=2)

    async def fetch(self) -> None:
        shown = (await self._world.anna.slash(self._world.channel, "history")).response
        self._answers.append(await self._world.click(shown, "1 · Get it"))

    async def settled(self) -> None:
        await self._world.settled()
        self._files.clear()
        for answer in list(self._answers):
            if answer.response and answer.response.attachments and not answer.followups:
                await self._look(answer.response)

    async def _look(self, message: Any) -> None:
        singles = [label for label in labels(message) if label.isdigit()]
        for label in singles:
            shown = await self._world.anna.click(message, label=label)
            self._files.append(self._world.file(shown.response))
        if not singles:
            self._files.append(self._world.file(message))

    def words(self) -> str:
        said = [m for answer in self._answers for m in (answer.response, *answer.followups) if m]
        return "\n".join(words(message) for message in said)

    def overheard(self) -> str:
        return "\n".join(words(m) for m in self._world.channel.history(viewer=self._world.bob))

    def pictures(self) -> list[bytes]:
        return self._files


class TestDiscord(FaceConformance):
    HELP = ("/imagine", "options", "/quota", "/cancel", "/history")

    @pytest.fixture
    def config(self, tmp_path: Path, settings: dict[str, Any]) -> Config:
        return config_in(tmp_path, http={"enabled": True}, **settings)

    @pytest.fixture
    def face(self, world: World) -> People:
        return People(world)
