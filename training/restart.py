"""Make a checkpoint of the shipped weights, from which training goes on: `python -m training.restart`."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch
from diffusers import ZImagePipeline

from training import text
from training.transformer import RUNS, Networks, save

SHIPPED = Path("engine/embedded")


def main() -> None:
    """Write what `training.latents` and `training.transformer --resume` go on from."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--minutes", type=float, default=1, help="for the reader, which is not shipped")
    parser.add_argument("--runs", type=Path, default=RUNS)
    args = parser.parse_args()
    torch.manual_seed(1)
    for part in ("vae", "tokenizer"):
        shutil.copytree(args.model / part, args.runs / part, dirs_exist_ok=True)
    pipeline = ZImagePipeline.from_pretrained(args.model, local_files_only=True, torch_dtype=torch.float32)
    networks = Networks(pipeline.transformer, pipeline.text_encoder)
    networks.encoder.requires_grad_(False)
    text.train(networks.encoder, networks.reader, pipeline.tokenizer, args.minutes, seed=1)
    networks.requires_grad_(True)
    (args.runs / "transformer").mkdir(exist_ok=True)
    save(networks, networks.state_dict(), [], 0, 0.0, args.runs / "transformer")


if __name__ == "__main__":
    main()
