"""Files of weights, read without torch: what a .safetensors file holds, and why it cannot be used."""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUFFIX = ".safetensors"
LONGEST_HEADER = 100 << 20
"""The format's own limit."""


class Flaw(enum.Enum):
    """Why a file cannot be used."""

    MISSING = "missing"
    """There is no such file, or not one .safetensors in the folder."""
    PICKLE = "pickle"
    """A file that runs code when it is read."""
    UNREADABLE = "unreadable"
    """Not in the format of .safetensors, or cut short."""
    DORA = "dora"
    LOHA = "loha"
    LOKR = "lokr"
    DOUBLE_UNDERSCORE = "double-underscore"
    """Keys that begin with lora_unet__, whose layers nobody can tell."""
    TEXT_ENCODER = "text-encoder"
    """It changes the text encoder too, which is not supported."""
    NO_LORA = "no-lora"
    NO_PEFT = "no-peft"
    """Nothing is wrong with it; the library that applies it is not installed."""
    NO_CONTROL = "no-control"
    """No control network of this kind of model."""
    UNKNOWN_CONTROL = "unknown-control"
    """A control network, but of no release that is known: nobody can tell where its layers belong."""
    NO_MASKS = "no-masks"
    """Nothing is wrong with it; the attention back end refuses the masks that it draws with."""
    OTHER_MODEL = "other-model"
    """Its layers are of other widths than the model's."""


class BadWeights(ValueError):
    """A file that cannot be used for what it was named for."""

    def __init__(self, flaw: Flaw, path: Path) -> None:
        super().__init__(flaw, path)
        self.flaw = flaw
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.flaw.value}"


@dataclass(frozen=True, slots=True)
class Header:
    """What stands at the beginning of a file."""

    shapes: Mapping[str, tuple[int, ...]]
    """By the name of the tensor."""
    metadata: Mapping[str, str]
    offsets: Mapping[str, tuple[int, int]]
    """Where each tensor's bytes are in the file."""

    @property
    def parameters(self) -> int:
        return sum(prod(shape) for shape in self.shapes.values())


def weights_file(path: Path) -> Path:
    """The file itself, or the only one in a folder. Raises BadWeights."""
    files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if len(files) != 1 or not files[0].is_file():
        raise BadWeights(Flaw.MISSING, path)
    return files[0]


def read_header(file: Path) -> Header:
    """Raises BadWeights for what is no such file, or not the whole of it."""
    with file.open("rb") as data:
        start = data.read(9)
        length = int.from_bytes(start[:8], "little")
        if file.suffix != SUFFIX or start[8:] != b"{" or length > LONGEST_HEADER:
            pickled = start.startswith((b"PK", b"\x80"))  # torch.save writes a zip, or a pickle as it is
            raise BadWeights(Flaw.PICKLE if pickled else Flaw.UNREADABLE, file)
        text = b"{" + data.read(length - 1)
    first = 8 + length
    try:
        told: dict[str, Any] = json.loads(text)
        metadata = told.pop("__metadata__", {})
        ends = {key: entry["data_offsets"] for key, entry in told.items()}
        offsets = {key: (first + begin, first + end) for key, (begin, end) in ends.items()}
        shapes = {key: tuple(entry["shape"]) for key, entry in told.items()}
        whole = max((end for _, end in offsets.values()), default=first)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadWeights(Flaw.UNREADABLE, file) from error
    if file.stat().st_size != whole:
        raise BadWeights(Flaw.UNREADABLE, file)
    return Header(shapes, metadata, offsets)


def digest_of(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
