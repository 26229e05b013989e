"""Where the model lives and how fast it is made: device, dtype, memory mode, attention, compilation, weights.

`resolve` turns the owner's settings into decisions; `engine.worker.pipeline` carries them out.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from diffusers.models.attention_dispatch import AttentionBackendName

from engine.adapters import MOST
from engine.families.family import QUANTISED, Placement
from engine.families.files import parameters
from engine.families.recognise import family_of, profile_of
from engine.families.registry import families, load_profile
from engine.request import Role
from engine.settings import EMBEDDED, EMBEDDED_FOLDER, TAKES_MASKS, BadSetting, ModelSettings
from engine.worker.memory import ADAPTERS, COMPONENTS, USABLE_PART, mode_for
from engine.worker.upscaling import examine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.families.family import Family
    from engine.families.profile import Profile
    from engine.families.zimage_control import ControlFile

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve(settings: ModelSettings, known: Mapping[str, Family] | None = None) -> Placement:
    """Decide what `auto` left open. `known`: the families there are, by pipeline; None: those of Easel.

    Raises BadSetting for what cannot be.
    """
    device = _device(settings)
    on_gpu = device != "cpu"
    quantisation = _quantisation(settings.quantisation)
    source = str(EMBEDDED_FOLDER) if settings.source == EMBEDDED else settings.source
    family = family_of(source, settings.revision, families() if known is None else known)
    dtype = _dtype(settings.dtype, device, family)
    name = torch.cuda.get_device_name(device) if on_gpu else f"cpu {platform.machine()}"
    profile = _profile(settings, family, source, name, dtype, quantisation)
    if settings.adapters:
        weights = {**profile.weights_bytes, ADAPTERS: _room_for_adapters(settings, dtype)}
        profile = replace(profile, weights_bytes=weights)
    if settings.control is not None:
        _check_control(settings, settings.control, family)
        profile = profile.controlled(settings.control, dtype.itemsize)
    upscaler = examine(settings.upscaler, device) if settings.upscaler is not None else None
    if upscaler is not None:
        begin = profile.peaks.begin.at_least(upscaler.peak_bytes)
        profile = replace(profile, peaks=replace(profile.peaks, begin=begin))
    budget = settings.memory_budget_bytes
    if budget is None and on_gpu:
        budget = round(
            USABLE_PART * settings.device_part * torch.cuda.get_device_properties(device).total_memory
        )
    return Placement(
        source=source,
        revision=settings.revision,
        family=family,
        profile=profile,
        device=device,
        device_name=name,
        dtype=dtype,
        mode=mode_for(settings.memory_mode, profile, budget if on_gpu else None, settings.largest_px),
        budget_bytes=budget,
        attention=_attention(settings.attention),
        compile_blocks=settings.compile_blocks,
        quantisation=quantisation,
        threads=settings.threads or len(os.sched_getaffinity(0)),
        adapters=settings.adapters,
        control=settings.control,
        upscaler=upscaler,
    )


def weights_on_disk(folder: Path, dtype: torch.dtype) -> Mapping[str, int]:
    """Bytes by component once loaded in `dtype`; empty where the folder is not here. Raises BadSetting."""
    counts = {part: parameters(folder, part) for part in COMPONENTS}
    return {part: count * dtype.itemsize for part, count in counts.items() if count}


def _room_for_adapters(settings: ModelSettings, dtype: torch.dtype) -> int:
    """Bytes of the device that are kept for LoRAs: for all of them, or for those that draw together."""
    if importlib.util.find_spec("peft") is None:
        raise BadSetting("loras", settings.adapters[0].name, "needs peft, which the extra lora brings")
    if settings.compile_blocks:
        raise BadSetting(
            "compile", "true", "with LoRAs each set of them would be compiled anew; allowed: false"
        )
    sizes = sorted((file.parameters * dtype.itemsize for file in settings.adapters), reverse=True)
    return max(min(sum(sizes), settings.adapters_bytes), sum(sizes[:MOST]))


def _check_control(settings: ModelSettings, file: ControlFile, family: Family) -> None:
    if Role.CONTROL not in family.takes:
        raise BadSetting("control", str(file.path), f"a model of {family.pipeline} follows no maps")
    if settings.attention not in TAKES_MASKS:
        raise BadSetting(
            "attention",
            settings.attention,
            f"it takes no masks, and a control network gives them; allowed: {', '.join(TAKES_MASKS)}",
        )


def _device(settings: ModelSettings) -> str:
    wanted = settings.device
    if wanted == "cpu":
        return wanted
    if torch.cuda.is_available():
        # Sizes change from call to call: without this the allocator is left with pieces that fit none.
        os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
        # With its number: torch.cuda.set_device takes none without.
        return wanted if ":" in wanted else f"cuda:{torch.cuda.current_device()}"
    if wanted == "auto" and settings.source == EMBEDDED:
        return "cpu"
    slow = "on a CPU this model takes minutes a step; allowed: cpu, if that is what you want"
    raise BadSetting("device", wanted, f"torch sees no GPU here ({_why_no_gpu()}), and {slow}")


def _why_no_gpu() -> str:
    """What `easel doctor` says at length."""
    built_for = torch.version.cuda
    return f"it is built for CUDA {built_for}; is the driver new enough?" if built_for else "a build for CPUs"


def _dtype(wanted: str, device: str, family: Family) -> torch.dtype:
    if (reason := family.refused_dtypes.get(wanted)) is not None:
        allowed = ", ".join(["auto", *(name for name in DTYPES if name not in family.refused_dtypes)])
        raise BadSetting("dtype", wanted, f"{reason}; allowed: {allowed}")
    if device == "cpu" or wanted == "float32":
        return DTYPES["float32" if wanted == "auto" else wanted]
    if not torch.cuda.is_bf16_supported(including_emulation=False):
        raise BadSetting(
            "dtype",
            wanted,
            "this card has no bfloat16 of its own (Ampere and newer have); "
            "allowed: float32, for twice the memory",
        )
    return torch.bfloat16


def _profile(
    settings: ModelSettings,
    family: Family,
    source: str,
    device_name: str,
    dtype: torch.dtype,
    quantisation: str | None,
) -> Profile:
    profile = load_profile(profile_of(settings.source, family), device_name)
    measured = settings.measured_profile
    if measured is not None and measured.exists():
        here = load_profile(measured, device_name)
        if here.known_device and here.name == profile.name:
            # A CPU is at other work as well: what it once took is no promise to hold it to.
            profile = replace(here, known_device=not device_name.startswith("cpu"))
    profile = replace(profile, planner=family, name=settings.name or profile.name)
    if weights := weights_on_disk(Path(source), dtype):
        profile = replace(profile, weights_bytes=weights)
    if quantisation is not None:
        profile = profile.quantised(dtype.itemsize)
    if (side := settings.tile_above_px) is not None:
        profile = replace(profile, tile_above_pixels=side**2, tile_px=min(side, profile.tile_px))
    return profile


def _attention(wanted: str) -> str | None:
    if wanted == "auto":
        return None
    known = [backend.value for backend in AttentionBackendName]
    if wanted not in known:
        raise BadSetting("attention", wanted, f"allowed: auto, {', '.join(known)}")
    return wanted


def _quantisation(wanted: str) -> str | None:
    if wanted == "none":
        return None
    if wanted not in QUANTISED:
        raise BadSetting("quantisation", wanted, f"allowed: none, {', '.join(QUANTISED)}")
    if importlib.util.find_spec("torchao") is None:
        raise BadSetting("quantisation", wanted, "needs torchao, which the extra gpu brings")
    return wanted
