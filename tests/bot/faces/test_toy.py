"""The seam between faces and the rest is whole: a platform of a few lines does what every face does."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from bot.commands.table import COMMANDS
from bot.faces.caller import Who
from bot.imagine.service import Asker
from bot.messages import LANGUAGES, translator
from tests.bot.faces.conformance import FaceConformance
from tests.bot.faces.toy import Chat, ToyFace
from tests.easel import FieldModel, config_in, easel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.imagine.service import Service

ANNA = "anna"


@dataclass
class Person:
    """Anna, who uses the toy platform."""

    toy: ToyFace
    model: FieldModel
    service: Service
    asker: Asker = field(default_factory=lambda: Asker("toy", ANNA))

    async def type(self, line: str) -> None:
        await self.toy.type(ANNA, line)

    async def settled(self) -> None:
        await self.toy.delivery.settled()

    def words(self) -> str:
        return "\n".join(self.toy.chat.words)

    def pictures(self) -> list[bytes]:
        return self.toy.chat.pictures


@pytest.fixture
async def person(tmp_path: Path) -> AsyncIterator[Person]:
    model = FieldModel()
    async with easel(config_in(tmp_path), model) as service:
        toy = ToyFace(service, Chat())
        yield Person(toy, model, service)
        await toy.delivery.close()


class TestToy(FaceConformance):
    @pytest.fixture
    def face(self, person: Person) -> Person:
        return person


WORDS = {
    "language": "en",
    "settings set": "preview off",
    "settings channel": "c1",
    "settings block": "mud",
    "link": "",
}


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.who < Who.OWNER], ids=lambda c: c.name)
async def test_every_command_is_answered_in_a_private_chat(person: Person, command: object) -> None:
    name = command.name  # type: ignore[attr-defined]
    await person.type(f"/{name} {WORDS.get(name, '')}")
    assert person.words()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.who is Who.OWNER], ids=lambda c: c.name)
async def test_owners_commands_are_for_owners_alone(person: Person, command: object) -> None:
    await person.type(f"/{command.name} 12 free")  # type: ignore[attr-defined]
    assert "owner" in person.words()


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


async def test_the_same_event_again_is_the_same_request(person: Person) -> None:
    for _ in range(2):
        await person.toy.type(ANNA, "/imagine a cat", event="e1")
        await person.settled()
    assert len(person.pictures()) == 1
    assert (await person.service.quota(person.asker)).used == 1


async def test_pictures_for_a_chat_that_is_gone_wait_in_the_history_uncharged(person: Person) -> None:
    person.model.gate.clear()
    await person.type("/imagine a cat")
    person.toy.chat.closed_for_pictures = True
    person.model.gate.set()
    await person.settled()
    assert (await person.service.quota(person.asker)).used == 0
    person.toy.chat.closed_for_pictures = False
    await person.type("/history")
    (fetch,) = [id_ for id_ in person.toy.chat.buttons if id_.startswith("fetch:")]
    await person.toy.press(ANNA, fetch)
    await person.settled()
    assert len(person.pictures()) == 1
    assert (await person.service.quota(person.asker)).used == 1


async def test_the_cancel_button_is_for_whoever_asked(person: Person) -> None:
    person.model.gate.clear()
    await person.type("/imagine a cat")
    (live,) = person.service.requests()
    await person.toy.press("bob", f"cancel:{live.request_id}")
    assert not live.finished
    await person.toy.press(ANNA, f"cancel:{live.request_id}")
    person.model.gate.set()
    await person.settled()
    assert person.pictures() == []
    assert (await person.service.quota(person.asker)).used == 0


async def test_a_restart_is_told_and_goes_on_with_the_request(tmp_path: Path) -> None:
    model, chat = FieldModel(), Chat()
    model.gate.clear()
    async with easel(config_in(tmp_path), model) as service:
        toy = ToyFace(service, chat)
        await toy.type(ANNA, "/imagine a cat")
        (live,) = service.requests()
        await asyncio.wait_for(chat.spoken.wait(), 10)
        await toy.delivery.close()
        assert translator(live.language)("error-draining-kept") in chat.words
    async with easel(config_in(tmp_path), FieldModel()) as service:
        toy = ToyFace(service, chat)
        await toy.delivery.recover()
        await toy.delivery.settled()
        assert len(chat.pictures) == 1
        assert (await service.quota(Asker("toy", ANNA))).used == 1


async def test_a_failure_while_the_bot_leaves_is_told_by_the_next_one_and_once(tmp_path: Path) -> None:
    model, chat = FieldModel(fail=[RuntimeError("boom")] * 8), Chat()
    model.gate.clear()
    async with easel(config_in(tmp_path), model) as service:
        toy = ToyFace(service, chat)
        await toy.type(ANNA, "/imagine a cat")
        (live,) = service.requests()
        await toy.delivery.close()
        model.gate.set()
        await live.outcome()
    failed = translator(live.language)("error-draw")
    assert failed not in chat.words
    for _ in range(2):
        async with easel(config_in(tmp_path), FieldModel()) as service:
            toy = ToyFace(service, chat)
            await toy.delivery.recover()
            await toy.delivery.settled()
    assert chat.words.count(failed) == 1
