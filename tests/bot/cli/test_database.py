"""Backup, restore and check as the owner runs them."""

from __future__ import annotations

import io
import sqlite3
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bot.cli.database import read_backup, show_check, write_backup
from bot.imagine.options import Options
from bot.imagine.service import Asker
from bot.messages import translator
from storage.errors import AlreadyServing, CannotOpen
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
        assert (await service.quota(ANNA)).used == 1


async def test_check_names_an_account_that_does_not_agree(tmp_path: Path) -> None:
    config, out = config_in(tmp_path), io.StringIO()
    async with easel(config) as service:
        await draw(service, "1")
    assert show_check(config, Console(file=out), T)
    with sqlite3.connect(config.storage.folder / "easel.db") as database:
        database.execute("UPDATE account SET used = used + 1")
    assert not show_check(config, Console(file=out, width=200), T)
    assert "error" in out.getvalue()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotOpen, match=r"none\.db"):
        read_backup(config_in(tmp_path), tmp_path / "none.db", Console(file=io.StringIO()), T)
