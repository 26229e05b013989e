"""The terminal passes what every face passes, and hands out what a killed command left behind."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from PIL import Image
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from prompt_toolkit.output.vt100 import Vt100_Output
from rich.console import Console

from bot.cli.files import brought
from bot.cli.terminal import Terminal
from bot.imagine.asker import Asker
from bot.imagine.capabilities import Workflow
from bot.imagine.options import Options
from bot.imagine.request import ImageRequest
from tests.bot.faces.conformance import FaceConformance
from tests.bot.faces.driver import Can, Who
from tests.easel import FieldModel, config_in, easel
from tests.engine.studio import until
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.config.schema import Config
    from bot.imagine.service import Service

pytestmark = pytest.mark.e2e


ANNA = Asker("console", "anna")
CURSOR_IS_AT_THE_TOP = "\x1b[1;1R"
"""What a terminal answers when it is asked where the cursor is."""


class Tty(io.StringIO):
    """A terminal's screen."""

    def isatty(self) -> bool:
        return True


class Person:
    """Somebody at the terminal."""

    def __init__(
        self, service: Service, model: FieldModel, folder: Path, out: io.StringIO | None = None
    ) -> None:
        self.service = service
        self.model = model
        self.folder = folder
        self._out = out or io.StringIO()
        console = Console(file=self._out, width=500)  # however long the path, its sentence is one line
        self.terminal = Terminal(service, console, user=ANNA.user_id, locale="en_US.UTF-8")

    def asker(self, who: Who = Who.ANNA) -> Asker:
        return ANNA

    async def type(self, line: str, *, shared: bool = False, event: str = "") -> None:
        await self.terminal.line(line, self.folder)

    async def bring(self, line: str, picture: bytes, mask: bytes | None = None) -> None:
        for name, content in (("image", picture), ("mask", mask)):
            if content is not None:
                file = self.folder.parent / f"{name}.png"
                file.write_bytes(content)
                line += f" --{name} {file}"
        await self.type(line)

    async def begun(self) -> None:
        await until(lambda: self.terminal.status_lines)

    async def settled(self) -> None:
        await self.terminal.settled()

    async def lose(self) -> None:
        """Whoever leaves waits for no picture."""
        await self.terminal.leave()

    def words(self) -> str:
        return self._out.getvalue()

    def pictures(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.folder.glob("*.png"))]


class Sitting(Person):
    """The same over several processes."""

    def __init__(self, config: Config, folder: Path) -> None:
        self._config, self._running = config, contextlib.AsyncExitStack()
        self._model, self._screen, self._folder = FieldModel(), io.StringIO(), folder

    async def start(self) -> None:
        service = await self._running.enter_async_context(easel(self._config, self._model))
        super().__init__(service, self._model, self._folder, self._screen)
        await self.terminal.lines(io.StringIO(), self._folder)  # hands out what is left

    async def stop(self, *, killed: bool = False) -> None:
        if not killed:
            await self.terminal.leave()
        await self._running.aclose()


async def balance(service: Service) -> tuple[int, int]:
    """What is used and reserved of the month."""
    quota = await service.members.quota(ANNA)
    return quota.used, quota.reserved


async def untouched(service: Service) -> bool:
    """Whether nothing was ever accepted."""
    member = await service.members.of(ANNA)
    return not await service.store.requests.history(member.key, 1) and await balance(service) == (0, 0)


@pytest.fixture
async def face(tmp_path: Path, settings: dict[str, Any]) -> AsyncIterator[Sitting]:
    sitting = Sitting(config_in(tmp_path, **settings), tmp_path / "pictures")
    await sitting.start()
    yield sitting
    await sitting.stop(killed=True)


class TestTerminal(FaceConformance):
    KEPT = "chat-bye-open"
    CANNOT: ClassVar = {
        Can.REDELIVER: "no: a line is typed once",
        Can.FETCH: "no: what could not be written is not charged, and its seed draws it again",
        Can.PRESS: "no buttons: `/cancel` cancels",
        Can.PRIVATE: "nobody else is there",
        Can.WHISPER: "nobody else is there",
        Can.COST: "no: whoever sits there owns the bot",
    }

    async def test_an_unknown_command_is_told(self, face: Person) -> None:
        await face.type("/imagin a cat")
        assert "/help" in face.words()

    async def test_progress_stands_below_the_prompt_until_the_picture_is_there(self, face: Person) -> None:
        face.model.gate.clear()
        terminal, screen = face.terminal, Tty()
        output = Vt100_Output(screen, lambda: Size(rows=20, columns=100))
        with create_pipe_input() as keys, create_app_session(input=keys, output=output):
            chat = asyncio.create_task(terminal.chat(face.folder))
            keys.send_text("a cat\n")
            await until(lambda: "step 0 of 8" in terminal.status_lines)
            keys.send_text(CURSOR_IS_AT_THE_TOP)
            await until(lambda: "step 0 of 8" in screen.getvalue())
            face.model.gate.allow(3)
            await until(lambda: "step 3 of 8" in terminal.status_lines)
            face.model.gate.set()
            await until(lambda: bool(face.pictures()) and not terminal.status_lines)
            keys.send_text("another\n\x04")
            await chat

    @pytest.mark.parametrize("word", ["exit", "QUIT", "/exit", "/Quit", "退出"])
    async def test_a_word_ends_the_chat_and_draws_nothing(self, face: Person, word: str) -> None:
        with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
            keys.send_text(f" {word} \n")
            async with asyncio.timeout(PATIENCE_S):
                await face.terminal.chat(face.folder)
        assert face.words().rstrip().endswith("Bye.")
        assert face.model.drawn == []
        assert await untouched(face.service)

    @pytest.mark.parametrize("word", ["help", "HELP", "?", "帮助"])
    async def test_a_bare_word_for_help_is_no_prompt(self, face: Person, word: str) -> None:
        await face.type(word)
        assert "--size" in face.words()
        assert await untouched(face.service)

    async def test_the_lines_of_a_file_are_drawn_one_after_another(self, face: Person) -> None:
        source = io.StringIO("\ufeffa red cat\n\n/imagine a dog --size 96x96\nhelp\n退出\na boat\n")
        await face.terminal.lines(source, face.folder)
        assert len(face.pictures()) == 2
        assert await balance(face.service) == (2, 0)

    async def test_a_chat_into_a_file_is_refused_line_by_line(self, face: Person) -> None:
        face.folder.write_text("a file")
        await face.type("a cat")
        assert "not a folder" in face.words()
        assert await untouched(face.service)

    async def test_a_folder_that_goes_while_it_draws_costs_nothing(self, face: Person) -> None:
        face.model.gate.clear()
        await face.type("a cat --seed 7")
        face.folder.write_text("a file")
        face.model.gate.set()
        await face.settled()
        assert "is not charged, and --seed 7 draws it again." in face.words()
        assert await balance(face.service) == (0, 0)

    async def test_stats_are_for_whoever_owns_the_machine(self, face: Person) -> None:
        await face.type("/imagine a cat")
        await face.settled()
        await face.type("/stats today")
        assert "CN¥" in face.words()
        await face.type("/stats yesterday")
        assert "YYYY-MM" in face.words()

    async def test_the_chart_of_the_costs_is_a_file_and_its_name_is_told(self, face: Person) -> None:
        await face.type("/stats cost today")
        chart = face.folder / "stats-cost-today.png"
        assert Image.open(io.BytesIO(chart.read_bytes())).format == "PNG"
        assert str(chart) in face.words()
        chart.unlink()
        chart.mkdir()
        await face.type("/stats cost today")
        assert "could not be written (Is a directory)" in face.words()

    async def test_the_language_that_a_member_chose_is_spoken(self, face: Person) -> None:
        await face.type("/language zh-CN")
        await face.type("a cat --seed seven")
        await face.type("a cat")
        await face.settled()
        assert "种子" in face.words()


async def test_one_picture_with_a_bar_and_its_facts(tmp_path: Path) -> None:
    async with easel(config_in(tmp_path)) as service:
        person = Person(service, FieldModel(), tmp_path)
        assert await person.terminal.imagine(Options("a cat", seed="7"), tmp_path / "cat.png")
    said = person.words()
    assert "8/8" in said
    for fact in ("cat.png", "128x128", "Seed", "GPU time", "Cost", "99 of 100 images"):
        assert fact in said
    assert (tmp_path / "cat.png").stat().st_size > 100


async def test_a_refusal_is_one_line_and_no_file(tmp_path: Path) -> None:
    async with easel(config_in(tmp_path)) as service:
        person = Person(service, FieldModel(), tmp_path)
        assert not await person.terminal.imagine(Options("a cat", size="x"), tmp_path / "cat.png")
    assert not (tmp_path / "cat.png").exists()


async def test_what_a_killed_command_left_is_handed_out_by_the_next(tmp_path: Path) -> None:
    config, model = config_in(tmp_path), FieldModel()
    async with easel(config, model) as service:
        model.gate.clear()
        await Person(service, model, tmp_path / "first").type("/imagine a cat --seed 7")
        await service.models.default.backend.stop(0.0)  # as a kill would: nothing is told to the store
    async with easel(config) as service:
        person = Person(service, FieldModel(), tmp_path)
        assert await person.terminal.imagine(Options("a dog"), tmp_path / "dog.png")
        assert len(list((tmp_path / "first").glob("*.png"))) == 1
        quota = await service.members.quota(ANNA)
        assert (quota.used, quota.reserved) == (2, 0)


async def test_what_was_left_is_told_before_it_is_drawn(tmp_path: Path) -> None:
    config, model = config_in(tmp_path), FieldModel()
    async with easel(config, model) as service:
        model.gate.clear()
        await Person(service, model, tmp_path).type("/imagine a cat --steps 1")
        await service.models.default.backend.stop(0.0)
    model = FieldModel()
    async with easel(config, model, begin=False) as service:
        person = Person(service, model, tmp_path)
        for _ in range(50):
            await asyncio.sleep(0)
        assert (model.drawn, len(service.requests.unfinished())) == ([], 1)
        await person.terminal.lines(io.StringIO(""), tmp_path)
        assert "Unfinished from last time" in person.words()
        assert len(model.drawn) == 1


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("folder", "is a folder. Name a file"),
        ("file.png/cat.png", "not a folder"),
        ("file.png/deep/down/cat.png", "not a folder"),
        ("cat.jpg", "so the name must end in .png, not “.jpg”"),
    ],
)
async def test_what_cannot_be_a_picture_is_refused_before_anything_is_accepted(
    out: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.png").write_text("a file")
    async with easel(config_in(tmp_path)) as service:
        person = Person(service, FieldModel(), tmp_path)
        assert not await person.terminal.imagine(Options("a cat"), tmp_path / out)
        assert said in person.words()
        assert await untouched(service)


async def test_a_place_one_may_not_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system is asked, and told here what to say: root may write anywhere."""
    locked, kept = tmp_path / "locked", tmp_path / "kept.png"
    locked.mkdir()
    kept.touch()
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: str(path) not in (str(locked), str(kept)) and access(path, mode)
    )
    async with easel(config_in(tmp_path)) as service:
        for out in (locked / "cat.png", kept):
            person = Person(service, FieldModel(), tmp_path)
            assert not await person.terminal.imagine(Options("a cat"), out)
            assert "not allowed to write" in person.words()
        assert await untouched(service)


@pytest.mark.parametrize("name", ["cat", "cat.PNG", "deep/down/cat.png"])
async def test_a_name_is_taken_as_it_is(name: str, tmp_path: Path) -> None:
    async with easel(config_in(tmp_path)) as service:
        person = Person(service, FieldModel(), tmp_path)
        assert await person.terminal.imagine(Options("a cat"), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


async def test_what_could_not_be_written_is_not_charged_and_not_tried_again(tmp_path: Path) -> None:
    """The second of three: the first is there and counts, the others are given up."""
    (tmp_path / "cat-2.png").mkdir()
    async with easel(config_in(tmp_path)) as service:
        person = Person(service, FieldModel(), tmp_path)
        options = Options("a cat", seed="7", images="3")
        assert not await person.terminal.imagine(options, tmp_path / "cat.png")
        assert "cat-2.png could not be written (Is a directory)" in person.words()
        assert "--seed 8 draws it again" in person.words()
        assert (tmp_path / "cat.png").is_file()
        assert await balance(service) == (1, 0)
        assert service.requests.unfinished() == []
    async with easel(config_in(tmp_path)) as service:
        assert await service.requests.undelivered("console") == []


class Deadly(io.StringIO):
    """The process ends in the moment that a failure is told."""

    def write(self, text: str) -> int:
        if "could not be written" in text:
            raise asyncio.CancelledError
        return super().write(text)


async def test_killed_while_it_gives_up_each_picture_keeps_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "cat-2.png").mkdir()
    async with easel(config_in(tmp_path)) as service:
        terminal = Person(service, FieldModel(), tmp_path, Deadly()).terminal
        options = Options("a cat", seed="7", images="3")
        with pytest.raises(asyncio.CancelledError):
            await terminal.imagine(options, tmp_path / "cat.png")
        assert await balance(service) == (0, 1)
    first = (tmp_path / "cat.png").read_bytes()
    async with easel(config_in(tmp_path)) as service:
        person = Person(service, FieldModel(), tmp_path)
        assert await person.terminal.imagine(Options("a dog"), tmp_path / "dog.png")
        assert await balance(service) == (2, 0)
    assert (tmp_path / "cat.png").read_bytes() == first


async def poison(folder: Path) -> None:
    """What an earlier Easel left: a picture drawn for a place where none can be written."""
    async with easel(config_in(folder)) as service:
        live = await service.imagine(ANNA, Options("a cat"), key="old", address={"out": str(folder)})
        await live.outcome()


async def test_the_next_command_heals_what_cannot_be_handed_out(tmp_path: Path) -> None:
    await poison(tmp_path)
    async with easel(config_in(tmp_path)) as service:
        person = Person(service, FieldModel(), tmp_path)
        assert await person.terminal.imagine(Options("a dog"), tmp_path / "dog.png")
        assert "Unfinished from last time: “a cat”" in person.words()
        assert "could not be written" in person.words()
        assert await balance(service) == (1, 0)
    async with easel(config_in(tmp_path)) as service:
        assert await service.requests.undelivered("console") == []


async def test_the_next_chat_heals_it_too(tmp_path: Path) -> None:
    await poison(tmp_path)
    async with easel(config_in(tmp_path)) as service:
        person = Person(service, FieldModel(), tmp_path / "pictures")
        broken: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
        with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
            chat = asyncio.create_task(person.terminal.chat(person.folder))
            await until(lambda: "could not be written" in person.words())
            await person.terminal.settled()
            keys.send_text("\x04")
            await chat
        assert broken == []
        assert await balance(service) == (0, 0)


async def test_a_choice_is_made_by_its_number(tmp_path: Path) -> None:
    tiers = {"free": {"images_a_month": 0, "slow_images_a_month": 5, "billing": "none"}}
    model = FieldModel()
    async with easel(config_in(tmp_path, tiers=tiers), model) as service:
        anna = Person(service, model, tmp_path)
        await anna.type("a cat")
        assert "Type 1 for: Go on slowly" in anna.words()
        assert "Type 2 for: Wait for next month" in anna.words()
        await anna.type("1")
        assert "slowly, when nobody else waits; 5 left" in anna.words()
        await anna.type("/language")
        await anna.type("english")  # the words do as well
        assert "English" in anna.words().splitlines()[-1]
        await anna.type("a cat")
        await anna.settled()
        await anna.type("1")  # nothing is asked, so it is a prompt
        await anna.settled()
        assert len(anna.pictures()) == 2
        await anna.terminal.leave()


def saved(path: Path, size: tuple[int, int] = (192, 128), color: str = "orange") -> Path:
    Image.new("RGB", size, color).save(path, "PNG")
    return path


async def latest(service: Service) -> ImageRequest:
    [record] = await service.store.requests.history((await service.members.of(ANNA)).key, 1)
    return ImageRequest.from_json(record.payload)


async def test_a_picture_is_drawn_from_a_file(tmp_path: Path) -> None:
    model = FieldModel()
    async with easel(config_in(tmp_path), model) as service:
        anna = Person(service, model, tmp_path)
        files = brought(saved(tmp_path / "cat.jpg"), saved(tmp_path / "mask.jpg", color="white"))
        assert await anna.terminal.imagine(Options("a dog"), tmp_path / "dog.png", files)
        assert (await latest(service)).workflow is Workflow.INPAINT
        assert await balance(service) == (1, 0)


@pytest.mark.parametrize("written", ['"{}"', "'{}'", "{escaped}"])
async def test_a_line_of_the_chat_names_a_file(tmp_path: Path, written: str) -> None:
    model, file = FieldModel(), saved(tmp_path / "my cat.jpg")
    async with easel(config_in(tmp_path), model) as service:
        anna = Person(service, model, tmp_path / "pictures")
        named = written.format(file, escaped=str(file).replace(" ", "\\ "))
        await anna.type(f"a watercolour --image {named} of this --strength 0.4")
        await anna.settled()
        request = await latest(service)
        assert (request.prompt, request.workflow) == ("a watercolour of this", Workflow.VARY)
        assert len(anna.pictures()) == 1
        await anna.terminal.leave()


async def test_a_file_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    model, letter = FieldModel(), tmp_path / "letter.png"
    letter.write_text("Dear Anna,")
    async with easel(config_in(tmp_path), model) as service:
        anna = Person(service, model, tmp_path / "pictures")
        for file, told in (
            (tmp_path / "none.png", "cannot be read (No such file or directory)"),
            (tmp_path, "cannot be read (Is a directory)"),
            (letter, "That file is not a picture."),
            (saved(tmp_path / "small.png", (1, 1)), "is 1x1 pixels"),
        ):
            await anna.type(f"a dog --image {file}")
            assert told in anna.words()
        await anna.type(f"a dog --mask {letter}")
        assert "mask says what to do with a picture" in anna.words()
        assert await untouched(service)
        await anna.terminal.leave()
