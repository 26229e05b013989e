"""The picture files that the terminal writes and reads: where they may be, and what each is called."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bot.folders import nearest
from bot.imagine.inputs import Brought
from bot.messages import UserError, say

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_BYTES = 64 << 20
"""No more than this is read of a file; a tier's own limit is lower."""
NAMED = re.compile(
    r"""(?:^|(?<=\s))--(?P<what>image|mask)(?:=|\s+)(?P<file>"[^"]+"|'[^']+'|(?:\\.|\S)+)""", re.I
)
"""A file in a line of the chat, as a shell would have it: in quotes, or with its blanks escaped."""


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
    """Refuse a folder that nothing can be written into; it need not be there yet."""
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


def named_files(line: str) -> tuple[str, Mapping[str, Path]]:
    """A line without the files that it names after `--image` and `--mask`, and those files."""
    files = {match["what"].lower(): _path(match["file"]) for match in NAMED.finditer(line)}
    return NAMED.sub("", line).strip(), files


def brought(image: Path | None, mask: Path | None) -> Brought | None:
    """The files that a request comes with. Raises `UserError` where one cannot be read. Blocking."""
    if image is None:
        if mask is not None:
            raise UserError(say("error-picture-needed", option="mask"))
        return None
    return Brought(_read(image), None if mask is None else _read(mask))


def _read(path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(say("error-picture-file", file=str(path), reason=reason)) from None


def _path(written: str) -> Path:
    if written[0] in "\"'":
        return Path(written[1:-1])
    return Path(re.sub(r"\\(.)", r"\1", written))
