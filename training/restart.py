"""Make a checkpoint of the shipped weights, from which training goes on: `python -m training.restart`.

The tokenizer may have been trained anew since: tokens that both know keep what the encoder learned of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers import ZImagePipeline
from transformers import AutoTokenizer

from training import text
from training.model import DEVICE, new_encoder
from training.transformer import RUNS, Networks, save

if TYPE_CHECKING:
    from transformers import Qwen3Model

SHIPPED = Path("engine/embedded")


@torch.no_grad()
def carry_over(old: Qwen3Model, old_tokenizer: Any, new_tokenizer: Any) -> Qwen3Model:
    """Return an encoder with the old layers, and with the old vectors of all tokens that it shares."""
    encoder = new_encoder(len(new_tokenizer), new_tokenizer.pad_token_id)
    state = old.state_dict()
    known = state.pop("embed_tokens.weight")
    encoder.load_state_dict(state, strict=False)
    table = encoder.embed_tokens.weight
    table.copy_(torch.randn_like(table) * known.std())
    old_ids = old_tokenizer.get_vocab()
    for token, number in new_tokenizer.get_vocab().items():
        if token in old_ids:
            table[number] = known[old_ids[token]]
    return encoder


def main() -> None:
    """Write what `training.transformer --resume` goes on from."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--steps", type=int, default=500, help="of encoder and reader, on captions alone")
    parser.add_argument("--runs", type=Path, default=RUNS)
    args = parser.parse_args()
    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(args.runs / "tokenizer", local_files_only=True)
    pipeline = ZImagePipeline.from_pretrained(args.model, local_files_only=True, torch_dtype=torch.float32)
    encoder = carry_over(pipeline.text_encoder, pipeline.tokenizer, tokenizer)
    networks = Networks(pipeline.transformer, encoder).to(DEVICE)
    text.train(networks.encoder, networks.reader, tokenizer, args.steps, seed=1)
    (args.runs / "transformer").mkdir(exist_ok=True)
    save(networks, networks.state_dict(), [], 0, 0.0, args.runs / "transformer")


if __name__ == "__main__":
    main()
