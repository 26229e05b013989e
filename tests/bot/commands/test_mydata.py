"""A member's own data, as a file: everything that is kept of them, and nothing of anybody else."""

from __future__ import annotations

import io
import json
import zipfile
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bot.commands import mydata
from bot.commands.command import Given
from bot.faces.caller import Origin, caller_of
from bot.imagine.asker import Asker
from bot.imagine.options import Options
from bot.messages import UserError
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from bot.imagine.service import Service
    from bot.render import Card

ANNA, BOB = Asker("telegram", "1"), Asker("telegram", "2")
(MYDATA,) = mydata.COMMANDS


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with easel(config_in(tmp_path)) as opened:
        for asker, prompt in ((ANNA, "a cat"), (ANNA, "一只狗"), (BOB, "a secret")):
            live = await opened.imagine(asker, Options(prompt), key=prompt, address={})
            await live.outcome()
            await opened.delivered(live, "m")
        yield opened


async def ask(
    service: Service, run: Callable[..., Awaitable[Card]] = MYDATA.run, *, alone: bool = True
) -> tuple[str, zipfile.ZipFile]:
    caller = await caller_of(service, Origin("telegram", "1", alone=alone))
    card = await run(service, caller, Given())
    assert card.document is not None
    return card.text, zipfile.ZipFile(io.BytesIO(card.document.content))


async def test_everything_of_the_asker_is_in_it_and_nothing_of_others(service: Service) -> None:
    text, archive = await ask(service)
    data = json.loads(archive.read("data.json"))
    assert [request["asked"]["prompt"] for request in data["requests"]] == ["a cat", "一只狗"]
    assert "secret" not in archive.read("data.json").decode()
    pictures = [name for name in archive.namelist() if name != "data.json"]
    assert len(pictures) == 2
    assert "2 pictures" in text
    assert all(archive.read(name).startswith(b"\x89PNG") for name in pictures)


async def test_of_more_pictures_than_fit_the_latest_are_in_it(service: Service) -> None:
    kept = await service.store.members.export((await service.members.of(ANNA)).key)
    latest = await service.store.pictures.get(kept.pictures[-1])
    text, archive = await ask(service, partial(mydata.answer, most_bytes=len(latest)))
    assert archive.namelist() == ["data.json", kept.pictures[-1]]
    assert "1 latest of 2" in text


async def test_it_is_not_shown_where_others_read_along(service: Service) -> None:
    with pytest.raises(UserError, match="error-private-chat"):
        await ask(service, alone=False)
