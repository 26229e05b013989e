"""From SQLite's and the system's error codes to the few reasons an owner can act on."""

from __future__ import annotations

import errno
import sqlite3

from .errors import Reason, StoreUnavailable

_BY_SQLITE_CODE = {
    sqlite3.SQLITE_FULL: Reason.DISK_FULL,
    sqlite3.SQLITE_READONLY: Reason.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Reason.READ_ONLY,
    sqlite3.SQLITE_PERM: Reason.READ_ONLY,
    sqlite3.SQLITE_BUSY: Reason.LOCKED,
    sqlite3.SQLITE_LOCKED: Reason.LOCKED,
    sqlite3.SQLITE_CORRUPT: Reason.CORRUPT,
    sqlite3.SQLITE_NOTADB: Reason.CORRUPT,
    sqlite3.SQLITE_IOERR: Reason.IO,
    sqlite3.SQLITE_NOMEM: Reason.IO,
    sqlite3.SQLITE_PROTOCOL: Reason.IO,
}

_BY_ERRNO = {
    errno.ENOSPC: Reason.DISK_FULL,
    errno.EDQUOT: Reason.DISK_FULL,
    errno.EFBIG: Reason.DISK_FULL,
    errno.EROFS: Reason.READ_ONLY,
    errno.EACCES: Reason.READ_ONLY,
    errno.EPERM: Reason.READ_ONLY,
}


def is_trouble(error: BaseException) -> bool:
    """Whether the machine is at fault, and not the statement."""
    if isinstance(error, sqlite3.Error):
        return _primary_code(error) in _BY_SQLITE_CODE
    return isinstance(error, OSError)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is at fault."""
    return _BY_SQLITE_CODE.get(_primary_code(error)) is Reason.CORRUPT


def diagnose(error: BaseException) -> BaseException:
    """StoreUnavailable with the reason, or the error itself where it is a mistake in our own statement."""
    if isinstance(error, sqlite3.Error):
        reason = _BY_SQLITE_CODE.get(_primary_code(error))
        return StoreUnavailable(reason, str(error)) if reason else error
    if isinstance(error, OSError):
        return StoreUnavailable(_BY_ERRNO.get(error.errno or 0, Reason.IO), error.strerror or str(error))
    if isinstance(error, ValueError) and str(error) in ("Connection closed", "no active connection"):
        return StoreUnavailable(Reason.CLOSED, "the store is closed")
    return error


def _primary_code(error: sqlite3.Error) -> int:
    """Without the extended part: SQLITE_IOERR_FSYNC is an SQLITE_IOERR. Our own refusals of a statement have
    none.
    """
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
