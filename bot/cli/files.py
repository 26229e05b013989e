"""The picture files that the terminal writes: where they may be, and what each is called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bot.folders import nearest
from bot.messages import UserError, say

if TYPE_CHECKING:
    from pathlib import Path


def check_out(out: Path) -> None:
    """Raises `UserError` where it is plain that no picture can be written to `out`; touches nothing."""
    if os.path.isdir(out):
        raise UserError(say("error-out-folder", file=str(out), example=str(out / "easel.png")))
    if out.suffix.lower() not in ("", ".png"):
        raise UserError(say("error-out-suffix", found=out.suffix))
    if not os.path.exists(out):
        check_folder(out.parent)
    elif not os.access(out, os.W_OK):
        raise UserError(say("error-out-denied", file=str(out)))


def check_folder(folder: Path) -> None:
    """The same of a folder, which need not be there yet."""
    there = nearest(folder)
    if not os.path.isdir(there):
        raise UserError(say("error-out-below", found=str(there)))
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(say("error-out-denied", file=str(there)))


def files_of(out: Path, count: int) -> list[Path]:
    """Where `count` pictures go: `cat.png`, `cat-2.png` and so on."""
    return [out if n == 0 else out.with_stem(f"{out.stem}-{n + 1}") for n in range(count)]


def write(path: Path, content: bytes) -> None:
    """Write a file, and make its folder where there is none. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
