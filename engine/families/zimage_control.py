"""Control networks of Z-Image, as far as they can be told without torch: which release a file is, and whether
it fits a model.
"""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass, fields
from math import prod
from typing import TYPE_CHECKING, Any

from engine.request import ControlKind
from engine.weights import BadWeights, Flaw, read_header, weights_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engine.weights import Header

TRANSFORMER = "ZImageTransformer2DModel"
CONFIG = "config.json"
"""Beside the weights, in a folder: it says how the network is made, in diffusers' words."""
KINDS = "control_kinds"
"""In the metadata of a file: the maps it was trained on, as in `edges, depth`. Without it, all of them."""
EMBEDDER = "control_all_x_embedder.2-1"
LAYER = re.compile(r"control_layers\.(\d+)\.")
REFINER = re.compile(r"control_noise_refiner\.(\d+)\.")
PATCH = 4
"""Latent pixels that an image token is made of."""
MAX_PROMPT_TOKENS = 512
"""Those of a caption at most, read beside those of the image."""
LARGEST_MODULATION = 256


class Release(enum.Enum):
    """Those of Z-Image-Turbo-Fun-Controlnet-Union; told apart by shapes, since no file says it."""

    V1 = "1"
    V2_0 = "2.0"
    V2_1 = "2.1"
    LITE = "2.1-lite"
    OWN = "own"
    """Of nobody's but a folder that says itself how it is made."""


class Refiner(enum.Enum):
    """What the map goes through before the layers; values are diffusers' `add_control_noise_refiner`."""

    PLAIN = None
    """Blocks that know the map alone."""
    LAYERS = "control_layers"
    """The very layers that follow it."""
    HINTS = "control_noise_refiner"
    """Blocks of its own, with the picture beside it."""


RELEASES = {
    (False, Refiner.PLAIN, 5): Release.V1,
    (True, Refiner.LAYERS, 2): Release.V2_0,
    (True, Refiner.HINTS, 2): Release.V2_1,
    (True, Refiner.HINTS, 10): Release.LITE,
}
"""By whether a map has channels for inpainting too, and by which layers are given hints: every how many."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a network is made."""

    release: Release
    places: tuple[int, ...]
    """The layers of the transformer that are given hints, one by each layer of the network."""
    channels: int
    """Of a map's latents: those beyond the model's own, which are for inpainting, stay empty."""
    refiner: Refiner


@dataclass(frozen=True, slots=True)
class ControlFile:
    """A control network that a model may draw with."""

    path: Path
    """Of the weights."""
    layout: Layout
    kinds: frozenset[ControlKind]
    """The maps that it was trained to follow."""
    parameters: int
    width: int
    """Of a hint: numbers for each token of picture and caption."""
    added_time: float
    """Of a step's, by the count of layers: 1 where a step with a map takes twice as long as without."""

    def hints_bytes(self, image_tokens: int, itemsize: int) -> int:
        """What a step with a map takes beyond one without, at its most."""
        # Each layer copies all hints so far, and the next one's input; then they are scaled.
        copies = 2 * len(self.layout.places) + 3
        return (MAX_PROMPT_TOKENS + image_tokens) * copies * self.width * itemsize


@dataclass(frozen=True, slots=True)
class _Base:
    """The transformer that it goes with; by itself Z-Image-Turbo's."""

    dim: int = 3840
    n_layers: int = 30
    n_refiner_layers: int = 2
    n_heads: int = 30
    in_channels: int = 16


def examine(path: Path, model: Path | None = None) -> ControlFile:
    """Look at a file, or at a folder in diffusers' layout. Blocking, and short: it reads headers.

    `model`: the folder of the model that it must fit; None for Z-Image-Turbo. Raises BadWeights.
    """
    file = weights_file(path)
    header, base = read_header(file), _base(model)
    shape = header.shapes.get(f"{EMBEDDER}.weight", ())
    if len(shape) != 2 or not _count(LAYER, header):
        raise BadWeights(Flaw.NO_CONTROL, file)
    if base is None or shape[0] != base.dim:
        raise BadWeights(Flaw.OTHER_MODEL, file)
    config = path / CONFIG
    layout = _told(config, base) if config.exists() else _known(file, header, base)
    wanted = dict(_shapes(layout, base))
    unused = REFINER if layout.refiner is Refiner.LAYERS else None
    given = {key: shape for key, shape in header.shapes.items() if not (unused and unused.match(key))}
    if given != wanted:
        raise BadWeights(Flaw.OTHER_MODEL if given.keys() == wanted.keys() else Flaw.UNKNOWN_CONTROL, file)
    named = {word.strip() for word in header.metadata.get(KINDS, "").split(",")}
    return ControlFile(
        path=file,
        layout=layout,
        kinds=frozenset(kind for kind in ControlKind if kind.value in named) or frozenset(ControlKind),
        parameters=sum(map(prod, wanted.values())),
        width=base.dim,
        added_time=_added_time(layout, base),
    )


def _base(model: Path | None) -> _Base | None:
    """None for a model of another kind."""
    if model is None:
        return _Base()
    config = json.loads((model / "transformer" / CONFIG).read_text("utf-8"))
    if config.get("_class_name") != TRANSFORMER:
        return None
    names = (part.name for part in fields(_Base))
    return _Base(**{name: config[name] for name in names if name in config})


def _known(file: Path, header: Header, base: _Base) -> Layout:
    """Of a single file: where its layers belong follows from its release."""
    channels, count = header.shapes[f"{EMBEDDER}.weight"][1] // PATCH, _count(LAYER, header)
    inpaints, refiner = channels > base.in_channels, Refiner.PLAIN
    if inpaints:
        refiner = Refiner.HINTS if _sees_picture(file, header) else Refiner.LAYERS
    apart = base.n_layers // count
    release = RELEASES.get((inpaints, refiner, apart))
    if release is None or apart * count != base.n_layers:
        raise BadWeights(Flaw.UNKNOWN_CONTROL, file)
    return Layout(release, tuple(range(0, base.n_layers, apart)), channels, refiner)


def _told(config: Path, base: _Base) -> Layout:
    """Of a folder."""
    try:
        told: Mapping[str, Any] = json.loads(config.read_text("utf-8"))
        places = tuple(told["control_layers_places"])
        layout = Layout(
            Release.OWN, places, told["control_in_dim"], Refiner(told.get("add_control_noise_refiner"))
        )
        known = 0 in places and all(0 <= place < base.n_layers for place in places)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadWeights(Flaw.UNKNOWN_CONTROL, config) from error
    if not known:
        raise BadWeights(Flaw.UNKNOWN_CONTROL, config)
    return layout


def _added_time(layout: Layout, base: _Base) -> float:
    refiners = base.n_refiner_layers
    first = len(layout.places) if layout.refiner is Refiner.LAYERS else refiners
    return (first + refiners + len(layout.places)) / (base.n_layers + refiners)


def _count(layers: re.Pattern[str], header: Header) -> int:
    return len({found[1] for key in header.shapes if (found := layers.match(key))})


def _sees_picture(file: Path, header: Header) -> bool:
    """Whether its refiner is used: 2.0 brings one whose way in was never trained, and is all zero."""
    place = header.offsets.get("control_noise_refiner.0.before_proj.weight")
    if place is None:
        return False
    with file.open("rb") as data:
        data.seek(place[0])
        return bool(data.read(place[1] - place[0]).translate(None, b"\x00\x80"))  # 0.0 and -0.0


def _shapes(layout: Layout, base: _Base) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What such a network is made of, by diffusers' names."""
    yield f"{EMBEDDER}.weight", (base.dim, PATCH * layout.channels)
    yield f"{EMBEDDER}.bias", (base.dim,)
    for n in range(len(layout.places)):
        yield from _block(f"control_layers.{n}", base, first=n == 0, hints=True)
    if layout.refiner is not Refiner.LAYERS:
        hints = layout.refiner is Refiner.HINTS
        for n in range(base.n_refiner_layers):
            yield from _block(f"control_noise_refiner.{n}", base, first=n == 0, hints=hints)


def _block(name: str, base: _Base, *, first: bool, hints: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    dim, hidden, head = base.dim, int(base.dim / 3 * 8), base.dim // base.n_heads
    for part in ("to_q", "to_k", "to_v", "to_out.0"):
        yield f"{name}.attention.{part}.weight", (dim, dim)
    for part in ("norm_q", "norm_k"):
        yield f"{name}.attention.{part}.weight", (head,)
    for part, shape in {"w1": (hidden, dim), "w2": (dim, hidden), "w3": (hidden, dim)}.items():
        yield f"{name}.feed_forward.{part}.weight", shape
    for part in ("attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2"):
        yield f"{name}.{part}.weight", (dim,)
    yield f"{name}.adaLN_modulation.0.weight", (4 * dim, min(dim, LARGEST_MODULATION))
    yield f"{name}.adaLN_modulation.0.bias", (4 * dim,)
    projections = (["before_proj"] if first else []) + ["after_proj"] if hints else []
    for part in projections:
        yield f"{name}.{part}.weight", (dim, dim)
        yield f"{name}.{part}.bias", (dim,)
