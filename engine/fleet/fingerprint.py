"""Which model this is: two workers with one fingerprint draw the same picture from the same request."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import TYPE_CHECKING

from engine.families.files import folder_of

if TYPE_CHECKING:
    from pathlib import Path

    from engine.families.family import Placement

SAMPLES = 64
SAMPLE_BYTES = 1 << 16
"""So much is read of a weights file, evenly spread, beside its size: another training changes every part."""


def fingerprint(placement: Placement) -> str:
    """Of the model's files, and of how they are made to draw. Reads files: not for the event loop."""
    how = (placement.dtype, placement.quantisation, version("diffusers"))
    told = hashlib.sha256("|".join(map(str, how)).encode())
    for adapter in placement.adapters:
        told.update(f"{adapter.name}|{adapter.digest}|".encode())
    if placement.control is not None:
        _add(told, placement.control.path)
    if placement.upscaler is not None:
        told.update(f"{placement.upscaler.digest}|".encode())
    folder = folder_of(placement.source, placement.revision)
    for file in sorted(
        path for path in folder.rglob("*") if path.suffix in (".safetensors", ".json", ".txt")
    ):
        told.update(f"{file.relative_to(folder)}|{file.stat().st_size}|".encode())
        _add(told, file)
    return told.hexdigest()[:16]


def _add(told: hashlib._Hash, file: Path) -> None:
    size = file.stat().st_size
    with file.open("rb") as data:
        if size <= SAMPLES * SAMPLE_BYTES:
            told.update(data.read())
            return
        for n in range(SAMPLES):
            data.seek(n * (size - SAMPLE_BYTES) // (SAMPLES - 1))
            told.update(data.read(SAMPLE_BYTES))
