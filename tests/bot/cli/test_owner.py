"""What an owner does from the command line, and the running bot hears of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import pytest
from typer.testing import CliRunner

from bot.background.owner_changes import OwnerChanges
from bot.cli.main import app
from bot.folders import open_store
from bot.imagine.asker import Asker
from bot.imagine.events import Done, Failed
from bot.imagine.options import Options
from storage.settings import BOT, Setting
from tests.database import lay_out
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from storage.store import Store

T = TypeVar("T")

ANNA = Asker("discord", "80351110224678912")
WHO = f"discord:{ANNA.user_id}"


class Owner:
    """Types commands; each is a run of its own, on the same data folder."""

    def __init__(self, folder: Path) -> None:
        self.config = config_in(folder)
        self._settings = folder / "bot.toml"
        self._settings.write_text(f'[storage]\nfolder = "{self.config.storage.folder}"\n')

    def types(self, *words: str) -> tuple[int, str]:
        """The exit status, and what was said."""
        done = CliRunner().invoke(app, [*words, "--config", str(self._settings)])
        return done.exit_code, " ".join(done.output.split())

    def sees(self, look: Callable[[Store], Coroutine[None, None, T]]) -> T:
        """Something of the database, between two commands."""

        async def read() -> T:
            async with open_store(self.config, serving=False) as store:
                return await look(store)

        return asyncio.run(read())


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    owner = Owner(tmp_path)
    lay_out(owner.config.storage.folder / "easel.db")
    owner.sees(lambda store: store.members.of("discord", ANNA.user_id))
    owner.sees(lambda store: store.members.of("discord", "twice"))
    owner.sees(lambda store: store.members.of("telegram", "twice"))
    return owner


def test_a_tier_extra_images_a_ban_and_who_gave_them(owner: Owner) -> None:
    assert owner.types("tier", WHO, "premium", "--until", "2099-12-31", "--why", "a friend") == (
        0,
        "discord 80351110224678912 is on premium until Dec 31, 2099.",
    )
    status, said = owner.types("grant", WHO, "50")
    assert (status, "50 extra images" in said) == (0, True)
    assert owner.types("ban", WHO, "--why", "rude")[0] == 0
    member = owner.sees(lambda store: store.members.of("discord", ANNA.user_id))
    assert (member.tier, member.banned, member.ban_reason) == ("premium", True, "rude")
    assert owner.sees(lambda store: store.members.quota(member.key)).topup == 50
    assert owner.types("unban", WHO)[0] == 0
    rows = owner.sees(lambda store: store.audit.rows(subject=member.key))
    assert [(row.action, row.why) for row in rows] == [
        ("unban", ""),
        ("ban", "rude"),
        ("grant", ""),
        ("set_tier", "a friend"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("tier", "discord:5", "premium"),
        ("tier", WHO, "gold"),
        ("tier", WHO, "premium", "--until", "soon"),
        ("tier", WHO, "premium", "--until", "2020-01-01"),
        ("tier", WHO, "premium", "--until", ""),
        ("grant", WHO, "0"),
        ("grant", WHO, "many"),
        ("ban", "nobody"),
        ("ban", ""),
        ("ban", "twice"),
        ("unban", "#0"),
    ],
)
def test_what_does_not_fit_is_one_sentence_and_changes_nothing(owner: Owner, words: tuple[str, ...]) -> None:
    status, said = owner.types(*words)
    assert status == 1
    assert said.endswith(".")
    assert owner.sees(lambda store: store.audit.rows()) == []


def test_a_pause_is_written_for_the_bot_that_runs_or_starts(owner: Owner) -> None:
    assert owner.types("pause")[0] == 0
    assert owner.sees(lambda store: store.settings.of(BOT)) == {"paused": True}
    assert owner.types("resume")[0] == 0
    assert owner.sees(lambda store: store.settings.of(BOT)) == {}


async def test_the_running_bot_does_what_the_commands_wrote(tmp_path: Path) -> None:
    async with easel(config_in(tmp_path)) as service:
        store, changes, backend = service.store, OwnerChanges(service), service.models.default.backend
        await store.settings.set(BOT, Setting.PAUSED, True, by="owner")
        await changes.look()
        assert backend.snapshot().admission_paused
        live = await service.imagine(ANNA, Options("a cat"), key="1", address={})
        other = await service.imagine(Asker("discord", "7"), Options("a dog"), key="2", address={})
        await store.members.ban((await service.members.of(ANNA)).key, by="owner")
        await changes.look()
        assert isinstance(await live.outcome(), Failed)
        assert (await service.members.quota(ANNA)).reserved == 0
        await store.settings.set(BOT, Setting.PAUSED, None, by="owner")
        await changes.look()
        assert isinstance(await other.outcome(), Done)
