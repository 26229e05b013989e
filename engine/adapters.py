"""LoRA files, as far as they can be told without torch: what a file is, and why it cannot be used."""

from __future__ import annotations

import enum
import hashlib
import json
import re
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MOST = 4
"""LoRAs that one picture may be drawn with."""
SUFFIX = ".safetensors"
LONGEST_HEADER = 100 << 20
"""The format's own limit."""
DOWN = re.compile(r"\.(?:lora_A(?:\.default)?|lora_down|lora\.down)\.weight$")
UP = re.compile(r"\.(?:lora_B(?:\.default)?|lora_up|lora\.up)\.weight$")


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
    OTHER_MODEL = "other-model"
    """Its layers are of other widths than the model's."""


class BadAdapter(ValueError):
    """A file that cannot be used as a LoRA."""

    def __init__(self, flaw: Flaw, path: Path) -> None:
        super().__init__(flaw, path)
        self.flaw = flaw
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.flaw.value}"


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """A LoRA that a model may draw with."""

    name: str
    path: Path
    digest: str
    """SHA-256 of the file."""
    parameters: int


def examine(name: str, path: Path, model: Path | None = None) -> AdapterFile:
    """Look at a file, or at the only one in a folder. Blocking: it reads the whole of it once.

    `model`: a folder in diffusers' layout that it must fit. Raises BadAdapter.
    """
    file = _file(path)
    header = _header(file)
    if (flaw := _flaw(header)) is not None:
        raise BadAdapter(flaw, file)
    if model is not None and not _fits(header, _linears(model)):
        raise BadAdapter(Flaw.OTHER_MODEL, file)
    return AdapterFile(name, file, digest_of(file), sum(prod(shape) for shape in header.values()))


def digest_of(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _file(path: Path) -> Path:
    if path.is_dir():
        files = sorted(path.glob(f"*{SUFFIX}"))
        if len(files) != 1:
            raise BadAdapter(Flaw.MISSING, path)
        return files[0]
    if not path.is_file():
        raise BadAdapter(Flaw.MISSING, path)
    return path


def _header(file: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by key."""
    with file.open("rb") as data:
        start = data.read(9)
        length = int.from_bytes(start[:8], "little")
        if file.suffix != SUFFIX or start[8:] != b"{" or length > LONGEST_HEADER:
            pickled = start.startswith((b"PK", b"\x80"))  # torch.save writes a zip, or a pickle as it is
            raise BadAdapter(Flaw.PICKLE if pickled else Flaw.UNREADABLE, file)
        text = b"{" + data.read(length - 1)
    try:
        told: dict[str, Any] = json.loads(text)
        told.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in told.values()), default=0)
        shapes = {key: tuple(entry["shape"]) for key, entry in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadAdapter(Flaw.UNREADABLE, file) from error
    if file.stat().st_size != 8 + length + end:
        raise BadAdapter(Flaw.UNREADABLE, file)
    return shapes


def _flaw(keys: dict[str, tuple[int, ...]]) -> Flaw | None:
    marks = {
        "dora_scale": Flaw.DORA,
        "lora_magnitude_vector": Flaw.DORA,
        "hada_w": Flaw.LOHA,
        "lokr_w": Flaw.LOKR,
        "lora_unet__": Flaw.DOUBLE_UNDERSCORE,
        "lora_te": Flaw.TEXT_ENCODER,
        "text_encoder": Flaw.TEXT_ENCODER,
    }
    found = {flaw for mark, flaw in marks.items() for key in keys if mark in key}
    if found:
        return next(flaw for flaw in Flaw if flaw in found)
    return None if any(DOWN.search(key) for key in keys) else Flaw.NO_LORA


def _fits(keys: dict[str, tuple[int, ...]], linears: set[tuple[int, ...]]) -> bool:
    """Whether each layer has the widths of one of the model's; query, key and value may be one layer."""
    ups = {UP.sub("", key): shape for key, shape in keys.items() if UP.search(key)}
    downs = {DOWN.sub("", key): shape for key, shape in keys.items() if DOWN.search(key)}
    if ups.keys() != downs.keys() or any(len(shape) != 2 for shape in (*ups.values(), *downs.values())):
        return False
    widths = {(ups[layer][0], downs[layer][1]) for layer in downs}
    return all((out, into) in linears or (out / 3, into) in linears for out, into in widths)


def _linears(model: Path) -> set[tuple[int, ...]]:
    """Shapes (out, in) of the transformer's layers."""
    files = (model / "transformer").glob(f"*{SUFFIX}")
    return {shape for file in files for shape in _header(file).values() if len(shape) == 2}
