"""Backup, restore and check as the owner runs them."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sqlite3
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from typer import Exit
from typer.testing import CliRunner

from bot.cli.database import export, forget, read_backup, show_check, write_backup
from bot.cli.main import app
from bot.cli.running import explained
from bot.imagine.asker import Asker
from bot.imagine.options import Options
from bot.messages import LANGUAGES, UserError, translator
from storage.errors import AlreadyServing, Problem, Reason, StoreUnavailable
from tests.database import lay_out
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from pathlib import Path

ANNA = Asker("console", "anna")
T = translator("en")


async def draw(service, key: str) -> None:
    live = await service.imagine(ANNA, Options("a cat"), key=key, address={})
    await live.outcome()
    await service.delivered(live, "m")


async def test_a_backup_taken_while_the_bot_runs_brings_that_moment_back(tmp_path: Path) -> None:
    config, console, folder = config_in(tmp_path), Console(file=io.StringIO()), tmp_path / "backup"
    async with easel(config) as service:
        await draw(service, "1")
        write_backup(config, folder, console, T)
        await draw(service, "2")
        with pytest.raises(AlreadyServing):
            read_backup(config, folder, console, T)
    read_backup(config, folder, console, T)
    async with easel(config) as service:
        assert (await service.members.quota(ANNA)).used == 1


async def test_check_names_an_account_that_does_not_agree(tmp_path: Path) -> None:
    config, out = config_in(tmp_path), io.StringIO()
    async with easel(config) as service:
        await draw(service, "1")
    assert show_check(config, Console(file=out), T)
    with sqlite3.connect(config.storage.folder / "easel.db") as database:
        database.execute("UPDATE account SET used = used + 1")
    assert not show_check(config, Console(file=out, width=200), T)
    assert "error the allowance used is what was charged to it" in out.getvalue()
    assert "Run `easel backup` now" in out.getvalue()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        read_backup(config_in(tmp_path), tmp_path / "none.db", Console(file=io.StringIO()), T)
    assert "none.db" in T(refused.value.message)


async def test_a_member_is_exported_and_forgotten(tmp_path: Path) -> None:
    config, console, folder = config_in(tmp_path), Console(file=io.StringIO()), tmp_path / "anna"
    async with easel(config) as service:
        await draw(service, "1")
        await export(console, service.store, "console:anna", folder, T)
        data = json.loads((folder / "data.json").read_text("utf-8"))
        assert data["accounts"] == [{"platform": "console", "user_id": "anna"}]
        assert data["requests"][0]["asked"]["prompt"] == "a cat"
        assert [row["outcome"] for row in data["ledger"]] == ["delivered"]
        [image] = data["requests"][0]["images"]
        assert (folder / image["picture"]).read_bytes().startswith(b"\x89PNG")
        with pytest.raises(UserError):
            await export(console, service.store, "anna", folder, T)
        await forget(console, service.store, "anna", T)
        assert await service.store.members.find("console", "anna") is None
        with pytest.raises(UserError) as unknown:
            await forget(console, service.store, "anna", T)
        assert unknown.value.message.id == "error-member-unknown"


def test_a_lost_key_can_be_replaced(tmp_path: Path) -> None:
    settings, data = tmp_path / "bot.toml", tmp_path / "data"
    settings.write_text("", "utf-8")
    lay_out(data / "easel.db")
    said = CliRunner().invoke(app, ["key", "list", "--config", str(settings)])
    assert said.exit_code == 0
    (data / "easel.db.key").write_bytes(b"")
    for words in (["key", "list"], ["check"]):
        said = CliRunner().invoke(app, [*words, "--config", str(settings)])
        assert (said.exit_code, "easel new-key" in said.output) == (1, True)
    assert CliRunner().invoke(app, ["new-key", "--config", str(settings)]).exit_code == 0
    assert CliRunner().invoke(app, ["key", "list", "--config", str(settings)]).exit_code == 0


@pytest.mark.parametrize(
    "words",
    [["stats"], ["check"], ["key", "list"], ["backup", "copy"]],
)
def test_a_command_that_reads_makes_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """And a relative folder counts from bot.toml's, wherever the command is run."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "bot.toml").write_text("", "utf-8")
    monkeypatch.chdir(tmp_path / "elsewhere")
    said = CliRunner().invoke(app, [*words, "--config", "../bot.toml"])
    assert (said.exit_code, "There is no database" in said.output) == (1, True)
    said = CliRunner().invoke(app, ["restore", "..", "--config", "../bot.toml"])
    assert (said.exit_code, "The backup is not whole" in said.output) == (1, True)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (tmp_path / "data").exists()
    lay_out(tmp_path / "data" / "easel.db")
    assert "There is no database" not in CliRunner().invoke(app, [*words, "--config", "../bot.toml"]).output


@pytest.mark.parametrize("words", [["key", "create", "shop"], ["admin-link"]])
def test_a_key_and_a_link_can_be_made_before_the_bot_ever_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """The database is made beside bot.toml, wherever the command is run, and named once."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "bot.toml").write_text("[http]\nenabled = true\n", "utf-8")
    monkeypatch.chdir(tmp_path / "elsewhere")
    first = CliRunner().invoke(app, [*words, "--config", "../bot.toml"])
    assert (first.exit_code, "Created the database" in first.stderr) == (0, True)
    assert (tmp_path / "data" / "easel.db").exists()
    second = CliRunner().invoke(app, [*words, "--config", "../bot.toml"])
    assert (second.exit_code, "Created the database" in second.stderr) == (0, False)


def test_no_database_is_made_for_a_page_that_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, ["admin-link"])
    assert (said.exit_code, "owner's page is off" in said.output) == (1, True)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("words", [["stats"], ["check"], ["backup", "copy"], ["new-key"]])
def test_an_empty_file_and_another_programs_database_are_told_and_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "data" / "easel.db"
    database.parent.mkdir()
    database.touch()
    said = CliRunner().invoke(app, words)
    assert (said.exit_code, "There is no database" in said.output) == (1, True)
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
    before = database.read_bytes()
    said = CliRunner().invoke(app, words)
    assert (said.exit_code, "another program" in said.output) == (1, True)
    assert database.read_bytes() == before
    assert not (tmp_path / "copy").exists()


def test_a_backup_into_a_folder_that_cannot_be_made_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_in(tmp_path)
    lay_out(config.storage.folder / "easel.db")
    for folder in (tmp_path / "missing" / "today", tmp_path / "file" / "today"):
        (tmp_path / "file").touch()
        for language, told in (("en_US.UTF-8", "cannot be created"), ("zh_CN.UTF-8", "无法创建")):
            monkeypatch.setenv("LC_ALL", language)
            with pytest.raises(Exit), explained(config):
                write_backup(config, folder, Console(file=io.StringIO()), T)
            said = capsys.readouterr().err
            assert told in said
            assert str(folder) in said


def test_a_full_disk_of_a_backup_is_not_the_bots(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    lay_out(config.storage.folder / "easel.db")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(UserError) as refused:
            write_backup(config, tmp_path / "backup", Console(file=io.StringIO()), T)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "its disk is full" in T(refused.value.message)


def test_every_problem_is_told_in_every_language() -> None:
    for problem in Problem:
        for language in LANGUAGES:
            assert translator(language)(f"storage-{problem}") != f"storage-{problem}"


def test_a_database_in_trouble_is_explained_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Exit), explained(config_in(tmp_path)):
        raise StoreUnavailable(Reason.DISK_FULL, "no space left on device")
    told = capsys.readouterr().err
    assert "The disk is full" in told
    assert "lower keep_images_mb" in told
