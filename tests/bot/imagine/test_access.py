"""Who may have something drawn: everybody, whom bot.toml lists, or whoever was given the code."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from bot.commands.command import typed
from bot.commands.table import named, offered
from bot.config.file import ConfigError, load_config
from bot.faces.caller import Origin, caller_of
from bot.imagine.asker import Asker
from bot.imagine.options import Options
from bot.messages import UserError, translator
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.imagine.service import Service
    from bot.render import Card

CODE = "ABCD-EFGH-JKLM"
STRANGER, FRIEND = Asker("telegram", "1"), Asker("telegram", "2")
T = translator("en")


@asynccontextmanager
async def bot(folder: Path, **access: object) -> AsyncIterator[Service]:
    async with easel(config_in(folder, access=access, owners={"telegram": [9]})) as service:
        yield service


async def drawn(service: Service, asker: Asker) -> None:
    """Raises UserError where it is not."""
    live = await service.imagine(asker, Options("a cat"), key=f"{asker}", address={})
    await live.outcome()
    await service.delivered(live, "m")


async def refused(service: Service, asker: Asker) -> str:
    with pytest.raises(UserError) as error:
        await drawn(service, asker)
    assert (await service.members.quota(asker)).used == 0
    return T(error.value.message)


async def says(service: Service, asker: Asker, line: str) -> Card:
    origin = Origin(asker.platform, asker.user_id, event="1")
    command, words = named(service.config, *line.split(maxsplit=1))
    return await command.run(service, await caller_of(service, origin), typed(command, words, asker.platform))


async def test_only_the_listed_are_drawn_for_and_a_stranger_reads_what_to_tell_the_owner(
    tmp_path: Path,
) -> None:
    async with bot(tmp_path, mode="listed", members=["telegram:2"], servers=["discord:77"]) as service:
        assert "account number: 1" in await refused(service, STRANGER)
        await drawn(service, FRIEND)
        await drawn(service, Asker("discord", "5", server_id="77"))
        await refused(service, Asker("discord", "6", server_id="78"))
        await refused(service, Asker("telegram", "7", server_id="77"))


async def test_a_code_lets_in_for_good_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    async with bot(tmp_path, mode="code", code=CODE) as service:
        assert "/join" in await refused(service, STRANGER)
        with pytest.raises(UserError, match="error-join-code"):
            await says(service, STRANGER, "join ABCD-EFGH-JKLN")
        await refused(service, STRANGER)
        await says(service, STRANGER, "join abcdefgh jklm")
        await drawn(service, STRANGER)
    async with bot(tmp_path, mode="code", code="OTHER-OTHER") as service:
        await service.imagine(STRANGER, Options("a dog"), key="2", address={})


async def test_codes_cannot_be_tried_out(tmp_path: Path) -> None:
    async with bot(tmp_path, mode="code", code=CODE) as service:
        for _ in range(5):
            with pytest.raises(UserError, match="error-join-code"):
                await says(service, STRANGER, "join 12345678")
        with pytest.raises(UserError, match="error-link-tries"):
            await says(service, STRANGER, f"join {CODE}")


async def test_an_account_that_is_linked_with_a_listed_one_is_let_in(tmp_path: Path) -> None:
    async with bot(tmp_path, mode="listed", members=["telegram:2"]) as service:
        one, other = [(await service.members.of(who)).key for who in (FRIEND, Asker("discord", "3"))]
        offer = await service.store.links.redeem(other, await service.store.links.code(one))
        for member in (one, other):
            await service.store.links.confirm(member, offer.offer_id)
        await drawn(service, Asker("discord", "3"))


async def test_owners_always_may(tmp_path: Path) -> None:
    async with bot(tmp_path, mode="listed") as service:
        caller = await caller_of(service, Origin("telegram", "9"))
        await drawn(service, caller.asker)


def test_join_is_there_only_where_there_is_a_code(tmp_path: Path) -> None:
    by_code = config_in(tmp_path, access={"mode": "code", "code": CODE})
    assert "join" in [command.name for command in offered(by_code)]
    assert "join" not in [command.name for command in offered(config_in(tmp_path))]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ('mode = "code"', "must be a code"),
        ('mode = "code"\ncode = "short"', "must be 8 to 32 letters"),
        ('members = ["@anna"]', "such as discord:1234"),
        ("members = [123]", "access.members.0: found 123; must be text in quotes"),
    ],
)
def test_what_does_not_fit_is_told_with_what_would(tmp_path: Path, section: str, told: str) -> None:
    path = tmp_path / "bot.toml"
    path.write_text(f"[access]\n{section}\n")
    with pytest.raises(ConfigError, match=told):
        load_config(path)
