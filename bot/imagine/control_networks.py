"""The control networks of bot.toml, by which models follow a picture: what each follows, or its flaw."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from bot.messages import Message, say
from engine.families.registry import index_file
from engine.families.zimage_control import ControlFile, examine
from engine.request import ControlKind
from engine.settings import EMBEDDED, EMBEDDED_FOLDER, TAKES_MASKS
from engine.weights import BadWeights, Flaw

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.schema import Config

SHIPPED = EMBEDDED_FOLDER / "control"
"""The embedded model's own."""


def network(config: Config, name: str) -> ControlFile | BadWeights | None:
    """The control network of a model in bot.toml, if it has one. Blocking; an unchanged file is read once."""
    section = config.named_models[name]
    path = section.control or (SHIPPED if section.path == EMBEDDED else None)
    if path is None or config.engine.backend == "openai":
        return None
    if config.model.attention not in TAKES_MASKS:
        return BadWeights(Flaw.NO_MASKS, path)
    try:
        return _examined(path, model_folder(section.path, section.revision), _version(path))
    except BadWeights as bad:
        return bad


def usable(config: Config, name: str) -> ControlFile | None:
    """The control network of a model, where its file is sound."""
    found = network(config, name)
    return found if isinstance(found, ControlFile) else None


def standing(config: Config, name: str) -> tuple[Message, bool] | None:
    """One sentence for the owner on what a model follows, and whether all is well; None where it has no
    network.
    """
    found = network(config, name)
    shown = name or config.model.path
    match found:
        case None:
            return None
        case BadWeights():
            return flaw(shown, found), False
    kinds = ", ".join(kind.value for kind in ControlKind if kind in found.kinds)
    return say("control-sound", model=shown, file=str(found.path), kinds=kinds), True


def flaw(name: str, bad: BadWeights) -> Message:
    """One sentence for the owner."""
    return say("control-flaw", model=name, file=str(bad.path), flaw=bad.flaw.value)


def model_folder(path: str, revision: str | None) -> Path | None:
    """Where a model is that a file must fit; None where that cannot be told."""
    if path == EMBEDDED:
        return EMBEDDED_FOLDER
    index = index_file(path, revision)
    return index.parent if index is not None else None


def _version(path: Path) -> object:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.exists())


@functools.lru_cache(maxsize=64)
def _examined(path: Path, model: Path | None, version: object) -> ControlFile:
    return examine(path, model)
