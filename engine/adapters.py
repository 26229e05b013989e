"""LoRA files, as far as they can be told without torch: what a file is, and whether it fits a model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.weights import SUFFIX, BadWeights, Flaw, digest_of, read_header, weights_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST = 4
"""LoRAs that one picture may be drawn with."""
DOWN = re.compile(r"\.(?:lora_A(?:\.default)?|lora_down|lora\.down)\.weight$")
UP = re.compile(r"\.(?:lora_B(?:\.default)?|lora_up|lora\.up)\.weight$")


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

    `model`: a folder in diffusers' layout that it must fit. Raises BadWeights.
    """
    file = weights_file(path)
    header = read_header(file)
    if (flaw := _flaw(header.shapes)) is not None:
        raise BadWeights(flaw, file)
    if model is not None and not _fits(header.shapes, _linears(model)):
        raise BadWeights(Flaw.OTHER_MODEL, file)
    return AdapterFile(name, file, digest_of(file), header.parameters)


def _flaw(keys: Mapping[str, tuple[int, ...]]) -> Flaw | None:
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


def _fits(keys: Mapping[str, tuple[int, ...]], linears: set[tuple[int, ...]]) -> bool:
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
    return {shape for file in files for shape in read_header(file).shapes.values() if len(shape) == 2}
