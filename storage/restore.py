"""Restores a backup, once it is known to be whole and to belong together."""

from __future__ import annotations

import os
import secrets
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import invariants, keyfile
from .backup import (
    DATABASE,
    IMAGES,
    KEY,
    OWNER_ONLY,
    connected,
    copy_database,
    copy_file,
    discarded,
    pictures_of,
    sweep,
)
from .errors import CannotOpen, DatabaseTooNew, Problem
from .images import fsync_folder, picture_path
from .schema import APPLICATION_ID, migrations, refuse_unless_ours, version
from .serving import Serving
from .trouble import diagnose

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and where the old database is now (None if there was none)."""

    pictures: int
    missing: int
    aside: Path | None


@dataclass(frozen=True, slots=True)
class _Source:
    """A backup's parts. A file is a database alone, as older versions made backups."""

    database: Path
    key: bytes | None
    images: Path | None


def restore(source: Path, database: Path, images: Path, *, dry_run: bool = False) -> Restored:
    """Put a backup in the place of database, pictures and key, which are set aside.

    At every moment there is a whole database under the name; killed in between, it is to be run again. With
    `dry_run` nothing changes, and the bot may be running. Raises CannotOpen (the backup is damaged, of
    another program, newer, or its key is another's; AlreadyServing), StoreUnavailable.
    """
    aside = None
    try:
        parts = _parts(source)
        _refuse_unless_sound(parts.database)
        _refuse_unless_one(parts, database)
        refs = pictures_of(parts.database)
        found = {ref: path for ref in refs if (path := _find(ref, images, parts.images)) is not None}
        if not dry_run:
            database.parent.mkdir(OWNER_ONLY, parents=True, exist_ok=True)
            with Serving(database):
                aside = _put_in_place(parts, found, database, images)
    except (sqlite3.Error, OSError) as error:
        raise diagnose(error) from error
    return Restored(len(found), len(refs) - len(found), aside)


def renew_key(database: Path) -> Path | None:
    """A new key in place of one that is lost or wrong; where the old one is now, None if there was none.

    Raises CannotOpen (AlreadyServing), StoreUnavailable.
    """
    with Serving(database):
        try:
            with connected(database) as db:
                refuse_unless_ours(db)
                return keyfile.renew(db, database)
        except (sqlite3.Error, OSError) as error:
            raise diagnose(error) from error


def _parts(source: Path) -> _Source:
    if not source.is_dir():
        return _Source(source, None, None)
    if not (source / DATABASE).is_file():
        raise CannotOpen(Problem.BACKUP_INCOMPLETE, file=str(source / DATABASE))
    return _Source(source / DATABASE, keyfile.read(source / KEY), source / IMAGES)


def _refuse_unless_sound(copy: Path) -> None:
    with connected(copy, read_only=True) as db:
        damage = invariants.damaged(db)
        if damage:
            raise CannotOpen(Problem.BACKUP_DAMAGED, file=str(copy), finding=damage[0].sentence)
        found = version(db)
        ours = db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    if not ours:
        raise CannotOpen(Problem.FOREIGN)
    if found > migrations()[-1][0]:
        raise DatabaseTooNew(found, migrations()[-1][0])


def _refuse_unless_one(parts: _Source, database: Path) -> None:
    """A database and a key that do not belong together must not meet."""
    with connected(parts.database, read_only=True) as db:
        wanted = keyfile.kept_fingerprint(db)
    if wanted is None:
        return
    if parts.images is not None and parts.key is None:
        raise CannotOpen(Problem.BACKUP_INCOMPLETE, file=str(parts.database.with_name(KEY)))
    key = parts.key or keyfile.read(keyfile.path_of(database))
    if key is not None and keyfile.fingerprint(key) != wanted:
        where = parts.database.with_name(KEY) if parts.key else keyfile.path_of(database)
        raise CannotOpen(Problem.BACKUP_KEY_FOREIGN, key=str(where), file=str(parts.database))


def _find(ref: str, *folders: Path | None) -> Path | None:
    paths = (picture_path(folder, ref) for folder in folders if folder is not None)
    return next((path for path in paths if path.is_file()), None)


def _put_in_place(parts: _Source, found: dict[str, Path], database: Path, images: Path) -> Path | None:
    sweep(database)
    name = secrets.token_hex(4)
    new = database.with_name(f".{database.name}.{name}.tmp")
    gathered = images.with_name(f".{images.name}.{name}.tmp")
    with discarded(new), discarded(gathered):
        copy_database(parts.database, new)
        _gather(found, gathered)
        aside = _set_aside(database, name) if database.exists() else None
        if images.exists():
            images.replace(images.with_name(f"{images.name}.before-restore-{name}"))
        gathered.replace(images)
        if parts.key is not None:
            key = keyfile.path_of(database)
            if key.exists():
                key.replace(database.with_name(f"{database.name}.before-restore-{name}.key"))
            keyfile.write(key, parts.key)
        new.replace(database)
        fsync_folder(database.parent)
    return aside


def _gather(found: dict[str, Path], folder: Path) -> None:
    """The pictures of a backup in one folder: those that are still here by another name for the same file."""
    folder.mkdir(mode=OWNER_ONLY)
    for ref, path in found.items():
        target = picture_path(folder, ref)
        target.parent.mkdir(mode=OWNER_ONLY, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:  # on another file system
            copy_file(path, target)
    for inner in folder.iterdir():
        fsync_folder(inner)


def _set_aside(database: Path, name: str) -> Path:
    """Keep the old database under another name, its log folded in, so that it never meets the new one."""
    aside = database.with_name(f"{database.name}.before-restore-{name}")
    log, index = (database.with_name(database.name + suffix) for suffix in ("-wal", "-shm"))
    try:
        with connected(database) as db:
            db.execute("PRAGMA journal_mode = DELETE")
        os.link(database, aside)
    except (sqlite3.DatabaseError, OSError):  # too damaged to open, or a file system without links
        database.replace(aside)
        if log.exists():
            log.replace(aside.with_name(aside.name + "-wal"))
    log.unlink(missing_ok=True)
    index.unlink(missing_ok=True)
    return aside
