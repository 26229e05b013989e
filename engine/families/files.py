"""A model's files on this machine: where they are, and getting them here."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from engine.settings import BadSetting
from engine.weights import SUFFIX, BadWeights, read_header

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    try:
        return sum(read_header(file).parameters for file in (folder / part).glob(f"*{SUFFIX}"))
    except BadWeights as bad:  # what git leaves in a large file's place, or half a download
        raise BadSetting("path", str(bad.path), "it is no safetensors file; download it again") from bad


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
