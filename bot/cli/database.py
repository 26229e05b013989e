"""`easel backup`, `restore` and `check`: what the owner does to the database, beside a running bot or not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bot.app import DATABASE
from bot.folders import make_folder
from storage.backup import backup, check, kept_currency, restore
from storage.errors import CannotOpen
from storage.images import ImageFolder

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from bot.config.schema import Config
    from bot.messages import Translator
    from storage.records import Finding


def write_backup(config: Config, file: Path, console: Console, t: Translator) -> None:
    """Copy the database of a running bot. The pictures lie beside it and are copied like any folder."""
    _database(config, t)
    backup(config.storage.folder / DATABASE, file)
    _say(console, t("upkeep-backed-up", file=str(file)))


def read_backup(config: Config, file: Path, console: Console, t: Translator) -> None:
    """Put a backup in the database's place; the bot must be stopped."""
    if not file.is_file():
        raise CannotOpen(t("upkeep-no-file", file=str(file)))
    make_folder(config.storage.folder)
    old = restore(file, config.storage.folder / DATABASE)
    _say(console, t("upkeep-restored", file=str(file)))
    if old is not None:
        _say(console, t("upkeep-set-aside", file=str(old)))


def broken(config: Config) -> list[Finding] | None:
    """Every invariant that does not hold; None where there is no database. Raises StoreUnavailable."""
    database = config.storage.folder / DATABASE
    if not os.path.exists(database):
        return None
    return check(database, ImageFolder(config.storage.folder / "images").has)


def ledgers_currency(folder: Path) -> str | None:
    """What the ledger in this data folder is kept in; None where there is none. Raises StoreUnavailable."""
    database = folder / DATABASE
    return kept_currency(database) if os.path.exists(database) else None


def show_check(config: Config, console: Console, t: Translator) -> bool:
    """Every invariant of the house; True when all hold."""
    _database(config, t)
    findings = broken(config) or []
    for finding in findings:
        _say(console, f"{finding.severity.value} {finding.invariant}: {finding.sentence}")
    if not findings:
        _say(console, t("upkeep-all-well"))
    return not findings


def _database(config: Config, t: Translator) -> Path:
    database = config.storage.folder / DATABASE
    if not os.path.exists(database):
        raise CannotOpen(t("upkeep-no-file", file=str(database)))
    return database


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
