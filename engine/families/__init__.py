"""What the engine knows of each kind of model: one file a family, tables of numbers beside it."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.families.family import Family

INDEX = "model_index.json"
"""Of a folder in diffusers' layout; it names the class of the pipeline."""


def families() -> Mapping[str, Family]:
    """All there are, by the class of their pipeline. A module that has one calls it FAMILY."""
    modules = [importlib.import_module(f"{__name__}.{file.name}") for file in pkgutil.iter_modules(__path__)]
    return {module.FAMILY.pipeline: module.FAMILY for module in modules if hasattr(module, "FAMILY")}


def index_file(source: str, revision: str | None) -> Path | None:
    """The index of a folder, or of a hub's model; None where that was not downloaded yet."""
    if (folder := Path(source)).is_dir():
        return folder / INDEX
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(source, INDEX, revision=revision)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None
