"""The control networks of bot.toml, by which models follow a picture: what each follows, or its flaw."""

from __future__ import annotations

import functools
import importlib.util
from typing import TYPE_CHECKING

from bot.messages import Message, say
from engine.control import ControlFile, examine
from engine.families.registry import index_file
from engine.request import ControlKind
from engine.settings import EMBEDDED, EMBEDDED_FOLDER
from engine.weights import BadWeights

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.schema import Config

SHIPPED = EMBEDDED_FOLDER / "control"
"""The embedded model's own, where nothing that was set is in its way."""
TAKES_MAPS = ("auto", "native")
"""Attention back ends that it surely draws with."""


def network(config: Config, name: str) -> ControlFile | BadWeights | None:
    """The control network of a model in bot.toml, if it has one. Blocking; an unchanged file is read once."""
    section, run = config.named_models[name], config.model
    path = section.control
    if path is None and section.path == EMBEDDED and not run.compile and run.attention in TAKES_MAPS:
        path = SHIPPED
    if path is None or config.engine.backend == "openai":
        return None
    try:
        return _examined(path, model_folder(section.path, section.revision), _version(path))
    except BadWeights as bad:
        return bad


def usable(config: Config, name: str) -> ControlFile | None:
    """The control network of a model, where its file is sound."""
    found = network(config, name)
    return found if isinstance(found, ControlFile) else None


def followed(config: Config, name: str) -> frozenset[ControlKind]:
    """What can be asked for of what it follows: without OpenCV nobody finds outlines."""
    found = usable(config, name)
    kinds = found.kinds if found is not None else frozenset()
    return kinds if finds_outlines() else kinds - {ControlKind.EDGES}


def finds_outlines() -> bool:
    """Whether the extra `control` is installed."""
    return importlib.util.find_spec("cv2") is not None


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
    if ControlKind.EDGES in found.kinds and not finds_outlines():
        return say("control-no-opencv", model=shown, file=str(found.path)), False
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
