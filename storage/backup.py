"""A backup: a folder with database, pictures and key, made while the bot runs.

Whatever the path names, nothing is replaced that is not such a backup. Written once more, a backup takes over
what is new and drops what was deleted since; killed at any moment, what it was before or is then can be
restored.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import keyfile
from .errors import CannotOpen, Problem
from .images import fsync_folder, picture_path
from .invariants import damaged
from .schema import refuse_unless_ours
from .trouble import diagnose

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATABASE, KEY, IMAGES, MARK = "easel.db", "easel.db.key", "images", "easel-backup.json"
OWNER_ONLY = 0o700


@dataclass(frozen=True, slots=True)
class Backup:
    """What was copied; `missing` pictures are shown by requests and no longer on disk."""

    folder: Path
    pictures: int
    missing: int


def backup(database: Path, images: Path, folder: Path) -> Backup:
    """Write or renew a backup in `folder`, which must be new, empty, or a backup already.

    The database is of one moment (SQLite's online backup), the pictures are those it shows. Raises CannotOpen
    with a sentence, StoreUnavailable, FileNotFoundError.
    """
    if not database.exists():
        raise FileNotFoundError(f"there is no database {database}")
    try:
        key = _key_of(database)
        folder = folder.resolve()
        with _claimed(folder, images.resolve()):
            _sweep(folder)
            temporary = _temporary(folder / DATABASE)
            with discarded(temporary):
                copy_database(database, temporary)
                _refuse_damaged(temporary, database)
                refs = pictures_of(temporary)
                missing = _copy_pictures(refs, images, folder / IMAGES)
                if key is not None:
                    keyfile.write(folder / KEY, key)
                temporary.replace(folder / DATABASE)
                fsync_folder(folder)
            _drop_pictures(folder / IMAGES, keep=refs)
    except (sqlite3.Error, OSError) as error:
        raise diagnose(error) from error
    return Backup(folder, len(refs) - missing, missing)


def _key_of(database: Path) -> bytes | None:
    """The key that belongs to it: another would replace the right one in an earlier backup. Raises
    CannotOpen.
    """
    with connected(database, read_only=True) as db:
        refuse_unless_ours(db)
        return keyfile.verified(db, database)


def _refuse_damaged(copy: Path, database: Path) -> None:
    """What is damaged must not replace the last copy that is whole."""
    with connected(copy, read_only=True) as db:
        for finding in damaged(db):
            raise CannotOpen(Problem.DAMAGED, file=str(database), finding=finding.sentence)


def copy_before_upgrade(database: Path, newest: int) -> Path:
    """The way back from a migration: a copy of the database beside it, one at a time.

    Raises StoreUnavailable: then there must be no migration.
    """
    copy = database.with_name(f"{database.name}.before-version-{newest}")
    temporary = _temporary(copy)
    try:
        with discarded(temporary):
            copy_database(database, temporary)
            temporary.replace(copy)
            fsync_folder(copy.parent)
    except (sqlite3.Error, OSError) as error:
        raise diagnose(error) from error
    return copy


def delete_old_copies(database: Path, now_us: int, keep_days: int) -> None:
    """Copies from before an upgrade hold what /forget erased since: they go when backups have to. Raises
    OSError.
    """
    for copy in database.parent.glob(f"{database.name}.before-version-*"):
        if now_us - copy.stat().st_mtime_ns // 1000 > keep_days * 86_400_000_000:
            copy.unlink(missing_ok=True)


def sweep(database: Path) -> None:
    """Delete what a killed upgrade or restore left half written beside a database. Raises OSError."""
    _sweep(database.parent)


def copy_database(source: Path, target: Path) -> None:
    """A consistent copy in one file that only its owner may read. `target` must not exist.

    Raises sqlite3.Error, OSError.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with connected(source) as reading, connected(target) as writing:
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    fsync_file(target)


def pictures_of(database: Path) -> set[str]:
    """The refs of all pictures that a database shows or draws from. Raises sqlite3.Error."""
    with connected(database, read_only=True) as db:
        query = "SELECT image FROM job WHERE image IS NOT NULL"
        if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'input'").fetchone():  # as of version 16
            query += " UNION SELECT ref FROM input"
        return {ref for (ref,) in db.execute(query)}


@contextlib.contextmanager
def connected(path: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection for maintenance, closed at the end."""
    mode = "?mode=ro" if read_only else ""
    with contextlib.closing(
        sqlite3.connect(f"{path.absolute().as_uri()}{mode}", uri=True, isolation_level=None)
    ) as db:
        yield db


@contextlib.contextmanager
def discarded(temporary: Path) -> Iterator[None]:
    """Whatever happens, a temporary file or folder is gone at the end."""
    try:
        yield
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        for suffix in ("", "-journal", "-wal", "-shm"):
            temporary.with_name(temporary.name + suffix).unlink(missing_ok=True)


def fsync_file(path: Path) -> None:
    """Make a file's content durable."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def copy_file(source: Path, target: Path) -> None:
    """A whole copy or none, as old as the original; durable once its folder is synced. Raises OSError."""
    temporary = _temporary(target)
    with discarded(temporary):
        shutil.copy2(source, temporary)
        temporary.chmod(0o600)
        fsync_file(temporary)
        temporary.replace(target)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


@contextlib.contextmanager
def _claimed(folder: Path, images: Path) -> Iterator[None]:
    """Make the folder ours, for this backup alone, or refuse it."""
    if images == folder or images in folder.parents:
        raise CannotOpen(Problem.BACKUP_AMONG_PICTURES, folder=str(folder))
    mark = folder / MARK
    try:
        folder.mkdir(mode=OWNER_ONLY)
    except FileExistsError:
        if not folder.is_dir():
            raise CannotOpen(Problem.BACKUP_NO_FOLDER, folder=str(folder)) from None
        if not mark.is_file() and any(folder.iterdir()):
            raise CannotOpen(Problem.BACKUP_NOT_EMPTY, folder=str(folder)) from None
        links = [name for name in (DATABASE, KEY, IMAGES, MARK) if (folder / name).is_symlink()]
        if links:
            raise CannotOpen(Problem.BACKUP_LINK, file=str(folder / links[0])) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotOpen(Problem.BACKUP_NOT_MADE, folder=str(folder), reason=reason) from None
    descriptor = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotOpen(Problem.BACKUP_BUSY, folder=str(folder)) from None
        if not file.read():
            file.write(json.dumps({"easel_backup": 1}) + "\n")
        yield


def _sweep(folder: Path) -> None:
    """What a killed process left half written."""
    for pattern in (".*.tmp", ".*.tmp-*", f"{IMAGES}/*/.*.tmp"):
        for leftover in folder.glob(pattern):
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            else:
                leftover.unlink(missing_ok=True)


def _copy_pictures(refs: set[str], images: Path, target: Path) -> int:
    """Copy what is not there yet; pictures never change under their name. How many are missing."""
    target.mkdir(mode=OWNER_ONLY, exist_ok=True)
    missing, folders = 0, {target}
    for ref in refs:
        copy = picture_path(target, ref)
        if copy.exists():
            continue
        copy.parent.mkdir(mode=OWNER_ONLY, exist_ok=True)
        folders.add(copy.parent)
        try:
            copy_file(picture_path(images, ref), copy)
        except FileNotFoundError:  # deleted since the copy of the database
            missing += 1
    for folder in folders:
        fsync_folder(folder)
    return missing


def _drop_pictures(images: Path, *, keep: set[str]) -> None:
    """What the database no longer shows was deleted for a reason."""
    for path in images.glob("*/*"):
        if path.name not in keep:
            path.unlink(missing_ok=True)
