"""The untrained transformer and text encoder, and a batched forward pass that equals the pipeline's."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import ZImageTransformer2DModel
from diffusers.models.transformers.transformer_z_image import SEQ_MULTI_OF
from torch import Tensor, nn
from transformers import Qwen3Config, Qwen3Model

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PATCH = 2
WIDTH = 192  # channels of both networks


def new_transformer() -> ZImageTransformer2DModel:
    """Return an untrained transformer; its position tables cover 512 caption tokens and 2048 pixels."""
    transformer = ZImageTransformer2DModel(
        dim=WIDTH,
        n_layers=6,
        n_refiner_layers=1,
        n_heads=6,
        n_kv_heads=6,
        cap_feat_dim=WIDTH,
        axes_dims=[8, 12, 12],
        axes_lens=[1024, 128, 128],
    )
    for pad in (transformer.x_pad_token, transformer.cap_pad_token):
        nn.init.normal_(pad, std=0.02)  # the class leaves them uninitialised
    for block in _blocks(transformer):
        if block.modulation:
            # Every step of time starts out treated alike, and every block open a little.
            nn.init.zeros_(block.adaLN_modulation[0].weight)
            scale_1, gate_1, scale_2, gate_2 = block.adaLN_modulation[0].bias.data.chunk(4)
            for part, value in ((scale_1, 0.0), (gate_1, 0.3), (scale_2, 0.0), (gate_2, 0.3)):
                part.fill_(value)
    nn.init.zeros_(transformer.all_final_layer["2-1"].linear.weight)
    return transformer


def new_encoder(vocabulary: int, pad: int) -> Qwen3Model:
    """Return an untrained text encoder; the pipeline reads the output of its last layer but one."""
    return Qwen3Model(
        Qwen3Config(
            vocab_size=vocabulary,
            hidden_size=WIDTH,
            intermediate_size=384,
            num_hidden_layers=4,
            num_attention_heads=6,
            num_key_value_heads=6,
            head_dim=32,
            max_position_embeddings=1024,
            pad_token_id=pad,
            tie_word_embeddings=False,
        )
    )


class RealRope:
    """Z-Image's attention for batches without masks, its rotation in real arithmetic, which compiles well."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        freqs_cis: Tensor | None = None,
    ) -> Tensor:
        """Attend over (batch, tokens, channels); `freqs_cis`: cosines, sines (2, tokens, 1, head / 2)."""
        assert freqs_cis is not None
        assert attention_mask is None
        query, key, value = (
            project(hidden_states).unflatten(-1, (attn.heads, -1))
            for project in (attn.to_q, attn.to_k, attn.to_v)
        )
        query = _rotate(attn.norm_q(query), freqs_cis).type_as(value)
        key = _rotate(attn.norm_k(key), freqs_cis).type_as(value)
        mixed = _attend(query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2))
        out: Tensor = attn.to_out[0](mixed.transpose(1, 2).flatten(2, 3))
        return out


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return plain attention: on a CPU, for few tokens, its backward pass is faster than the fused one."""
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    mixed: Tensor = scores.float().softmax(-1).type_as(value) @ value
    return mixed


def _rotate(x: Tensor, freqs: Tensor) -> Tensor:
    cos, sin = freqs
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(3)


def set_training_attention(transformer: ZImageTransformer2DModel) -> None:
    """Give all blocks the attention that `predict` needs; saved weights are not affected."""
    processor = RealRope()
    for block in _blocks(transformer):
        block.attention.processor = processor


def compile_blocks(transformer: ZImageTransformer2DModel) -> None:
    """Compile the blocks for batches of all sizes, which needs a C++ compiler."""
    torch._dynamo.config.recompile_limit = 16
    for block in _blocks(transformer):
        block.compile(dynamic=True)


def _blocks(transformer: ZImageTransformer2DModel) -> list[Any]:
    return [*transformer.noise_refiner, *transformer.context_refiner, *transformer.layers]


def predict(
    transformer: ZImageTransformer2DModel, latents: Tensor, t: Tensor, features: Tensor, lengths: Tensor
) -> Tensor:
    """Return the model's output for a batch of one size, as `transformer.forward` gives it for lists.

    `latents` is (batch, 16, height, width); `t` is (batch,), 0 for noise and 1 for a picture; `features` is
    (batch, a multiple of 32, channels), of which the first `lengths` tokens of each row are the caption.
    """
    batch, channels, height, width = latents.shape
    rows, columns, caption = height // PATCH, width // PATCH, features.shape[1]
    tokens = rows * columns
    x = (
        latents.view(batch, channels, rows, PATCH, columns, PATCH)
        .permute(0, 2, 4, 3, 5, 1)
        .reshape(batch, tokens, -1)
    )
    # Under autocast the blocks return single precision anyway; one type for all keeps compiled blocks few.
    x = transformer.all_x_embedder["2-1"](x).float()
    padding = -tokens % SEQ_MULTI_OF
    x = torch.cat([x, transformer.x_pad_token.expand(batch, padding, -1)], dim=1)
    x_freqs = _freqs(transformer, _image_ids(caption, rows, columns, padding))
    time = transformer.t_embedder(t * transformer.t_scale)
    for block in transformer.noise_refiner:
        x = block(x, None, x_freqs, time)

    text = transformer.cap_embedder(features).float()
    is_pad = torch.arange(caption, device=lengths.device) >= lengths[:, None]
    text = torch.where(is_pad[..., None], transformer.cap_pad_token, text)
    text_ids = torch.stack([torch.arange(1, caption + 1), *torch.zeros(2, caption, dtype=torch.long)], dim=1)
    text_freqs = _freqs(transformer, text_ids)
    for block in transformer.context_refiner:
        text = block(text, None, text_freqs)

    both = torch.cat([x, text], dim=1)
    freqs = torch.cat([x_freqs, text_freqs], dim=1)
    for block in transformer.layers:
        both = block(both, None, freqs, time)
    out: Tensor = transformer.all_final_layer["2-1"](both[:, :tokens], c=time)
    return (
        out.view(batch, rows, columns, PATCH, PATCH, channels)
        .permute(0, 5, 1, 3, 2, 4)
        .reshape(latents.shape)
    )


def _image_ids(caption: int, rows: int, columns: int, padding: int) -> Tensor:
    """Return (tokens, 3) positions: images start one after the caption, padding sits at the origin."""
    grid = torch.cartesian_prod(torch.tensor([caption + 1]), torch.arange(rows), torch.arange(columns))
    return torch.cat([grid, torch.zeros(padding, 3, dtype=torch.long)])


def _freqs(transformer: ZImageTransformer2DModel, ids: Tensor) -> Tensor:
    rotation = transformer.rope_embedder(ids)
    return torch.stack([rotation.real, rotation.imag])[:, :, None]
