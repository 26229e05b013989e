"""Pictures as files beside the database, each named by its content, durable before it has that name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .clock import SECOND_US
from .errors import ImageGone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_REF = re.compile(r"[0-9a-f]{32}(?:[0-9a-f]{32})?\.[a-z0-9]{1,8}")
_TEMPORARY = ".tmp-"
GRACE_US = 60 * SECOND_US
"""A younger file may belong to a job whose row is still being written."""


def drawn_name(content: bytes) -> str:
    """What a picture that was drawn here is called."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def input_name(content: bytes) -> str:
    """What a picture that came with a request is called: the digest that the engine knows it by."""
    return hashlib.sha256(content).hexdigest()


def input_ref(digest: str) -> str:
    """The file of a picture that came with a request."""
    return f"{digest}.png"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the folder: its name, its size in bytes, and when it was written."""

    ref: str
    size: int
    written_us: int


class ImageFolder:
    """Blocking file work; the store runs it off the event loop."""

    def __init__(
        self, folder: Path, on_step: Callable[[str], None] = lambda step: None, *, durable: bool = True
    ) -> None:
        """`on_step` is called between the steps of a write, for tests that kill there."""
        self.path = folder
        self._on_step = on_step
        self._durable = durable
        self._lock = threading.Lock()  # between finding a picture there and deleting it

    def prepare(self, *, clear: bool = True) -> None:
        """Make the folder, and clear what a crash left half written (by nobody who still writes)."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not clear:
            return
        for leftover in self.path.glob(f"*/{_TEMPORARY}*"):
            leftover.unlink(missing_ok=True)

    def put(self, content: bytes, suffix: str, now_us: int, name: Callable[[bytes], str] = drawn_name) -> str:
        """Write to a temporary name, fsync, rename, fsync the folder: a ref always names a whole picture."""
        now_ns = (now_us * 1000, now_us * 1000)
        ref = name(content) + suffix.lower()
        target = self._path(ref)
        with self._lock, contextlib.suppress(FileNotFoundError):
            os.utime(target, ns=now_ns)  # there already: drawn again, so its age begins anew
            return ref
        if not target.parent.exists():  # the whole folder may have been deleted by hand
            target.parent.mkdir(parents=True, exist_ok=True)
            self._sync_folder(self.path)
        temporary = target.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"
        try:
            with temporary.open("wb") as file:
                file.write(content)
                if self._durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.utime(temporary, ns=now_ns)
            self._on_step("image-written")
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._on_step("image-renamed")
        self._sync_folder(target.parent)
        return ref

    def _sync_folder(self, folder: Path) -> None:
        if self._durable:
            fsync_folder(folder)

    def get(self, ref: str) -> bytes:
        """Raises ImageGone."""
        try:
            return self._path(ref).read_bytes()
        except FileNotFoundError:
            raise ImageGone(ref) from None

    def has(self, ref: str) -> bool:
        """Whether the file is there."""
        return bool(_REF.fullmatch(ref)) and self._path(ref).exists()

    def delete(self, refs: Iterable[tuple[str, int]]) -> int:
        """Delete pictures by ref, unless written again after the given moment (microseconds). How many."""
        deleted = 0
        for ref, until_us in refs:
            path = self._path(ref)
            with self._lock, contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime_ns // 1000 <= until_us:
                    path.unlink()
                    deleted += 1
        return deleted

    def refs(self) -> list[str]:
        """The names of all pictures."""
        return [path.name for path in self.path.glob("*/*") if _REF.fullmatch(path.name)]

    def kept(self) -> list[Kept]:
        """All files, oldest first."""
        found = []
        for path in self.path.glob("*/*"):
            if _REF.fullmatch(path.name):
                try:
                    status = path.stat()
                except FileNotFoundError:  # deleted meanwhile
                    continue
                found.append(Kept(path.name, status.st_size, status.st_mtime_ns // 1000))
        return sorted(found, key=lambda kept: (kept.written_us, kept.ref))

    def _path(self, ref: str) -> Path:
        """Names from outside (a URL) never leave the folder.

        Raises ImageGone for what cannot be a name of ours.
        """
        if not _REF.fullmatch(ref):
            raise ImageGone(ref)
        return picture_path(self.path, ref)


def picture_path(folder: Path, ref: str) -> Path:
    """Where a picture is in a folder of pictures."""
    return folder / ref[:2] / ref


def overdue(kept: list[Kept], now_us: int, *, max_age_s: int | None, total_mb: int | None) -> list[str]:
    """The refs to delete, oldest first, so that none is older and all together are no larger."""
    excess = sum(file.size for file in kept) - total_mb * 1_000_000 if total_mb is not None else 0
    refs = []
    for file in kept:
        if now_us - file.written_us < GRACE_US:
            break
        too_old = max_age_s is not None and now_us - file.written_us > max_age_s * SECOND_US
        if too_old or excess > 0:
            refs.append(file.ref)
            excess -= file.size
    return refs


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
