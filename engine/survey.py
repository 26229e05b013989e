"""What this machine has to draw with: torch, driver, card, memory, and the model's files. Loads no model."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.families.files import parameters
from engine.families.recognise import recognise
from engine.families.registry import INDEX, index_file
from engine.settings import EMBEDDED, EMBEDDED_FOLDER, BadSetting
from engine.worker.memory import COMPONENTS, USABLE_PART, Mode, mode_for, needed_bytes
from engine.worker.nvml import GpuGone, Memory, NvmlGpu

if TYPE_CHECKING:
    from engine.families.profile import Profile
    from engine.settings import ModelSettings


@dataclass(frozen=True, slots=True)
class Torch:
    """The torch that is installed."""

    version: str | None
    """None where it cannot be imported."""
    cuda: str | None = None
    """The CUDA it was built for; None for a CPU build."""
    sees_gpu: bool = False
    trouble: str = ""
    """What it said itself."""


@dataclass(frozen=True, slots=True)
class Card:
    """The first GPU, as the driver tells."""

    name: str
    driver: str | None
    memory: Memory | None


@dataclass(frozen=True, slots=True)
class Fitting:
    """Bytes that pictures of these settings need at their worst moment, and what they may take."""

    mode: Mode
    usual_bytes: int
    """For the model's default size."""
    largest_bytes: int
    """For the largest that is offered."""
    budget_bytes: int


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where the weights are; `folder` is None for a hub's model that was not downloaded yet."""

    folder: Path | None
    missing: tuple[str, ...] = ()


def survey_torch() -> Torch:
    """Import it and ask whether it sees a GPU. Takes seconds; never raises."""
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library of its own cannot be loaded
        return Torch(None, trouble=str(error).splitlines()[0])
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        sees = torch.cuda.is_available()  # what is wrong it says as a warning
    trouble = str(heard[-1].message).splitlines()[0] if heard else ""
    return Torch(str(torch.__version__), torch.version.cuda, sees, trouble)


def survey_card() -> Card | None:
    """The card that CUDA would take first; None where no driver answers."""
    gpu = NvmlGpu(0)
    try:
        gpu.connect()
        return Card(gpu.name() or "NVIDIA", gpu.driver_version(), gpu.memory())
    except GpuGone:
        return None
    finally:
        gpu.disconnect()


def survey_fitting(settings: ModelSettings) -> Fitting | None:
    """How the settings go with the card; None on a CPU. Raises ValueError for settings that cannot be."""
    from engine.placement import resolve  # torch takes seconds to import

    placement = resolve(settings)
    if not placement.on_gpu or placement.budget_bytes is None:
        return None
    return _fitting(placement.profile, placement.mode, placement.budget_bytes, settings)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a model is, and how it would go on this machine's card. Parameters from the files' headers."""

    profile: Profile
    """With the weights as they would be loaded."""
    parameters: int | None
    """None where the files are not here."""
    needs_bytes: int
    """For a picture of the usual size, with everything resident; on a CPU the weights."""
    fitting: Fitting | None
    """None without a card, or where it would draw on the CPU."""


def survey_standing(settings: ModelSettings, card: Card | None) -> Standing:
    """Look, and load nothing, torch included. Raises BadSetting for a model that cannot be used."""
    profile = recognise(settings.source, settings.revision)
    files = survey_model(settings)
    folder = files.folder
    if files.missing and Path(settings.source).is_dir():
        raise BadSetting("path", settings.source, f"the folder has no {', no '.join(files.missing)}")
    counts = {part: parameters(folder, part) for part in COMPONENTS} if folder else {}
    on_cpu = settings.device == "cpu" or (
        settings.device == "auto" and settings.source == EMBEDDED and not card
    )
    itemsize = 4 if settings.dtype == "float32" or on_cpu else 2
    if any(counts.values()):
        profile = replace(profile, weights_bytes={part: n * itemsize for part, n in counts.items()})
    if settings.quantisation != "none":
        profile = profile.quantised(itemsize)
    if settings.control is not None:
        profile = profile.controlled(settings.control, itemsize)
    usual = math.prod(profile.default_size)
    needs = profile.resident_bytes if on_cpu else needed_bytes(profile, Mode.HIGH, usual)
    fitting = None
    if card is not None and card.memory is not None and not on_cpu:
        budget = settings.memory_budget_bytes or round(USABLE_PART * card.memory.total_bytes)
        mode = mode_for(settings.memory_mode, profile, budget, settings.largest_px)
        fitting = _fitting(profile, mode, budget, settings)
    return Standing(profile, sum(counts.values()) or None, needs, fitting)


def _fitting(profile: Profile, mode: Mode, budget_bytes: int, settings: ModelSettings) -> Fitting:
    largest_px = settings.largest_px or max(profile.default_size)
    usual_bytes = needed_bytes(profile, mode, math.prod(profile.default_size))
    return Fitting(mode, usual_bytes, needed_bytes(profile, mode, largest_px**2), budget_bytes)


def survey_model(settings: ModelSettings) -> ModelFiles:
    """Look for the weights where loading will look, and download nothing."""
    source = str(EMBEDDED_FOLDER) if settings.source == EMBEDDED else settings.source
    index = index_file(source, settings.revision)
    return ModelFiles(None) if index is None else ModelFiles(index.parent, _missing(index.parent))


def survey_download(settings: ModelSettings) -> int:
    """Bytes of a hub's model, as far as it is known; else of its weights, or 0."""
    try:
        profile = recognise(settings.source, settings.revision)
    except BadSetting:
        return 0
    return profile.hub.download_bytes if profile.hub else profile.resident_bytes


def hub_cache() -> Path:
    """Where a hub's models are kept once they are downloaded."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _missing(folder: Path) -> tuple[str, ...]:
    """The files that a pipeline cannot do without, as far as they are not there."""
    weights = (part for part in COMPONENTS if not any((folder / part).glob("*.safetensors")))
    index = () if (folder / INDEX).is_file() else (INDEX,)
    return *index, *(f"{part}/*.safetensors" for part in weights)
