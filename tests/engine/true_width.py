"""A model folder as wide as Z-Image-Turbo, with few layers, few words and random weights: 2.1 GB."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
from transformers import AutoTokenizer, Qwen3Config, Qwen3Model

TOKENIZER = Path(__file__).parents[2] / "engine" / "embedded" / "tokenizer"


def build(folder: Path, *, layers: int = 2, encoder_layers: int = 3) -> Path:
    """Save the pipeline in bf16 below `folder`, with the embedded model's tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    try:
        transformer = ZImageTransformer2DModel(
            dim=3840,
            n_layers=layers,
            n_refiner_layers=1,
            n_heads=30,
            n_kv_heads=30,
            cap_feat_dim=2560,
            axes_dims=[32, 48, 48],
            axes_lens=[1536, 512, 512],
        )
        text_encoder = Qwen3Model(
            Qwen3Config(
                vocab_size=len(tokenizer),
                hidden_size=2560,
                intermediate_size=9728,
                num_hidden_layers=encoder_layers,
                num_attention_heads=32,
                num_key_value_heads=8,
                head_dim=128,
            )
        )
        vae = AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            latent_channels=16,
            sample_size=1024,
            use_quant_conv=False,
            use_post_quant_conv=False,
            scaling_factor=0.3611,
            shift_factor=0.1159,
        )
    finally:
        torch.set_default_dtype(torch.float32)
    ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae.eval(),
        text_encoder=text_encoder.eval(),
        tokenizer=tokenizer,
        transformer=transformer.eval(),
    ).save_pretrained(folder)
    return folder
