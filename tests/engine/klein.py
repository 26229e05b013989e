"""Flux2KleinPipelines of the real classes with random weights: a tiny one, and one of the true widths."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

import torch
from diffusers import (
    AutoencoderKLFlux2,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
)
from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

from engine.families.recognise import OWN_PROFILE
from engine.settings import EMBEDDED_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

TINY: dict[str, dict[str, Any]] = {
    "encoder": {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 28,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
    },
    "transformer": {
        "in_channels": 16,
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": 48,
        "axes_dims_rope": (4, 4, 4, 4),
    },
    "vae": {
        "block_out_channels": (8, 8, 8, 8),
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 4,
        "mid_block_add_attention": False,
    },
}
WIDE: dict[str, dict[str, Any]] = {
    "transformer": {
        "in_channels": 128,
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 128,
        "num_attention_heads": 24,
        "joint_attention_dim": 7680,
    },
    "vae": {},
}
"""FLUX.2 klein 4B but for its depth; what reads the words is left out."""


def build(folder: Path, *, tokenizer: PreTrainedTokenizerBase | None = None, distilled: bool = True) -> Path:
    """Save a tiny pipeline below `folder`, which is then loaded like any model folder. A few 100 kB."""
    tokenizer = tokenizer or AutoTokenizer.from_pretrained(EMBEDDED_FOLDER / "tokenizer")
    pipeline(TINY, tokenizer, distilled=distilled).save_pretrained(folder)
    profile = resources.files("engine") / "families" / "embedded.toml"
    text = profile.read_text("utf-8").replace('"embedded"', '"tiny-klein"')
    text = text.replace('"ZImagePipeline"', '"Flux2KleinPipeline"').replace("default = 8", "default = 4")
    (folder / OWN_PROFILE).write_text(text)
    return folder


def pipeline(
    sizes: dict[str, dict[str, Any]], tokenizer: PreTrainedTokenizerBase, *, distilled: bool = True
) -> Flux2KleinPipeline:
    """The pipeline itself, in torch's default dtype."""
    torch.manual_seed(0)
    vocabulary = {"vocab_size": len(tokenizer), "max_position_embeddings": 1024}
    encoder = Qwen3Config(**(vocabulary | {"tie_word_embeddings": True} | sizes["encoder"]))
    transformer = Flux2Transformer2DModel(guidance_embeds=False, **sizes["transformer"])
    vae = AutoencoderKLFlux2(**sizes["vae"])
    with torch.no_grad():  # an untrained one would change nothing
        vae.bn.running_mean.normal_(std=0.1)
        vae.bn.running_var.uniform_(0.5, 2.0)
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True)
    return Flux2KleinPipeline(
        scheduler=scheduler,
        vae=vae.eval(),
        text_encoder=Qwen3ForCausalLM(encoder).eval(),
        tokenizer=tokenizer,
        transformer=transformer.eval(),
        is_distilled=distilled,
    )
