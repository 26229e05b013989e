"""LoRAs on top of a loaded transformer, through diffusers' own loader and peft.

At the start they are only read; layers are wrapped when the first is asked for, and stay so, which costs a
picture without any LoRA next to nothing. The transformer has one set of LoRAs at a time: whoever steps with
another set waits until nobody steps.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import torch

from engine.weights import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.adapters import AdapterFile
    from engine.request import Adapter

PREFIX = "transformer."
PEFT_PREFIX = "base_model.model."
"""Of what peft itself saves."""
PEFT_CONFIG = "adapter_config.json"
"""Lies beside it, and says how strong it is."""
FUSED = ".attention.qkv.lora_"
"""One layer for query, key and value, as in the model's first release."""


class Adapters:
    """Those of one model. Loaded when they are asked for; the least recently used leave for them."""

    def __init__(self, pipeline: Any, files: Sequence[AdapterFile], room_bytes: int) -> None:
        self.refused: dict[str, str] = {}
        """Why, by name."""
        self.held_bytes = 0
        self._pipeline = pipeline
        self._files = {file.name: file for file in files}
        self._room_bytes = room_bytes
        self._held: OrderedDict[str, int] = OrderedDict()
        """Bytes by name, the least recently used first."""
        self._drawing: Sequence[Adapter] | None = ()
        """None where it is not known, since a change failed."""
        self._lock = threading.Lock()
        self._linears = {
            name: (layer.out_features, layer.in_features)
            for name, layer in pipeline.transformer.named_modules()
            if isinstance(layer, torch.nn.Linear)
        }

    def read_all(self) -> None:
        """Read each once; `refused` has those that this model has no layers for."""
        for name, file in self._files.items():
            try:
                self._read(file.path)
            except Exception as error:  # whatever the loader raises at a file that is no good
                self.refused[name] = f"{type(error).__name__}: {error}"

    def use(self, wanted: Sequence[Adapter]) -> None:
        """The steps from now on are drawn with these. Nobody else may step meanwhile."""
        with self._lock:
            if wanted == self._drawing:
                return
            self._drawing, names = None, [adapter.name for adapter in wanted]
            for name in names:
                self._bring(name, keep=names)
            transformer = self._pipeline.transformer
            with torch.inference_mode():  # in which offloading left their weights
                if wanted:
                    transformer.enable_lora()
                    transformer.set_adapters(names, [adapter.scale for adapter in wanted])
                elif self._held:
                    transformer.disable_lora()
            self._drawing = wanted

    def _bring(self, name: str, keep: Sequence[str]) -> None:
        """Have it loaded, and make room for it among those not to `keep`."""
        if name in self._held:
            self._held.move_to_end(name)
            return
        if name not in self._files:
            raise ValueError(f"there is no LoRA called {name}")
        if name in self.refused:
            raise ValueError(f"{name}: {self.refused[name]}")
        file = self._files[name]
        if digest_of(file.path) != file.digest:
            raise ValueError(f"{file.path} has changed since the start")
        state = self._read(file.path)
        nbytes = sum(weights.nbytes for weights in state.values())
        for other in [held for held in self._held if held not in keep]:
            if self.held_bytes + nbytes > self._room_bytes:
                self._pipeline.transformer.delete_adapters(other)
                self.held_bytes -= self._held.pop(other)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # several LoRAs are meant, and none is ever merged
            self._pipeline.load_lora_into_transformer(
                state,
                transformer=self._pipeline.transformer,
                adapter_name=name,
                low_cpu_mem_usage=True,
            )
        self._held[name] = nbytes
        self.held_bytes += nbytes

    def _read(self, file: Path) -> dict[str, torch.Tensor]:
        """A file in any of the formats, as the transformer's layers have it.

        Raises ValueError where it changes anything that this model does not have.
        """
        from safetensors.torch import load_file

        state = {key.removeprefix(PEFT_PREFIX): weights for key, weights in load_file(file).items()}
        state = self._pipeline.lora_state_dict(state)
        dtype, scale = self._pipeline.transformer.dtype, _scale(file)
        layers = {}
        for key, weights in _split(state).items():
            layer, _, which = key.removeprefix(PREFIX).rpartition(".lora_")
            layers[layer, which[:1]] = weights.to(dtype) * (scale if which[:1] == "B" else 1.0)
        shapes = {layer: (layers.get((layer, "B")), layers.get((layer, "A"))) for layer, _ in layers}
        for layer, (up, down) in shapes.items():
            wide = None if up is None or down is None else (up.shape[0], down.shape[1])
            if layer not in self._linears or self._linears[layer] != wide:
                raise ValueError(f"this model has no layer {layer} of {wide}")
        return {f"{PREFIX}{layer}.lora_{which}.weight": weights for (layer, which), weights in layers.items()}


def _split(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Query, key and value apart, and the layer after them under its present name."""
    apart: dict[str, torch.Tensor] = {}
    for key, weights in state.items():
        if FUSED in key:
            parts = weights.chunk(3) if ".lora_B." in key else (weights,) * 3
            apart |= {
                key.replace(".qkv.", f".to_{name}."): part for name, part in zip("qkv", parts, strict=True)
            }
        else:
            apart[key.replace(".attention.out.", ".attention.to_out.0.")] = weights
    return apart


def _scale(file: Path) -> float:
    """How strong it is at a strength of 1, where the layers do not say so themselves."""
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        told = json.loads((opened.metadata() or {}).get("lora_adapter_metadata", "{}"))
    told = {key.removeprefix(PREFIX): value for key, value in told.items()}
    if not told and (config := file.parent / PEFT_CONFIG).exists():
        told = json.loads(config.read_text(encoding="utf-8"))
    rank = told.get("r")
    return float(told["lora_alpha"]) / rank if rank and "lora_alpha" in told else 1.0
