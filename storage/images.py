"""Pictures as files beside the database, each under the name of its content, durable before it has that name."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ImageGone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_REF = re.compile(r"[0-9a-f]{40}\.[a-z0-9]{1,8}")
_TEMPORARY = ".tmp-"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the folder: its name, size in bytes and age in seconds since 1970."""

    ref: str
    size: int
    written_s: float


class ImageFolder:
    """Blocking file work; the store runs it off the event loop."""

    def __init__(self, folder: Path, on_step: Callable[[str], None] = lambda step: None) -> None:
        """`on_step` is called between the steps of a write, for tests that kill there."""
        self._folder = folder
        self._on_step = on_step

    def prepare(self) -> None:
        """Make the folder, and clear what a crash left half written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._folder.glob(f"*/{_TEMPORARY}*"):
            leftover.unlink(missing_ok=True)

    def put(self, content: bytes, suffix: str) -> str:
        """Write to a temporary name, fsync, rename, fsync the folder: a ref always names a whole picture."""
        ref = hashlib.blake2b(content, digest_size=20).hexdigest() + suffix.lower()
        target = self._path(ref)
        if target.exists():
            os.utime(target)  # drawn again, so its age for retention begins anew
            return ref
        if not target.parent.exists():
            target.parent.mkdir(exist_ok=True)
            _fsync_folder(self._folder)
        temporary = target.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._on_step("image-written")
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._on_step("image-renamed")
        _fsync_folder(target.parent)
        return ref

    def get(self, ref: str) -> bytes:
        """Raises ImageGone."""
        try:
            return self._path(ref).read_bytes()
        except FileNotFoundError:
            raise ImageGone(ref) from None

    def has(self, ref: str) -> bool:
        """Whether the file is there."""
        return self._path(ref).exists()

    def delete(self, refs: Iterable[str]) -> int:
        """How many there were to delete."""
        deleted = 0
        for ref in refs:
            try:
                self._path(ref).unlink()
            except FileNotFoundError:
                continue
            deleted += 1
        return deleted

    def kept(self) -> list[Kept]:
        """All files, oldest first."""
        found = []
        for path in self._folder.glob("*/*"):
            if _REF.fullmatch(path.name):
                status = path.stat()
                found.append(Kept(path.name, status.st_size, status.st_mtime))
        return sorted(found, key=lambda kept: (kept.written_s, kept.ref))

    def _path(self, ref: str) -> Path:
        """Names from outside (a URL) never leave the folder. Raises ImageGone for what cannot be a name of ours."""
        if not _REF.fullmatch(ref):
            raise ImageGone(ref)
        return self._folder / ref[:2] / ref


def overdue(kept: list[Kept], now_s: float, *, max_age_s: int | None, total_mb: int | None) -> list[str]:
    """The refs to delete, oldest first, so that none is older and all together are no larger."""
    excess = sum(file.size for file in kept) - total_mb * 1_000_000 if total_mb is not None else 0
    doomed = []
    for file in kept:
        too_old = max_age_s is not None and now_s - file.written_s > max_age_s
        if too_old or excess > 0:
            doomed.append(file.ref)
            excess -= file.size
    return doomed


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
