"""Loading a pipeline of diffusers: component by component, each to where the placement has it work."""

from __future__ import annotations

import contextlib
import importlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diffusers
import torch
from diffusers.models.attention_dispatch import attention_backend
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from engine.families.family import QUANTISED
from engine.families.files import folder_of
from engine.families.registry import INDEX
from engine.worker.memory import COMPONENTS, ENCODER, Mode
from engine.worker.parts import Part, Parts, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.families.family import Placement

RECOMPILE_LIMIT = 64
"""Variants of the compiled block (with and without modulation, one picture or several); torch allows 8."""


@contextlib.contextmanager
def no_bars() -> Iterator[None]:
    """The libraries' own progress bars would write across whatever face is on the terminal."""
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        diffusers_logging.enable_progress_bar()
        transformers_logging.enable_progress_bar()


def sources(placement: Placement) -> dict[str, Source]:
    """What those components are loaded from that other models may have too."""
    folder = folder_of(placement.source, placement.revision)
    if placement.mode is not Mode.HIGH:
        return {}
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    own = placement.adapters or placement.compile_blocks or placement.quantisation
    names = [name for name in COMPONENTS if not (own and name == "transformer")]
    return {name: Source(folder / name, (str(index.get(name)), placement.dtype)) for name in names}


def load_parts(placement: Placement, shared: Parts) -> tuple[Any, dict[str, Part]]:
    """The pipeline and its components, one after the other, so that main memory never holds them all."""
    # A folder is never looked for on a hub, whatever is missing from it.
    local = Path(placement.source).exists()
    where: dict[str, Any] = {"local_files_only": local, "revision": placement.revision}
    index = diffusers.DiffusionPipeline.load_config(placement.source, **where)
    wanted = placement.family.pipeline
    if index["_class_name"] != wanted:
        raise ValueError(f"{placement.source} holds a {index['_class_name']}, and a {wanted} was expected")

    def load(name: str) -> Part:
        library, kind = index[name]
        if library not in ("diffusers", "transformers"):
            raise ValueError(f"{placement.source}: {name} is code of its own ({library}), which is not run")
        component: Any = getattr(importlib.import_module(library), kind)
        weights = component.from_pretrained(placement.source, subfolder=name, dtype=placement.dtype, **where)
        module = _place(name, weights, placement)
        return Part(module, torch.device(placement.device), pins=placement.on_gpu)

    told = sources(placement)
    parts = {name: shared.get(told.get(name), partial(load, name)) for name in COMPONENTS}
    modules = {name: part.module for name, part in parts.items()}
    pipeline = getattr(diffusers, wanted)
    return pipeline.from_pretrained(placement.source, dtype=placement.dtype, **modules, **where), parts


def _place(name: str, component: Any, placement: Placement) -> Any:
    """Bring one component, just loaded into main memory, to where it is used. Returns it.

    One at a time: the next is loaded when this one has left main memory.
    """
    if name == "transformer" and placement.quantisation is not None:
        _quantise(component, placement)
    stays = placement.mode is Mode.LOW or (placement.mode is Mode.MEDIUM and name == ENCODER)
    if not stays:
        component.to(placement.device)
    return component


def finish(pipeline: Any, placement: Placement) -> Any:
    """What is done once all components are there. Returns the pipeline."""
    transformer = pipeline.transformer
    if placement.attention is not None:
        # No mask is ever given (equal lengths only), so back ends that refuse masks work too. diffusers would
        # also make it the back end of every other model in this process; leaving the context takes that back.
        with attention_backend():
            transformer.set_attention_backend(placement.attention)
    if placement.compile_blocks:
        # Not as a full graph: an attention back end that breaks it would fail every job.
        torch._dynamo.config.recompile_limit = RECOMPILE_LIMIT
        transformer.compile_repeated_blocks(dynamic=True)
    if placement.mode is Mode.LOW:
        pipeline.enable_model_cpu_offload(device=placement.device)
    if not placement.on_gpu:
        pipeline.vae.to(memory_format=torch.channels_last)  # convolutions take a sixth less time
    return pipeline


def _quantise(transformer: Any, placement: Placement) -> None:
    quantization = importlib.import_module("torchao.quantization")
    config = getattr(quantization, QUANTISED[placement.quantisation or ""])()
    layers = placement.family.in_8_bits

    def in_8_bits(module: torch.nn.Module, name: str) -> bool:
        return isinstance(module, torch.nn.Linear) and any(layer in name for layer in layers)

    # Layer by layer on the device: the whole never has to fit there in full precision.
    quantization.quantize_(transformer, config, filter_fn=in_8_bits, device=placement.device)
