"""What this machine has to draw with: torch, driver, card, memory, and the model's files. Loads no model."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.families.registry import INDEX, index_file
from engine.settings import EMBEDDED, EMBEDDED_FOLDER
from engine.worker.memory import COMPONENTS, Mode, needed_bytes
from engine.worker.nvml import GpuGone, Memory, NvmlGpu

if TYPE_CHECKING:
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
    profile, mode = placement.profile, placement.mode
    width, height = profile.default_size
    largest_px = settings.largest_px or max(profile.default_size)
    return Fitting(
        mode,
        needed_bytes(profile, mode, width * height),
        needed_bytes(profile, mode, largest_px**2),
        placement.budget_bytes,
    )


def survey_model(settings: ModelSettings) -> ModelFiles:
    """Look for the weights where loading will look, and download nothing."""
    source = str(EMBEDDED_FOLDER) if settings.source == EMBEDDED else settings.source
    index = index_file(source, settings.revision)
    return ModelFiles(None) if index is None else ModelFiles(index.parent, _missing(index.parent))


def hub_cache() -> Path:
    """Where a hub's models are kept once they are downloaded."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def _missing(folder: Path) -> tuple[str, ...]:
    """The files that a pipeline cannot do without, as far as they are not there."""
    weights = (part for part in COMPONENTS if not any((folder / part).glob("*.safetensors")))
    index = () if (folder / INDEX).is_file() else (INDEX,)
    return *index, *(f"{part}/*.safetensors" for part in weights)
