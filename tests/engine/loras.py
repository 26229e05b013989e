"""Small LoRA files for a model, in every format that trainers write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from diffusers import ZImageTransformer2DModel
from safetensors.torch import load_file, save_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

RANK = 4
ALPHA = 8.0
LAYERS = ("attention.to_q", "attention.to_k", "attention.to_v", "attention.to_out.0", "feed_forward.w1")

Pairs = dict[str, tuple["Tensor", "Tensor"]]
"""Up (out, rank) and down (rank, in) by the transformer's layer; what is added is twice their product."""


def random_pairs(model: Path, seed: int = 0, strength: float = 0.3) -> Pairs:
    """A LoRA for a few layers of each kind of block. Query, key and value share their down projection."""
    shapes = {
        name: tensor.shape
        for name, tensor in ZImageTransformer2DModel.from_pretrained(model / "transformer").named_parameters()
    }
    generator = torch.Generator().manual_seed(seed)
    pairs: Pairs = {}
    for block in ("layers.0", "layers.1", "noise_refiner.0", "context_refiner.0"):
        shared = torch.randn(RANK, shapes[f"{block}.attention.to_q.weight"][1], generator=generator)
        for layer in LAYERS:
            out, into = shapes[f"{block}.{layer}.weight"]
            fused = layer.endswith(("to_q", "to_k", "to_v"))
            down = shared if fused else torch.randn(RANK, into, generator=generator)
            up = torch.randn(out, RANK, generator=generator)
            pairs[f"{block}.{layer}"] = up * strength / out**0.5, down / into**0.5
    return pairs


KLEIN = (
    "transformer_blocks.0.attn.to_q",
    "transformer_blocks.0.ff.linear_in",
    "single_transformer_blocks.0.attn.to_qkv_mlp_proj",
)
"""Some layers of FLUX.2 klein."""


def pairs_for(model: Path, layers: Sequence[str], seed: int = 0, strength: float = 1.0) -> Pairs:
    """A LoRA for these layers of a model that its folder holds in one file."""
    (file,) = (model / "transformer").glob("*.safetensors")
    shapes = {name: tensor.shape for name, tensor in load_file(file).items()}
    generator = torch.Generator().manual_seed(seed)
    pairs: Pairs = {}
    for layer in layers:
        out, into = shapes[f"{layer}.weight"]
        up, down = (torch.randn(*size, generator=generator) for size in ((out, RANK), (RANK, into)))
        pairs[layer] = up * strength / out**0.5, down / into**0.5
    return pairs


def write(folder: Path, form: str, pairs: Pairs) -> Path:
    """Write them as one of FORMS; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{form}.safetensors"
    save_file({key: weights.contiguous().clone() for key, weights in FORMS[form](pairs).items()}, path)
    if form == "peft":
        (folder / "adapter_config.json").write_text(json.dumps({"r": RANK, "lora_alpha": ALPHA}))
    return path


def _keys(pairs: Pairs, prefix: str, down: str, up: str) -> dict[str, Tensor]:
    keys = {}
    for layer, (b, a) in pairs.items():
        keys[f"{prefix}{layer}.{down}.weight"], keys[f"{prefix}{layer}.{up}.weight"] = a, b
    return keys


def _alphas(layers: Mapping[str, object], prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}{layer}.alpha": torch.tensor(ALPHA) for layer in layers}


def _diffusers(pairs: Pairs) -> dict[str, Tensor]:
    return _keys({layer: (2 * b, a) for layer, (b, a) in pairs.items()}, "transformer.", "lora_A", "lora_B")


def _peft(pairs: Pairs) -> dict[str, Tensor]:
    return _keys(pairs, "base_model.model.", "lora_A", "lora_B")


def _comfyui(pairs: Pairs) -> dict[str, Tensor]:
    prefix = "diffusion_model."
    return _keys(pairs, prefix, "lora_down", "lora_up") | _alphas(pairs, prefix)


def _ai_toolkit(pairs: Pairs) -> dict[str, Tensor]:
    doubled = {layer: (2 * b, a) for layer, (b, a) in pairs.items()}
    return _keys(doubled, "diffusion_model.", "lora_A", "lora_B")


def _kohya(pairs: Pairs) -> dict[str, Tensor]:
    named = {layer.replace(".", "_"): pair for layer, pair in pairs.items()}
    return _keys(named, "lora_unet_", "lora_down", "lora_up") | _alphas(named, "lora_unet_")


def _fused(pairs: Pairs) -> Pairs:
    """One layer for query, key and value, and the first release's name for the one after them."""
    fused: Pairs = {}
    for layer, (b, a) in pairs.items():
        block, _, name = layer.rpartition(".attention.")
        if name == "to_q":
            ups = [pairs[f"{block}.attention.to_{part}"][0] for part in "qkv"]
            fused[f"{block}.attention.qkv"] = torch.cat(ups), a
        elif name == "to_out.0":
            fused[f"{block}.attention.out"] = b, a
        elif name not in ("to_k", "to_v"):
            fused[layer] = b, a
    return fused


FORMS = {
    "diffusers": _diffusers,
    "peft": _peft,
    "comfyui": _comfyui,
    "ai-toolkit": _ai_toolkit,
    "kohya": _kohya,
    "kohya-fused": lambda pairs: _kohya(_fused(pairs)),
    "comfyui-fused": lambda pairs: _comfyui(_fused(pairs)),
    "ai-toolkit-fused": lambda pairs: _ai_toolkit(_fused(pairs)),
}
