"""What the owner does to the database from the command line, while the bot runs or not."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
from typing import TYPE_CHECKING

from bot.folders import DATABASE, IMAGES, OWNER_ONLY, cannot_open, existing_database, writable
from bot.messages import UserError, say
from storage.backup import backup
from storage.checking import check, kept_currency, key_trouble
from storage.errors import ImageGone, Reason, StoreUnavailable
from storage.images import ImageFolder
from storage.records.findings import Severity
from storage.restore import renew_key, restore

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from bot.config.schema import Config
    from bot.messages import Message, Translator
    from storage.records.findings import Finding
    from storage.records.members import Member
    from storage.store import Store


def write_backup(config: Config, folder: Path, console: Console, t: Translator) -> None:
    """Copy database, pictures and key while the bot runs. Raises UserError, StorageError."""
    database = existing_database(config)
    try:
        written = backup(database, config.storage.folder / IMAGES, folder)
    except StoreUnavailable as error:
        if error.reason in (Reason.DISK_FULL, Reason.READ_ONLY):  # only the backup's folder is written
            told = say("error-backup-folder", folder=str(folder), reason=str(error.reason))
            raise UserError(told) from error
        raise
    _say(console, t("upkeep-backed-up", folder=str(folder), pictures=written.pictures))
    if written.missing:
        _say(console, t("upkeep-missing", pictures=written.missing))


def read_backup(
    config: Config, source: Path, console: Console, t: Translator, *, dry_run: bool = False
) -> None:
    """Put a backup in the place of database, pictures and key; the bot must be stopped.

    With `dry_run` it is only looked at. Raises UserError, StorageError.
    """
    if not os.path.exists(source):
        raise UserError(say("upkeep-no-file", file=str(source)))
    folder = config.storage.folder
    if not dry_run and not writable(folder):
        raise UserError(say("error-folder", folder=str(folder), reason=os.strerror(errno.EACCES)))
    done = restore(source, folder / DATABASE, folder / IMAGES, dry_run=dry_run)
    said = "upkeep-restorable" if dry_run else "upkeep-restored"
    _say(console, t(said, file=str(source), pictures=done.pictures))
    if done.missing:
        _say(console, t("upkeep-missing", pictures=done.missing))
    if done.aside is not None:
        _say(console, t("upkeep-set-aside", file=str(done.aside)))


def broken(config: Config) -> list[Finding] | None:
    """Every invariant that does not hold; None where there is no database. Raises StoreUnavailable."""
    database = config.storage.folder / DATABASE
    if not os.path.exists(database):
        return None
    return check(database, ImageFolder(config.storage.folder / IMAGES).has)


def keys_trouble(folder: Path) -> Message | None:
    """Why the bot would not start with the key file in this data folder. Raises StoreUnavailable."""
    database = folder / DATABASE
    trouble = key_trouble(database) if os.path.exists(database) else None
    return None if trouble is None else cannot_open(trouble)


def ledgers_currency(folder: Path) -> str | None:
    """What the ledger in this data folder is kept in; None where there is none. Raises StoreUnavailable."""
    database = folder / DATABASE
    return kept_currency(database) if os.path.exists(database) else None


def show_check(config: Config, console: Console, t: Translator) -> bool:
    """Every invariant, and the key; True when all hold. Raises UserError where there is no database."""
    existing_database(config)
    findings = broken(config) or []
    if not findings and (trouble := keys_trouble(config.storage.folder)):
        _say(console, t(trouble))
        return False
    for finding in findings:
        _say(console, f"{finding.severity.value} {finding.invariant}: {finding.sentence}")
    if not findings:
        _say(console, t("upkeep-all-well"))
    elif any(finding.severity is Severity.ERROR for finding in findings):
        _say(console, t("upkeep-broken"))
    return not findings


def make_key(config: Config, console: Console, t: Translator) -> None:
    """A new key file in place of one that is lost; the bot must be stopped. Raises what can be told."""
    aside = renew_key(existing_database(config))
    _say(console, t("upkeep-new-key"))
    if aside is not None:
        _say(console, t("upkeep-key-aside", file=str(aside)))


async def find_member(store: Store, text: str) -> Member:
    """The member of `discord:123`, of an account's id alone, or of a member key. Raises UserError."""
    platform, _, user_id = text.partition(":")
    if user_id:
        member = await store.members.find(platform, user_id)
    else:
        found = await store.members.list(text)
        if len(found) > 1:
            numbers = ", ".join(f"'#{line.name.number}'" for line in found)
            raise UserError(say("error-member-several", member=text, numbers=numbers))
        member = found[0].member if found else None
    if member is None:
        raise UserError(say("error-member-unknown", member=text))
    return member


async def forget(console: Console, store: Store, text: str, t: Translator) -> None:
    """Erase a member as `/forget` does. Raises UserError, StorageError."""
    gone = await store.members.forget((await find_member(store, text)).key)
    _say(
        console,
        t("forget-done", requests=gone.requests, images=gone.images, days=gone.backups_keep_days),
    )
    if not gone.log_folded:
        _say(console, t("forget-soon"))


async def export(console: Console, store: Store, text: str, folder: Path, t: Translator) -> None:
    """Write all that is kept of a member into a new folder: JSON and pictures. Raises UserError."""
    data = await store.members.export((await find_member(store, text)).key)
    written = json.dumps(data.data, ensure_ascii=False, indent=2)
    pictures = 0
    try:
        await asyncio.to_thread(folder.mkdir, mode=OWNER_ONLY, parents=True)
        await asyncio.to_thread((folder / "data.json").write_text, written + "\n", "utf-8")
        for ref in data.pictures:
            with contextlib.suppress(ImageGone):
                png = await store.pictures.get(ref)
                await asyncio.to_thread((folder / ref).write_bytes, png)
                pictures += 1
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(say("error-export-folder", folder=str(folder), reason=reason)) from error
    _say(console, t("upkeep-exported", folder=str(folder), pictures=pictures))


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
