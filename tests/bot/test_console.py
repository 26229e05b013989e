"""The terminal passes what every face passes, and hands out what a killed command left behind."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from bot.console import Terminal
from bot.request import ImagineOptions
from bot.service import Asker, Service
from tests.bot.conformance import FaceConformance
from tests.easel import FieldModel, config_in, easel
from tests.engine.studio import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Person:
    """Somebody at the terminal."""

    asker = Asker("console", "anna")

    def __init__(self, service: Service, model: FieldModel, folder: Path) -> None:
        self.service = service
        self.model = model
        self.folder = folder
        self._out = io.StringIO()
        console = Console(file=self._out, width=60)
        self.terminal = Terminal(service, console, user=self.asker.user_id, locale="en_US.UTF-8")

    async def type(self, line: str) -> None:
        await self.terminal.line(line, self.folder)

    async def settled(self) -> None:
        await self.terminal.settled()

    def below_the_prompt(self) -> str:
        session = self.terminal._prompt
        return str((session and session.bottom_toolbar) or "")

    def words(self) -> str:
        return self._out.getvalue()

    def pictures(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.folder.glob("*.png"))]


@pytest.fixture
async def face(tmp_path: Path) -> AsyncIterator[Person]:
    model = FieldModel()
    async with easel(config_in(tmp_path), model) as service:
        yield Person(service, model, tmp_path / "pictures")


class TestConsole(FaceConformance):
    async def test_an_unknown_command_is_told(self, face: Person) -> None:
        await face.type("/imagin a cat")
        assert "/help" in face.words()

    async def test_progress_stands_below_the_prompt_until_the_picture_is_there(self, face: Person) -> None:
        face.model.gate.clear()
        with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
            chat = asyncio.create_task(face.terminal.chat(face.folder))
            keys.send_text("a cat\n")
            await until(lambda: "step 0 of 8" in face.below_the_prompt())
            face.model.gate.allow(3)
            await until(lambda: "step 3 of 8" in face.below_the_prompt())
            face.model.gate.set()
            await until(lambda: bool(face.pictures()) and not face.below_the_prompt())
            keys.send_text("another\n\x04")
            await chat

    async def test_stats_are_for_whoever_owns_the_machine(self, face: Person) -> None:
        await face.type("/imagine a cat")
        await face.settled()
        await face.type("/stats today")
        assert "CN¥" in face.words()
        await face.type("/stats yesterday")
        assert "YYYY-MM" in face.words()


async def test_one_picture_with_a_bar_and_its_facts(tmp_path: Path) -> None:
    async with easel(config_in(tmp_path)) as service:
        person = Person(service, FieldModel(), tmp_path)
        assert await person.terminal.imagine(ImagineOptions("a cat", seed="7"), tmp_path / "cat.png")
    said = person.words()
    assert "8/8" in said
    for fact in ("cat.png", "128x128", "Seed", "GPU time", "Cost", "99 of 100 images"):
        assert fact in said
    assert (tmp_path / "cat.png").stat().st_size > 100


async def test_a_refusal_is_one_line_and_no_file(tmp_path: Path) -> None:
    async with easel(config_in(tmp_path)) as service:
        person = Person(service, FieldModel(), tmp_path)
        assert not await person.terminal.imagine(ImagineOptions("a cat", size="x"), tmp_path / "cat.png")
    assert not (tmp_path / "cat.png").exists()


async def test_what_a_killed_command_left_is_handed_out_by_the_next(tmp_path: Path) -> None:
    config, model = config_in(tmp_path), FieldModel()
    async with easel(config, model) as service:
        model.gate.clear()
        await Person(service, model, tmp_path / "first").type("/imagine a cat --seed 7")
        await service.engine.stop(0.0)  # as a kill would: nothing is told to the store
    async with easel(config) as service:
        person = Person(service, FieldModel(), tmp_path)
        assert await person.terminal.imagine(ImagineOptions("a dog"), tmp_path / "dog.png")
        assert len(list((tmp_path / "first").glob("*.png"))) == 1
        quota = await service.quota(Person.asker)
        assert (quota.used, quota.reserved) == (2, 0)
