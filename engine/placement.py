"""Where the model lives and how fast it is made: device, dtype, memory mode, attention, compilation, weights.

`resolve` turns the owner's settings into decisions, `prepare` applies them to a loaded pipeline. Nothing
here was measured on a GPU yet; on a CPU every branch is exercised up to the device call.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import platform
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers.models.attention_dispatch import AttentionBackendName

from engine.families.profile import Profile, load_profile
from engine.settings import EMBEDDED, BadSetting, ModelSettings
from engine.worker.memory import USABLE_PART, Mode, choose_mode

if TYPE_CHECKING:
    from collections.abc import Mapping

EMBEDDED_FOLDER = Path(__file__).parent / "embedded"
OWN_PROFILE = "easel.toml"
"""A model folder may bring its own profile; without one it is taken for a Z-Image-Turbo."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
QUANTISED = {"int8": "Int8WeightOnlyConfig", "float8": "Float8WeightOnlyConfig"}
"""torchao's configurations: weights in 8 bits, arithmetic in the model's dtype."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Decisions, ready to be carried out."""

    source: str
    profile: Profile
    device: str
    device_name: str
    dtype: torch.dtype
    mode: Mode
    budget_bytes: int | None
    attention: str | None
    compile_blocks: bool
    quantisation: str | None
    threads: int
    """CPU cores to draw with."""

    @property
    def on_gpu(self) -> bool:
        return self.device != "cpu"

    @property
    def lessons_key(self) -> str:
        """Stands for everything that memory peaks and seconds depend on."""
        profile = self.profile
        told = (
            sorted(profile.weights_bytes.items()),
            (profile.tile_above_pixels, profile.tile_px),
            (self.dtype, self.mode, self.attention, self.compile_blocks, self.quantisation),
            (torch.__version__, version("diffusers"), version("transformers")),
        )
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def resolve(settings: ModelSettings) -> Placement:
    """Decide what `auto` left open. Raises BadSetting for what cannot be."""
    on_gpu = settings.device != "cpu" and torch.cuda.is_available()
    if settings.device.startswith("cuda") and not on_gpu:
        raise BadSetting("device", settings.device, "torch sees no GPU here; allowed: auto, cpu")
    device = ("cuda" if settings.device == "auto" else settings.device) if on_gpu else "cpu"
    dtype = DTYPES[settings.dtype] if settings.dtype != "auto" else _dtype(on_gpu)
    quantisation = _quantisation(settings.quantisation)
    source = str(EMBEDDED_FOLDER) if settings.source == EMBEDDED else settings.source
    name = torch.cuda.get_device_name(device) if on_gpu else f"cpu {platform.machine()}"
    profile = _profile(settings, source, name, dtype, quantisation)
    budget = settings.memory_budget_bytes
    if budget is None and on_gpu:
        budget = round(
            USABLE_PART * settings.device_part * torch.cuda.get_device_properties(device).total_memory
        )
    return Placement(
        source=source,
        profile=profile,
        device=device,
        device_name=name,
        dtype=dtype,
        mode=_mode(settings, profile, budget, on_gpu=on_gpu),
        budget_bytes=budget,
        attention=_attention(settings.attention),
        compile_blocks=settings.compile_blocks,
        quantisation=quantisation,
        threads=settings.threads or len(os.sched_getaffinity(0)),
    )


def prepare(pipeline: Any, placement: Placement) -> Any:
    """Carry out the decisions on a freshly loaded ZImagePipeline. Returns it."""
    transformer = pipeline.transformer
    if placement.quantisation is not None:
        _quantise(transformer, placement.quantisation, placement.device)
    if placement.attention is not None:
        # No mask is ever given (equal lengths only), so back ends that refuse masks work too.
        transformer.set_attention_backend(placement.attention)
    if placement.compile_blocks:
        transformer.compile_repeated_blocks(fullgraph=True, dynamic=True)
    if placement.mode is Mode.LOW:
        pipeline.enable_model_cpu_offload(device=placement.device)
    else:
        pipeline.to(placement.device)
        if not placement.on_gpu:
            pipeline.vae.to(memory_format=torch.channels_last)  # convolutions take a sixth less time
        if placement.mode is Mode.MEDIUM:
            pipeline.text_encoder.to("cpu")
    return pipeline


def weights_on_disk(folder: Path, dtype: torch.dtype) -> Mapping[str, int]:
    """Bytes by component once loaded in `dtype`; empty where the folder is not here."""
    sizes: dict[str, int] = {}
    for part in ("transformer", "text_encoder", "vae"):
        for file in (folder / part).glob("*.safetensors"):
            sizes[part] = sizes.get(part, 0) + _loaded_bytes(file, dtype)
    return sizes


def _loaded_bytes(file: Path, dtype: torch.dtype) -> int:
    from safetensors import safe_open

    with safe_open(file, framework="pt") as tensors:
        shapes = (tensors.get_slice(key).get_shape() for key in tensors.keys())  # noqa: SIM118
        return sum(torch.Size(shape).numel() for shape in shapes) * dtype.itemsize


def _dtype(on_gpu: bool) -> torch.dtype:
    if not on_gpu:
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _profile(
    settings: ModelSettings, source: str, device_name: str, dtype: torch.dtype, quantisation: str | None
) -> Profile:
    own = Path(source) / OWN_PROFILE
    if settings.source == EMBEDDED:
        profile = load_profile("embedded", device_name)
    else:
        profile = load_profile(own if own.exists() else "z-image-turbo", device_name)
    measured = settings.measured_profile
    if measured is not None and measured.exists():
        here = load_profile(measured, device_name)
        if here.known_device and here.name == profile.name:
            # A CPU is at other work as well: what it once took is no promise to hold it to.
            profile = replace(here, known_device=not device_name.startswith("cpu"))
    if weights := weights_on_disk(Path(source), dtype):
        profile = replace(profile, weights_bytes=weights)
    if quantisation is not None:
        profile = profile.quantised(dtype.itemsize)
    if (side := settings.tile_above_px) is not None:
        profile = replace(profile, tile_above_pixels=side**2, tile_px=min(side, profile.tile_px))
    return profile


def _mode(settings: ModelSettings, profile: Profile, budget: int | None, *, on_gpu: bool) -> Mode:
    if settings.memory_mode != "auto":
        return Mode(settings.memory_mode)
    if not on_gpu or budget is None:
        return Mode.HIGH
    largest = settings.largest_px or max(profile.default_size)
    return choose_mode(profile, budget, largest**2)


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


def _quantise(transformer: Any, kind: str, device: str) -> None:
    quantization = importlib.import_module("torchao.quantization")
    config = getattr(quantization, QUANTISED[kind])()
    # Layer by layer on the device: the whole never has to fit there in full precision.
    quantization.quantize_(transformer, config, device=device)
