"""The data folder: makes it, tells whether it could be made, and opens the database in it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bot.imagine.pricing import policy
from bot.messages import UserError, say
from storage.clock import utc_us
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from bot.config.schema import Config
    from bot.messages import Message
    from storage.errors import CannotOpen, StoreUnavailable

DATABASE = "easel.db"
IMAGES = "images"
OWNER_ONLY = 0o700
"""The mode of a new data folder: what people asked for is private."""


def make_folder(folder: Path) -> None:
    """Create it if it is missing. Raises `UserError` if it cannot be created or written."""
    try:
        folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(folder, error.strerror or str(error)) from error
    if not writable(folder):
        raise _refusal(folder, os.strerror(errno.EACCES))


@contextlib.asynccontextmanager
async def open_store(
    config: Config,
    *,
    serving: bool = True,
    create: bool = True,
    clock: Callable[[], int] = utc_us,
    on_trouble: Callable[[StoreUnavailable], None] | None = None,
    durable: bool = True,
) -> AsyncIterator[Store]:
    """The database in its folder. `serving` is for the one process that draws; `clock` gives
    microseconds since 1970. What is not `durable` outlasts no power cut: for tests.

    Raises UserError where the folder cannot be made, or, without `create`, where there is no database yet.
    """
    folder = config.storage.folder
    if create:
        make_folder(folder)
    else:
        await asyncio.to_thread(existing_database, config)
    store = await Store.open(
        folder / DATABASE,
        policy(config),
        serving=serving,
        create=create,
        clock=clock,
        on_trouble=on_trouble,
        durable=durable,
    )
    async with store:
        yield store


def existing_database(config: Config) -> Path:
    """Its path. Raises `UserError` where there is none, only an empty file, or none that may be looked at."""
    folder = config.storage.folder
    database = folder / DATABASE
    try:
        if not database.stat().st_size:
            raise FileNotFoundError
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(say("error-no-database", file=str(database))) from None
    except OSError as error:
        raise _refusal(folder, error.strerror or str(error)) from error
    return database


def cannot_open(error: CannotOpen) -> Message:
    """What to tell the owner, with what to do."""
    return say(f"storage-{error.problem}", **error.about)


def writable(folder: Path) -> bool:
    """Whether it can be written, or made where there is none; looking leaves nothing behind."""
    if os.path.isdir(folder):
        return os.access(folder, os.W_OK | os.X_OK)
    try:
        with TemporaryDirectory(dir=nearest(folder)):
            return True
    except OSError:
        return False


def nearest(path: Path) -> Path:
    """The path itself, or its nearest parent that exists."""
    return next(part for part in (path, *path.parents) if os.path.exists(part))


def _refusal(folder: Path, reason: str) -> UserError:
    return UserError(say("error-folder", folder=str(folder), reason=reason))
