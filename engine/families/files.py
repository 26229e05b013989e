"""A model's files on this machine: where they are, and getting them here."""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.settings import BadSetting

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_HEADER_BYTES = 100_000_000
LARGE_BYTES = 1 << 30
"""Weights from this size on are loaded by one process of a machine at a time."""


def fetch(source: str, revision: str | None) -> None:
    """Download a hub's model, as far as it is not here. Blocking; raises what the hub raises."""
    if not Path(source).exists():
        from huggingface_hub import snapshot_download

        snapshot_download(source, revision=revision)


def fetch_index(source: str, revision: str | None) -> None:
    """Download what names a hub's model, a few hundred bytes; what cannot be had stays away. Blocking."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    with contextlib.suppress(HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError):
        hf_hub_download(source, "model_index.json", revision=revision)


def folder_of(source: str, revision: str | None) -> Path:
    """Where the files are; of a hub's model, the snapshot that is loaded."""
    if Path(source).exists():
        return Path(source)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(source, revision=revision, local_files_only=True))


def parameters(folder: Path, part: str) -> int:
    """How many a component has, by the headers of its files; 0 where there are none. Raises BadSetting."""
    return sum(
        math.prod(tensor["shape"])
        for file in (folder / part).glob("*.safetensors")
        for name, tensor in _header(file).items()
        if name != "__metadata__"
    )


def _header(file: Path) -> dict[str, Any]:
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        try:
            header: dict[str, Any] = json.loads(opened.read(min(length, LARGEST_HEADER_BYTES)))
        except ValueError as error:  # what git leaves in a large file's place, or half a download
            raise BadSetting("path", str(file), "it is no safetensors file; download it again") from error
    return header


@contextlib.contextmanager
def turn_to_load(weights_bytes: int, folder: Path | None = None) -> Iterator[None]:
    """Wait until no other process of ours loads large weights here: together they might not fit into the
    host's memory, through which they all go. Blocking.
    """
    if weights_bytes < LARGE_BYTES or os.name != "posix":
        yield
        return
    import fcntl

    path = (folder or Path(tempfile.gettempdir())) / f"easel-loading-{os.getuid()}.lock"
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # let go of when the file is closed, or its process is gone
        yield
